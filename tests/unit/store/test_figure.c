/* Figures as SQL: right at every edge, compared with a plain reading of the scans over random timelines, and pasted
 * into a connection of its own. */
#include "health_fixture.h"

#include "faulty_vfs.h"

/* The status map of these tests. What it does not have is a 6. */
static const char *const map_names[] = {"ok", "fine", "slow", "down", NULL};
static const int map_priorities[] = {10, 9, 3, 1};

static int priority_of(const char *status)
{
    for (int i = 0; map_names[i]; i++)
        if (g_ascii_strcasecmp(map_names[i], status) == 0)
            return map_priorities[i];
    return 6;
}

static struct store_figure_query query_of(enum store_figure figure, int64_t from, int64_t to, int64_t now)
{
    return (struct store_figure_query){.figure = figure,
                                       .customer = "contoso",
                                       .tenant_id = TENANT,
                                       .service = "E",
                                       .from = from,
                                       .to = to,
                                       .actions_to = to + 86400,
                                       .now = now,
                                       .max_gap_s = MAX_GAP_S,
                                       .statuses = map_names,
                                       .priorities = map_priorities,
                                       .unknown_priority = 6};
}

/* The figure's rows, columns joined by '|', rows by newlines; the same by its SQL in a connection of its own. Returned:
 * g_free. */
static char *ask(struct fixture *fixture, const struct store_figure_query *query)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = store_figure_rows(fixture->store, query, &error);
    assert_ok(rows != NULL, error);
    g_autofree char *sql = store_figure_sql(fixture->store, query, &error);
    assert_ok(sql != NULL, error);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < rows->len; i++) {
        g_autofree char *row = g_strjoinv("|", rows->pdata[i]);
        g_string_append_printf(text, "%s%s", i ? "\n" : "", row);
    }
    g_autofree char *as_pasted = rows_in(fixture->path, sql);
    g_auto(GStrv) values = g_strsplit(as_pasted, "NULL", -1);
    g_autofree char *pasted_rows = g_strjoinv("", values);
    assert_string_equal(pasted_rows, text->str);
    return g_string_free(text, FALSE);
}

static void assert_figure(struct fixture *fixture, const struct store_figure_query *query, const char *expected)
{
    g_autofree char *rows = ask(fixture, query);
    assert_string_equal(rows, expected);
}

/* --- a plain reading of the scans ------------------------------------------------------------------------------------
 */

enum { SCANS_MOST = 40 };

/* What one good scan saw. */
struct seen {
    int64_t at;
    const char *status; /* NULL: the service was not listed */
};

struct timeline {
    struct seen scans[SCANS_MOST];
    int n;
};

/* A stretch as it is told; status NULL: nobody knows. */
struct piece {
    int64_t from, to;
    const char *status;
    int64_t seen; /* last */
};

static struct piece *last_piece(GArray *pieces)
{
    return pieces->len > 0 ? &g_array_index(pieces, struct piece, pieces->len - 1) : NULL;
}

/* Lets the status of scan i be in force up to the next one, or for no time, if that is too far or did not see the
 * service. */
static void add_seen(GArray *pieces, const struct timeline *timeline, int i, int64_t now)
{
    const struct seen *scan = &timeline->scans[i], *next = scan + 1;
    bool is_last = i + 1 == timeline->n || next->at > now;
    int64_t until = is_last ? MAX(now, scan->at) : next->at;
    if (!scan->status)
        return;
    if (until - scan->at > MAX_GAP_S || (!is_last && !next->status))
        until = scan->at;
    struct piece *last = last_piece(pieces);
    if (last && last->to == scan->at && g_ascii_strcasecmp(last->status, scan->status) == 0) {
        last->to = until;
        last->seen = scan->at;
        return;
    }
    struct piece piece = {scan->at, until, scan->status, scan->at};
    g_array_append_val(pieces, piece);
}

/* Appends what is in [from, to) of the piece, be it just its last scan, and of the time before it that nobody knows. */
static void add_clipped(GArray *clipped, int64_t *at, const struct piece *piece, int64_t from, int64_t to, int64_t now)
{
    struct piece known = {MAX(piece->from, from), MIN(piece->to, MIN(to, now)), piece->status, piece->seen};
    bool sighting = piece->to == piece->seen && piece->seen >= from && piece->seen < to;
    if (known.from >= known.to && !sighting)
        return;
    struct piece unknown = {*at, known.from, NULL, 0};
    if (unknown.from < unknown.to)
        g_array_append_val(clipped, unknown);
    g_array_append_val(clipped, known);
    *at = known.to;
}

static GArray *pieces_of(const struct timeline *timeline, int64_t from, int64_t to, int64_t now)
{
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    GArray *clipped = g_array_new(FALSE, FALSE, sizeof(struct piece));
    int64_t at = from;
    for (int i = 0; i < timeline->n && timeline->scans[i].at <= now; i++)
        add_seen(pieces, timeline, i, now);
    for (guint i = 0; i < pieces->len; i++)
        add_clipped(clipped, &at, &g_array_index(pieces, struct piece, i), from, to, now);
    struct piece rest = {at, MIN(to, now), NULL, 0};
    if (rest.from < rest.to)
        g_array_append_val(clipped, rest);
    return clipped;
}

static void append_times(GString *text, int64_t from, int64_t to)
{
    g_autofree char *from_text = timestamp_format_seconds(from), *to_text = timestamp_format_seconds(to);
    g_string_append_printf(text, "%s|%s", from_text, to_text);
}

static void append_line(GString *text)
{
    if (text->len)
        g_string_append_c(text, '\n');
}

/* The scans of a window up to `to` that saw the piece's status in it, or at its end. */
static int scans_of(const struct timeline *timeline, const struct piece *piece, int64_t to)
{
    int n = 0;
    for (int i = 0; i < timeline->n; i++) {
        const struct seen *scan = &timeline->scans[i];
        n += scan->at >= piece->from && scan->at <= piece->to && scan->at < to && scan->status &&
             g_ascii_strcasecmp(scan->status, piece->status) == 0;
    }
    return n;
}

/* The figure of these pieces of a window up to `to`, as its rows tell it. Returned: g_free. */
static char *told(enum store_figure figure, const struct timeline *timeline, const GArray *pieces, int64_t to)
{
    GString *text = g_string_new(NULL);
    int64_t operational = 0, observed = 0;
    const struct piece *worst = NULL;
    for (guint i = 0; i < pieces->len; i++) {
        const struct piece *piece = &g_array_index(pieces, struct piece, i);
        int priority = piece->status ? priority_of(piece->status) : -1;
        if (figure == STORE_FIGURE_STRETCHES) {
            append_line(text);
            append_times(text, piece->from, piece->to);
            g_string_append_printf(text, "|%s|%d", piece->status ? piece->status : "", priority);
        } else if (figure == STORE_FIGURE_OCCURRENCES && piece->status) {
            append_line(text);
            g_string_append_printf(text, "%s|", piece->status);
            append_times(text, piece->from, piece->to);
            g_string_append_printf(text, "|%ld|%d", (long)(piece->to - piece->from), scans_of(timeline, piece, to));
        }
        observed += piece->status ? piece->to - piece->from : 0;
        operational += priority >= 9 ? piece->to - piece->from : 0;
        if (piece->status && (!worst || priority < priority_of(worst->status)))
            worst = piece;
    }
    if (figure == STORE_FIGURE_OVERALL)
        g_string_printf(text, "%s|%d", worst ? worst->status : "", worst ? priority_of(worst->status) : -1);
    else if (figure == STORE_FIGURE_AVAILABILITY)
        g_string_printf(text, "%ld|%ld", (long)operational, (long)observed);
    return g_string_free(text, FALSE);
}

/* Time without scans: the same reading of a service that every scan saw. Gaps that touch are told one by one. */
static char *gaps_of(const struct timeline *timeline, int64_t from, int64_t to, int64_t now)
{
    GString *text = g_string_new(NULL);
    int64_t before = G_MININT64; /* nothing is known from here on */
    for (int i = 0; i <= timeline->n; i++) {
        bool ends = i == timeline->n || timeline->scans[i].at > now;
        int64_t next = ends ? now : timeline->scans[i].at;
        bool gap = before == G_MININT64 || next - before > MAX_GAP_S;
        int64_t gap_from = MAX(before, from), gap_to = MIN(next, to);
        if (gap && gap_from < gap_to) {
            append_line(text);
            append_times(text, gap_from, gap_to);
        }
        if (ends)
            break;
        before = next;
    }
    return g_string_free(text, FALSE);
}

/* --- random timelines ------------------------------------------------------------------------------------------------
 */

static int64_t pick(GRand *random, const int64_t *of, int n)
{
    return of[g_rand_int_range(random, 0, n)];
}

/* Scans, good ones and failed ones, of the customer; those of another one between them. */
static void play(struct fixture *fixture, GRand *random, struct timeline *timeline)
{
    static const char *const statuses[] = {"ok", "OK", "fine", "slow", "down", "odd", NULL};
    static const int64_t steps[] = {1, 300, 300, 300, MAX_GAP_S - 1, MAX_GAP_S, MAX_GAP_S + 1, 5000};
    int n = g_rand_int_range(random, 0, SCANS_MOST);
    int64_t at = AT;
    const char *status = "ok";
    timeline->n = 0;
    for (int i = 0; i < n; i++) {
        at += pick(random, steps, G_N_ELEMENTS(steps));
        if (g_rand_int_range(random, 0, 3) == 0)
            status = statuses[g_rand_int_range(random, 0, G_N_ELEMENTS(statuses))];
        if (g_rand_int_range(random, 0, 8) == 0) {
            fail_at(fixture, at);
            continue;
        }
        g_autofree char *words = status ? g_strdup_printf("E=%s T=down", status) : g_strdup("T=down");
        scan_at(fixture, at, words);
        timeline->scans[timeline->n++] = (struct seen){at, status};
    }
}

/* A moment that matters: at, just before or just after a scan, or anywhere. */
static int64_t moment(GRand *random, const struct timeline *timeline)
{
    static const int64_t offsets[] = {-1, 0, 1, MAX_GAP_S, MAX_GAP_S + 1, 150};
    if (timeline->n == 0 || g_rand_int_range(random, 0, 4) == 0)
        return AT + g_rand_int_range(random, -4000, 40000);
    return timeline->scans[g_rand_int_range(random, 0, timeline->n)].at + pick(random, offsets, G_N_ELEMENTS(offsets));
}

/* A run is told with the spelling of the scan that began it. */
static void spell_as_begun(struct timeline *timeline)
{
    for (int i = 1; i < timeline->n; i++) {
        struct seen *seen = &timeline->scans[i], *before = seen - 1;
        if (seen->status && before->status && seen->at - before->at <= MAX_GAP_S &&
            g_ascii_strcasecmp(seen->status, before->status) == 0)
            seen->status = before->status;
    }
}

static void compare(struct fixture *fixture, const char *tenant, const struct timeline *timeline, int64_t from,
                    int64_t to, int64_t now)
{
    g_autoptr(GArray) pieces = pieces_of(timeline, from, to, now);
    for (enum store_figure figure = STORE_FIGURE_STRETCHES; figure <= STORE_FIGURE_GAPS; figure++) {
        struct store_figure_query query = query_of(figure, from, to, now);
        query.tenant_id = tenant;
        g_autofree char *expected =
            figure == STORE_FIGURE_GAPS ? gaps_of(timeline, from, to, now) : told(figure, timeline, pieces, to);
        g_autofree char *rows = ask(fixture, &query);
        if (strcmp(rows, expected) != 0)
            fail_msg("figure %d of %s, %ld to %ld at %ld:\n%s\nand not\n%s", figure, tenant, (long)(from - AT),
                     (long)(to - AT), (long)(now - AT), rows, expected);
    }
}

static void figures_are_what_the_scans_say_over_random_timelines(void **state)
{
    enum { WINDOWS = 6 };
    const int customers = g_getenv("M365KEEP_SHORT") ? 3 : 12;
    struct fixture *fixture = *state;
    g_autoptr(GRand) random = g_rand_new_with_seed(20261122);
    for (int customer = 0; customer < customers; customer++) {
        g_autofree char *tenant = g_strdup_printf("tenant-%d", customer), *name = g_strdup_printf("c%d", customer);
        struct timeline timeline;
        fixture->customer = store_customer(fixture->store, name, tenant, NULL);
        play(fixture, random, &timeline);
        spell_as_begun(&timeline);
        for (int window = 0; window < WINDOWS; window++) {
            int64_t from = moment(random, &timeline), to = moment(random, &timeline);
            int64_t now = moment(random, &timeline);
            if (to < from)
                continue;
            if (window % 3 == 2 && timeline.n > 0) { /* it is not over */
                now = timeline.scans[timeline.n - 1].at + g_rand_int_range(random, 0, 2) * 150;
                to = MAX(to, now + 1);
            } else {
                now = window % 3 ? to : MAX(to, now);
            }
            compare(fixture, tenant, &timeline, from, to, now);
        }
    }
}

/* --- by hand ---------------------------------------------------------------------------------------------------------
 */

static void the_last_state_lasts_up_to_now_where_it_was_seen_lately(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=ok");
    struct store_figure_query query = query_of(STORE_FIGURE_STRETCHES, AT - 60, AT + MAX_GAP_S, 0);
    assert_figure(fixture, &query,
                  "2026-11-26T07:59:00Z|2026-11-26T08:00:00Z||-1\n2026-11-26T08:00:00Z|2026-11-26T08:30:00Z|ok|10");
    query.to++; /* now is a second later: nobody knows what became of it, but it was seen */
    assert_figure(fixture, &query,
                  "2026-11-26T07:59:00Z|2026-11-26T08:00:00Z||-1\n2026-11-26T08:00:00Z|2026-11-26T08:00:00Z|ok|10\n"
                  "2026-11-26T08:00:00Z|2026-11-26T08:30:01Z||-1");
    query.now = AT + 86400; /* a window that was over long ago */
    query.to = AT;
    assert_figure(fixture, &query, "2026-11-26T07:59:00Z|2026-11-26T08:00:00Z||-1");
    query.figure = STORE_FIGURE_OVERALL;
    assert_figure(fixture, &query, "|-1");
    query.to++; /* it was seen in that second */
    assert_figure(fixture, &query, "ok|10");
    query.figure = STORE_FIGURE_AVAILABILITY;
    assert_figure(fixture, &query, "0|0");
}

static void of_a_window_that_is_not_over_nothing_is_told_of_what_is_to_come(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=ok");
    scan_at(fixture, AT + 60, "E=slow");
    struct store_figure_query query = query_of(STORE_FIGURE_STRETCHES, AT, AT + 86400, AT + 60);
    assert_figure(fixture, &query,
                  "2026-11-26T08:00:00Z|2026-11-26T08:01:00Z|ok|10\n2026-11-26T08:01:00Z|2026-11-26T08:01:00Z|slow|3");
    query.figure = STORE_FIGURE_OCCURRENCES;
    query.now = AT + 120;
    assert_figure(
        fixture, &query,
        "ok|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z|60|1\nslow|2026-11-26T08:01:00Z|2026-11-26T08:02:00Z|60|1");
    query.figure = STORE_FIGURE_GAPS;
    assert_figure(fixture, &query, "");
    query.now = AT + 7200;
    assert_figure(fixture, &query, "2026-11-26T08:01:00Z|2026-11-26T10:00:00Z");
}

/* Scans to the last of which none is near: each saw what it saw. */
static void a_sighting_is_an_occurrence_of_no_time(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=ok");
    scan_at(fixture, AT + 60, "E=down");
    scan_at(fixture, AT + 7200, "E=slow");
    scan_at(fixture, AT + 7260, "T=ok");
    struct store_figure_query query = query_of(STORE_FIGURE_OCCURRENCES, AT, AT + 86400, AT + 86400);
    assert_figure(fixture, &query,
                  "ok|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z|60|1\n"
                  "down|2026-11-26T08:01:00Z|2026-11-26T08:01:00Z|0|1\n"
                  "slow|2026-11-26T10:00:00Z|2026-11-26T10:00:00Z|0|1");
    query.figure = STORE_FIGURE_OVERALL;
    assert_figure(fixture, &query, "down|1");
    query.figure = STORE_FIGURE_AVAILABILITY;
    assert_figure(fixture, &query, "60|60");
    query.figure = STORE_FIGURE_STRETCHES;
    query.from = AT + 60;
    query.to = AT + 7200;
    assert_figure(fixture, &query,
                  "2026-11-26T08:01:00Z|2026-11-26T08:01:00Z|down|1\n2026-11-26T08:01:00Z|2026-11-26T10:00:00Z||-1");
}

/* A narrower gap than that which the runs were made with. */
static void runs_that_a_longer_gap_would_join_are_one_stretch(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=ok");
    scan_at(fixture, AT + 3600, "E=OK");
    scan_at(fixture, AT + 7200, "E=slow");
    struct store_figure_query query = query_of(STORE_FIGURE_OCCURRENCES, AT, AT + 7260, 0);
    assert_figure(fixture, &query,
                  "ok|2026-11-26T08:00:00Z|2026-11-26T08:00:00Z|0|1\n"
                  "OK|2026-11-26T09:00:00Z|2026-11-26T09:00:00Z|0|1\n"
                  "slow|2026-11-26T10:00:00Z|2026-11-26T10:01:00Z|60|1");
    query.max_gap_s = 3600;
    assert_figure(fixture, &query,
                  "ok|2026-11-26T08:00:00Z|2026-11-26T10:00:00Z|7200|2\n"
                  "slow|2026-11-26T10:00:00Z|2026-11-26T10:01:00Z|60|1");
    query.from = AT + 3600; /* that it began in another spelling is known still */
    assert_figure(fixture, &query,
                  "ok|2026-11-26T09:00:00Z|2026-11-26T10:00:00Z|3600|1\n"
                  "slow|2026-11-26T10:00:00Z|2026-11-26T10:01:00Z|60|1");
}

static void a_status_that_the_map_does_not_have_counts_as_the_unknown_one(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=brandNew");
    scan_at(fixture, AT + 60, "E=SLOW");
    scan_at(fixture, AT + 120, "E=Down");
    scan_at(fixture, AT + 180, "E=DOWN");
    struct store_figure_query query = query_of(STORE_FIGURE_OVERALL, AT, AT + 60, 0);
    assert_figure(fixture, &query, "brandNew|6");
    query.to = AT + 240;
    assert_figure(fixture, &query, "Down|1");
    query.unknown_priority = 0;
    assert_figure(fixture, &query, "brandNew|0");
    query.statuses = NULL;
    query.figure = STORE_FIGURE_AVAILABILITY;
    assert_figure(fixture, &query, "0|240");
    query.unknown_priority = 9;
    assert_figure(fixture, &query, "240|240");
}

static void tell_records(struct fixture *fixture)
{
    static const char *const issues[][2] = {
        {"EX1", "{\"title\":\"late\",\"service\":\"Exchange Online\",\"status\":\"slow\",\"isResolved\":false,"
                "\"startDateTime\":\"2026-11-26T08:00:01Z\"}"},
        {"EX2", "{\"service\":\"exchange online\",\"isResolved\":true,\"startDateTime\":\"2026-11-26T07:00:00Z\","
                "\"endDateTime\":\"2026-11-26T08:00:00.0000001Z\"}"},
        {"EX3", "{\"service\":\"Exchange Online\",\"isResolved\":true,\"startDateTime\":\"2026-11-26T07:00:00Z\","
                "\"endDateTime\":\"2026-11-26T08:00:00Z\"}"},
        {"EX4", "{\"service\":\"E\",\"startDateTime\":\"2026-11-26T06:00:00Z\"}"},
        {"TM1", "{\"service\":\"Teams\",\"startDateTime\":\"2026-11-26T05:00:00Z\"}"},
        {"TM2", "{\"service\":\"Teams\",\"startDateTime\":\"2026-11-26T09:00:00Z\"}"},
    };
    static const char *const messages[][2] = {
        {"MC1", "{\"title\":\"new\",\"services\":[\"Exchange Online\",\"Teams\"],"
                "\"lastModifiedDateTime\":\"2026-11-26T08:30:00Z\"}"},
        {"MC2", "{\"title\":\"act\",\"services\":[\"TEAMS\"],\"lastModifiedDateTime\":\"2026-01-01T00:00:00Z\","
                "\"actionRequiredByDateTime\":\"2026-11-27T08:00:00Z\"}"},
        {"MC3", "{\"lastModifiedDateTime\":\"2026-11-26T08:59:59Z\"}"},
        {"MC4", "{\"lastModifiedDateTime\":\"2026-11-26T09:00:00Z\"}"},
    };
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "E", "{\"service\":\"Exchange Online\"}");
    for (size_t i = 0; i < G_N_ELEMENTS(issues); i++)
        tell_one(fixture, STORE_HEALTH_ISSUES, AT, issues[i][0], issues[i][1]);
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
        tell_one(fixture, STORE_HEALTH_MESSAGES, AT, messages[i][0], messages[i][1]);
}

static void issues_and_announcements_are_those_of_the_report(void **state)
{
    static const struct {
        enum store_figure figure;
        const char *service, *rows;
    } cases[] = {
        {STORE_FIGURE_ISSUES, "E", "EX1|late|slow\nEX2||\nEX4||"},
        {STORE_FIGURE_ISSUES, NULL, "EX1|late|slow\nEX2||\nEX4||\nTM1||"},
        {STORE_FIGURE_ISSUES, "Teams", "TM1||"}, /* no overview has it */
        {STORE_FIGURE_ISSUES, "Yammer", ""},
        {STORE_FIGURE_ANNOUNCEMENTS, NULL, "MC2|act|2026-11-27T08:00:00.0000000Z\nMC3||\nMC1|new|"},
        {STORE_FIGURE_ANNOUNCEMENTS, "E", "MC1|new|"},
        {STORE_FIGURE_ANNOUNCEMENTS, "Teams", "MC2|act|2026-11-27T08:00:00.0000000Z\nMC1|new|"},
    };
    struct fixture *fixture = *state;
    tell_records(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct store_figure_query query = query_of(cases[i].figure, AT, AT + 3600, 0);
        query.service = cases[i].service;
        assert_figure(fixture, &query, cases[i].rows);
    }
    const struct store_report_query query = {"contoso", TENANT, AT, AT + 3600, AT, AT + 3600 + 86400};
    g_autoptr(StoreReport) report = store_report_read(fixture->store, &query, NULL);
    assert_true(report->issues->len == 4 && report->messages->len == 3);
}

/* --- the text --------------------------------------------------------------------------------------------------------
 */

static void the_statement_is_for_people_and_for_the_plain_shell(void **state)
{
    static const char *const tables[] = {"service_state ",   "health_scan ",      "service_issue ",
                                         "service_message ", "service_overview ", " customer "};
    struct fixture *fixture = *state;
    for (enum store_figure figure = 0; figure < STORE_FIGURES; figure++) {
        const struct store_figure_query query = query_of(figure, AT, AT + 3600, 0);
        g_autofree char *sql = store_figure_sql(fixture->store, &query, NULL);
        g_auto(GStrv) lines = g_strsplit(sql, "\n", -1);
        assert_true(g_str_has_prefix(sql, "-- ") && g_str_has_suffix(sql, ";") && g_strv_length(lines) > 8);
        for (char **line = lines; *line; line++)
            if (strlen(*line) > 132)
                fail_msg("a line of %zu characters: %s", strlen(*line), *line);
        assert_null(strchr(sql + strlen(lines[0]), '?')); /* every value is in its place */
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
            g_autofree char *from = g_strconcat("FROM ", tables[i], NULL),
                            *join = g_strconcat("JOIN ", tables[i], NULL);
            assert_true(!strstr(sql, from) && !strstr(sql, join));
        }
        assert_non_null(strstr(sql, "'contoso'"));
        assert_non_null(strstr(sql, "'2026-11-26T08:00:00"));
    }
}

static void names_of_any_kind_are_only_values(void **state)
{
    static const char *const hostile[] = {"o'neil",  "'; DROP TABLE mail; --", "a\nb", "-- x", "?1", "\"", "",
                                          "\xc5\x81"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        const char *const names[] = {hostile[i], "ok", NULL};
        fixture->customer = store_customer(fixture->store, hostile[i], hostile[i], NULL);
        scan_at(fixture, AT, "E=ok");
        for (enum store_figure figure = 0; figure < STORE_FIGURES; figure++) {
            struct store_figure_query query = query_of(figure, AT, AT + 60, 0);
            query.customer = query.tenant_id = hostile[i];
            query.statuses = names;
            g_autofree char *rows = ask(fixture, &query);
            if (figure == STORE_FIGURE_AVAILABILITY)
                assert_string_equal(rows, "60|60"); /* "ok" is the second name, a 9 */
            query.service = hostile[i];
            g_autofree char *none = ask(fixture, &query);
            if (figure == STORE_FIGURE_AVAILABILITY)
                assert_string_equal(none, "0|0");
        }
    }
    assert_rows(fixture, "SELECT count(*) FROM mail", "0");
}

static void a_customer_nobody_knows_has_no_data(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "E=ok");
    struct store_figure_query query = query_of(STORE_FIGURE_STRETCHES, AT, AT + 60, 0);
    query.tenant_id = NULL;
    assert_figure(fixture, &query, "2026-11-26T08:00:00Z|2026-11-26T08:01:00Z|ok|10");
    query.customer = "nobody";
    assert_figure(fixture, &query, "2026-11-26T08:00:00Z|2026-11-26T08:01:00Z||-1");
    query.figure = STORE_FIGURE_GAPS;
    assert_figure(fixture, &query, "2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
}

static int install_vfs(void **state)
{
    (void)state;
    sqlite3_initialize();
    vfs_install(); /* that nothing is synced makes hundreds of scans quick */
    return 0;
}

static int remove_vfs(void **state)
{
    (void)state;
    vfs_remove();
    return 0;
}

#define OF_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_STORE(figures_are_what_the_scans_say_over_random_timelines),
        OF_STORE(the_last_state_lasts_up_to_now_where_it_was_seen_lately),
        OF_STORE(of_a_window_that_is_not_over_nothing_is_told_of_what_is_to_come),
        OF_STORE(a_sighting_is_an_occurrence_of_no_time),
        OF_STORE(runs_that_a_longer_gap_would_join_are_one_stretch),
        OF_STORE(a_status_that_the_map_does_not_have_counts_as_the_unknown_one),
        OF_STORE(issues_and_announcements_are_those_of_the_report),
        OF_STORE(the_statement_is_for_people_and_for_the_plain_shell),
        OF_STORE(names_of_any_kind_are_only_values),
        OF_STORE(a_customer_nobody_knows_has_no_data),
    };
    return cmocka_run_group_tests_name("store figure", tests, install_vfs, remove_vfs);
}
