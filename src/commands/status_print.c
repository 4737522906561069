/* m365keep status for people: the table, the database, and in plain words what is missing and what to do. */
#include "status.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "commands.h"
#include "printer.h"
#include "sources/sources.h"

enum {
    MINUTE_S = 60,
    HOUR_S = 60 * MINUTE_S,
    DAY_S = 24 * HOUR_S,
    HOLES_MOST = 20 /* of one source: a flapping service makes hundreds, and the latest tell enough */
};

const char *status_state_name(enum standing_state state)
{
    static const char *const names[] = {[STANDING_FRESH] = "fresh",
                                        [STANDING_STALE] = "stale",
                                        [STANDING_NEVER] = "never",
                                        [STANDING_UNAVAILABLE] = "unavailable",
                                        [STANDING_KEPT] = "kept"};

    return names[state];
}

const char *status_outcome_name(enum store_outcome outcome)
{
    static const char *const names[] = {[STORE_OUTCOME_OK] = "ok",
                                        [STORE_OUTCOME_PARTIAL] = "partial",
                                        [STORE_OUTCOME_FAILED] = "failed",
                                        [STORE_OUTCOME_UNAVAILABLE] = "unavailable"};

    return names[outcome];
}

bool status_tells_hole(const struct status_view *view, const struct standing_source *source,
                       const struct store_hole *hole)
{
    return source->state != STANDING_KEPT || hole->kind != STORE_HOLE_SCANS || hole->to < view->now;
}

unsigned status_count_holes(const struct status_view *view, const struct standing_source *source)
{
    unsigned n = 0;

    for (guint i = 0; source->facts != NULL && i < source->facts->holes->len; i++)
        n += status_tells_hole(view, source, &g_array_index(source->facts->holes, struct store_hole, i));
    return n;
}

unsigned status_count_findings(const struct status_view *view)
{
    const struct standing *standing = view->standing;

    return view->findings + standing->prune_overdue + standing->over_size + standing->rewrite_due;
}

/* --- time as people say it ---------------------------------------------------------------------------------------- */

/* "45 s", "12 min", "3 h 5 min", "6 days". */
static char *duration(int64_t seconds)
{
    int64_t minutes = seconds / MINUTE_S % 60;

    if (seconds < MINUTE_S)
        return g_strdup_printf("%" G_GINT64_FORMAT " s", MAX(seconds, 0));
    if (seconds < HOUR_S)
        return g_strdup_printf("%" G_GINT64_FORMAT " min", minutes);
    if (seconds >= 2 * DAY_S)
        return g_strdup_printf("%" G_GINT64_FORMAT " days", seconds / DAY_S);
    if (minutes == 0)
        return g_strdup_printf("%" G_GINT64_FORMAT " h", seconds / HOUR_S);
    return g_strdup_printf("%" G_GINT64_FORMAT " h %" G_GINT64_FORMAT " min", seconds / HOUR_S, minutes);
}

/* "3 min ago"; NULL for 0, which is never. */
static char *age(const struct status_view *view, int64_t at)
{
    if (at == 0)
        return NULL;
    g_autofree char *past = duration(view->now - at);
    return g_strconcat(past, " ago", NULL);
}

static char *minute(int64_t seconds)
{
    g_autofree char *text = timestamp_format_seconds(seconds);

    return print_minute(text);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const char *state_color(const char *cell)
{
    if (strcmp(cell, "fresh") == 0)
        return "\x1b[32m";
    if (strcmp(cell, "stale") == 0 || strcmp(cell, "never") == 0)
        return "\x1b[31m";
    return "\x1b[36m";
}

static const char *holes_color(const char *cell)
{
    return strcmp(cell, "0") == 0 || strcmp(cell, "-") == 0 ? "" : "\x1b[33m";
}

static const struct print_column columns[] = {
    {.title = "CUSTOMER", .most = 14, .most_wide = 24, .least = 7, .when = PRINT_WHEN_SEVERAL},
    {.title = "SOURCE", .least = 8},
    {.title = "STATE", .most = 11, .most_wide = 11, .least = 5, .color = state_color},
    {.title = "LAST SUCCESS", .most = 15, .most_wide = 15},
    {.title = "HOLES", .most = 5, .most_wide = 5, .from = 60, .color = holes_color},
    {.title = "NEWEST", .most = 16, .most_wide = 16, .from = 80},
    {.title = "RECORDS", .most = 13, .most_wide = 13, .from = 95},
    {.title = "SIZE", .most = 9, .most_wide = 9, .from = 95},
    {.title = "LATENESS", .most = 40, .most_wide = 40, .least = 20, .from = 120},
    {.title = NULL},
};

static const struct print_kind kind = {.columns = columns};

/* "2 min, 5 min, 1 h 20 min": half of the records, 95 and 99 percent came so soon. */
static char *lateness_cell(const struct store_status_source *facts)
{
    if (facts->lateness_samples == 0)
        return NULL;
    g_autofree char *half = duration(facts->lateness_p50_s), *most = duration(facts->lateness_p95_s),
                    *nearly_all = duration(facts->lateness_p99_s);
    return g_strjoin(", ", half, most, nearly_all, NULL);
}

static void add_row(struct printer *printer, const struct status_view *view, const struct standing_source *source)
{
    static const struct store_status_source nothing = {0};
    const struct store_status_source *facts = source->facts != NULL ? source->facts : &nothing;
    g_autofree char *success = age(view, facts->last_success_at), *newest = print_minute(facts->newest),
                    *records = text_count(facts->records), *lateness = lateness_cell(facts),
                    *holes = g_strdup_printf("%u", status_count_holes(view, source)),
                    *size = facts->raw_bytes > 0 ? text_bytes(facts->raw_bytes) : NULL;
    const char *const cells[] = {source->customer,
                                 source->source,
                                 status_state_name(source->state),
                                 success != NULL ? success : "never",
                                 holes,
                                 newest,
                                 records,
                                 size,
                                 lateness};

    printer_add_cells(printer, cells);
}

static bool one_customer(const struct status_view *view)
{
    for (guint i = 1; i < view->sources->len; i++) {
        const struct standing_source *first = view->sources->pdata[0], *source = view->sources->pdata[i];
        if (!g_str_equal(first->customer, source->customer))
            return false;
    }
    return true;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* A line on standard output, safe for a terminal. Taken. */
static void print_line(char *text)
{
    g_autofree char *safe = text_for_terminal(text);

    command_write(safe, strlen(safe));
    command_write("\n", 1);
    g_free(text);
}

/* "prune 3 h ago", "verify never", "backup 6 days ago, begun again 5 min ago". */
static char *task_words(const struct status_view *view, const char *name)
{
    const struct store_status_task *task = NULL;

    for (guint i = 0; task == NULL && i < view->facts->tasks->len; i++) {
        task = g_ptr_array_index(view->facts->tasks, i);
        task = strcmp(task->task, name) == 0 ? task : NULL;
    }
    g_autofree char *finished = task != NULL ? age(view, task->finished_at) : NULL,
                    *started = task != NULL ? age(view, task->started_at) : NULL;
    return g_strdup_printf("%s %s%s%s", name, finished != NULL ? finished : "never",
                           started != NULL ? ", begun again " : "", started != NULL ? started : "");
}

static void print_tasks(const struct status_view *view)
{
    g_autofree char *prune = task_words(view, "prune"), *verify = task_words(view, "verify"),
                    *backup = task_words(view, "backup");

    print_line(g_strdup_printf("Last done: %s; %s; %s.", prune, verify, backup));
}

static void print_database(const struct status_view *view)
{
    const struct store_status *facts = view->facts;
    g_autofree char *bytes = text_bytes(facts->database_bytes), *free_bytes = text_bytes(facts->free_bytes),
                    *log = text_bytes(facts->wal_bytes), *changes = text_count(facts->seq),
                    *behind = text_count(facts->mirror_behind);
    g_autofree char *mirror =
        facts->mirrored ? g_strdup_printf("; MongoDB is %s changes behind", behind) : g_strdup("");

    g_autofree char *most = text_bytes(view->config->retention.max_size_bytes);
    g_autofree char *limit =
        view->config->retention.max_size_bytes > 0 ? g_strdup_printf(" (with its log %s at most)", most) : g_strdup("");

    print_line(g_strdup_printf("Database %s: %s%s, %s of it free; write-ahead log %s; %s changes%s.",
                               view->config->database, bytes, limit, free_bytes, log, changes, mirror));
    print_tasks(view);
    if (facts->blobs_pending == 0)
        return;
    g_autofree char *blobs = text_count(facts->blobs_pending), *expiry = minute(facts->blob_expires_at),
                    *left = duration(facts->blob_expires_at - view->now);
    print_line(
        g_strdup_printf("%s content blobs are listed and not fetched yet; the first expires at %s UTC, in %s: run "
                        "m365keep collect before.",
                        blobs, expiry, left));
}

void status_print_table(const struct status_view *view)
{
    g_autoptr(Printer) printer =
        printer_new(&kind, PRINT_FORMAT_TABLE, (int)MIN(view->sources->len, G_MAXINT), one_customer(view));

    for (guint i = 0; i < view->sources->len; i++)
        add_row(printer, view, g_ptr_array_index(view->sources, i));
    printer_finish(printer, true);
    if (view->sources->len > 0)
        command_write("\n", 1);
    print_database(view);
}

/* --- remarks: the last run ---------------------------------------------------------------------------------------- */

/* An error's words, with a full stop at their end; nothing for NULL. */
static char *sentence(const char *words)
{
    if (words == NULL || *words == '\0')
        return g_strdup("");
    return g_strconcat(words, strchr(".!?", words[strlen(words) - 1]) != NULL ? "" : ".", NULL);
}

/* What the last run said of itself, as the end of a line; nothing when it went well. */
static char *last_words(const struct status_view *view, const struct store_status_source *facts)
{
    if (facts->outcome == STORE_OUTCOME_OK || facts->last_run_at == 0)
        return g_strdup("");
    g_autofree char *when = age(view, facts->last_run_at), *cause = sentence(facts->last_error);
    return g_strdup_printf("the last run, %s, %s%s%s", when,
                           facts->outcome == STORE_OUTCOME_PARTIAL ? "read only a part" : "failed",
                           *cause != '\0' ? ": " : ".", cause);
}

static const char *command_of(const struct standing_source *source)
{
    return strcmp(source->source, "health") == 0 ? "m365keep scan" : "m365keep collect";
}

static char *stale_words(const struct status_view *view, const struct standing_source *source)
{
    const struct store_status_source *facts = source->facts;
    g_autofree char *success = facts->last_success_at != 0 ? duration(view->now - facts->last_success_at) : NULL;
    g_autofree char *allowed = duration(source->stale_after_s), *last = last_words(view, facts);
    g_autofree char *since = success != NULL ? g_strdup_printf("no success for %s (%s is allowed)", success, allowed)
                                             : g_strdup("no run has succeeded yet");

    if (facts->outcome == STORE_OUTCOME_UNAVAILABLE) {
        g_autofree char *run = duration(view->now - facts->last_run_at);
        return g_strdup_printf("stale: no run for %s (%s is allowed): is %s still started?", run, allowed,
                               command_of(source));
    }
    if (*last == '\0')
        return g_strdup_printf("stale: %s, and no run since: is %s still started?", since, command_of(source));
    return g_strdup_printf("stale: %s; %s To find out why: m365keep doctor.", since, last);
}

static char *never_words(const struct standing_source *source)
{
    return g_strdup_printf(source->facts == NULL
                               ? "never collected: run %s."
                               : "no run has ended yet: one is under way, or was interrupted; %s goes "
                                 "on where it stood.",
                           command_of(source));
}

/* Of a source that the tenant never had, and of one that it has lost. */
static char *unavailable_words(const struct standing_source *source)
{
    g_autofree char *cause = sentence(source->facts->last_error);

    if (!source->lapsed)
        return g_strdup_printf("not to be had here: %s",
                               *cause != '\0' ? cause : "the tenant or its cloud does not have it.");
    g_autofree char *success = source->facts->last_success_at != 0 ? minute(source->facts->last_success_at) : NULL;
    g_autofree char *until = success != NULL ? g_strdup_printf("until %s UTC", success) : g_strdup("once");
    return g_strdup_printf("could be read %s; the service says that the tenant does not have it any more%s%s Add the "
                           "licence, or take the source out of sources: in m365keep.yaml.",
                           until, *cause != '\0' ? ": " : ".", cause);
}

/* What is to be said of the source's runs; NULL: nothing. */
static char *run_words(const struct status_view *view, const struct standing_source *source, bool findings_only)
{
    switch (source->state) {
    case STANDING_STALE:
        return stale_words(view, source);
    case STANDING_NEVER:
        return never_words(source);
    case STANDING_FRESH:
        if (findings_only || source->facts->outcome == STORE_OUTCOME_OK)
            return NULL;
        return last_words(view, source->facts);
    case STANDING_UNAVAILABLE:
        return source->lapsed || !findings_only ? unavailable_words(source) : NULL;
    case STANDING_KEPT:
        break;
    }
    return NULL;
}

/* --- remarks: holes ----------------------------------------------------------------------------------------------- */

static char *lost_advice(const char *name)
{
    const struct source *source = source_find(name);
    int64_t days = source != NULL ? source->reach_s / DAY_S : 0,
            least = source != NULL ? source->reach_unlicensed_s / DAY_S : 0;

    if (days == 0)
        return g_strdup(" Nothing brings it back.");
    if (least == 0 || least == days)
        return g_strdup_printf(
            " Nothing brings it back; the service keeps %" G_GINT64_FORMAT " days, so collect more often.", days);
    return g_strdup_printf(" Nothing brings it back; the service keeps %" G_GINT64_FORMAT " days, and %" G_GINT64_FORMAT
                           " without a premium licence, so collect more often.",
                           days, least);
}

/* Whether there was no good scan since; one that is of this very second ended the hole. */
static bool goes_on(const struct status_view *view, const struct standing_source *source, const struct store_hole *hole)
{
    return hole->kind == STORE_HOLE_SCANS && hole->to >= view->now && source->facts->last_success_at < hole->to;
}

/* What happened to the time. */
static char *hole_words(const struct status_view *view, const struct standing_source *source,
                        const struct store_hole *hole)
{
    g_autofree char *from = minute(hole->from), *to = minute(hole->to), *length = duration(hole->to - hole->from);
    g_autofree char *when = g_strdup_printf("%s to %s UTC (%s)", from, to, length);

    switch (hole->kind) {
    case STORE_HOLE_LOST:
        return g_strdup_printf("lost: %s was gone at the service when it was to be read.", when);
    case STORE_HOLE_UNREAD:
        return g_strdup_printf("not read: no run has asked for %s.", when);
    case STORE_HOLE_OPEN:
        return g_strdup_printf("not read: %s was begun and had to be left.", when);
    case STORE_HOLE_SCANS:
        break;
    }
    if (goes_on(view, source, hole))
        return g_strdup_printf("no scan since %s UTC (%s): how the services are is not known.", from, length);
    return g_strdup_printf("no scan from %s: how the services were then is not known.", when);
}

/* What to do about it. */
static char *hole_advice(const struct status_view *view, const struct standing_source *source,
                         const struct store_hole *hole)
{
    if (source->state == STANDING_KEPT)
        return g_strdup("");
    switch (hole->kind) {
    case STORE_HOLE_LOST:
        return lost_advice(source->source);
    case STORE_HOLE_UNREAD:
        return g_strdup(" m365keep collect reads what the service still has of it.");
    case STORE_HOLE_OPEN:
        return g_strdup(" The next m365keep collect tries again.");
    case STORE_HOLE_SCANS:
        break;
    }
    if (goes_on(view, source, hole))
        return g_strdup(" Run m365keep scan.");
    g_autofree char *allowed = duration(config_health_max_gap_s(view->config));
    return g_strdup_printf(" Nothing brings it back; run m365keep scan every few minutes (%s without is allowed).",
                           allowed);
}

/* --- remarks: the whole ------------------------------------------------------------------------------------------- */

/* "contoso sign-ins: WORDS". Taken: words. */
static void print_remark(const struct standing_source *source, const char *part, char *words)
{
    print_line(g_strdup_printf("%s %s%s%s%s: %s", source->customer, source->source, *part != '\0' ? " " : "", part,
                               source->state == STANDING_KEPT ? " (kept)" : "", words));
    g_free(words);
}

/* With findings_only, those alone that make the source a finding. */
static bool prints_hole(const struct status_view *view, const struct standing_source *source,
                        const struct store_hole *hole, bool findings_only)
{
    return status_tells_hole(view, source, hole) &&
           (!findings_only || (source->finding && standing_minds_hole(hole, view->now)));
}

/* The latest ones. True when there were any. */
static bool print_holes(const struct status_view *view, const struct standing_source *source, bool findings_only)
{
    const GArray *holes = source->facts != NULL ? source->facts->holes : NULL;
    unsigned told = 0;

    for (guint i = 0; holes != NULL && i < holes->len; i++)
        told += prints_hole(view, source, &g_array_index(holes, struct store_hole, i), findings_only);
    unsigned skip = told > HOLES_MOST ? told - HOLES_MOST : 0;
    for (guint i = 0; told > 0 && i < holes->len; i++) {
        const struct store_hole *hole = &g_array_index(holes, struct store_hole, i);
        if (!prints_hole(view, source, hole, findings_only) || (skip > 0 && skip-- > 0))
            continue;
        g_autofree char *words = hole_words(view, source, hole), *advice = hole_advice(view, source, hole);
        print_remark(source, hole->part, g_strconcat(words, advice, NULL));
    }
    if (told > HOLES_MOST)
        print_remark(
            source, "",
            g_strdup_printf("%u earlier holes are not shown: --json tells all, --since fewer.", told - HOLES_MOST));
    return told > 0;
}

/* How many records are kept aside; NULL: none, or it is no finding, as it never is. */
static char *unreadable_words(const struct standing_source *source, bool findings_only)
{
    int64_t n = source->facts != NULL && !findings_only ? source->facts->unreadable : 0;

    if (n == 0)
        return NULL;
    g_autofree char *count = text_count(n);
    return g_strdup_printf("%s record%s could not be read and %s kept aside: see the view unreadable of the database.",
                           count, n == 1 ? "" : "s", n == 1 ? "is" : "are");
}

/* What retention deleted; NULL: nothing, or it is no finding, as it never is. */
static char *kept_words(const struct standing_source *source, bool findings_only)
{
    const struct store_status_source *facts = source->facts;

    if (facts == NULL || facts->kept_from == 0 || findings_only)
        return NULL;
    g_autofree char *from = minute(facts->kept_from), *count = text_count(facts->pruned_records),
                    *when = minute(facts->pruned_at);
    return g_strdup_printf("kept since %s UTC: retention deleted %s older record%s, the last at %s UTC.", from, count,
                           facts->pruned_records == 1 ? "" : "s", when);
}

/* What retention does not do. */
static char *prune_words(const struct status_view *view)
{
    const struct standing *standing = view->standing;

    if (!standing->prune_overdue)
        return NULL;
    g_autofree char *since = duration(view->now - standing->pruned_at), *allowed = duration(standing->prune_after_s);
    g_autofree char *done = standing->pruned_at != 0
                                ? g_strdup_printf("prune was not done for %s (%s is allowed)", since, allowed)
                                : g_strdup("prune was never done");
    return g_strdup_printf("retention is configured, and records are older than it keeps them, but %s: run m365keep "
                           "maintain prune, daily.",
                           done);
}

static char *size_words(const struct status_view *view)
{
    const struct store_status *facts = view->facts;

    if (!view->standing->over_size)
        return NULL;
    g_autofree char *used = text_bytes(facts->database_bytes - facts->free_bytes + facts->wal_bytes),
                    *most = text_bytes(view->config->retention.max_size_bytes);
    return g_strdup_printf("%s are in use, where max_size allows %s: run m365keep maintain prune, which deletes the "
                           "oldest records, or says what keeps it from that.",
                           used, most);
}

static char *forgotten_words(const struct status_view *view)
{
    if (!view->standing->rewrite_due)
        return NULL;
    return g_strdup("a customer was forgotten, and bytes of it are still in the file, which was not written anew to "
                    "its end: run m365keep maintain optimize.");
}

static void print_database_remarks(const struct status_view *view)
{
    char *words[] = {prune_words(view), size_words(view), forgotten_words(view)};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (words[i] != NULL)
            print_line(g_strconcat("database: ", words[i], NULL));
        g_free(words[i]);
    }
}

bool status_print_remarks(const struct status_view *view, bool findings_only)
{
    bool any = status_count_findings(view) > view->findings;

    if (any && !findings_only)
        command_write("\n", 1);
    print_database_remarks(view);

    for (guint i = 0; i < view->sources->len; i++) {
        const struct standing_source *source = g_ptr_array_index(view->sources, i);
        char *words[] = {run_words(view, source, findings_only), unreadable_words(source, findings_only),
                         kept_words(source, findings_only)};
        bool holes = status_count_holes(view, source) > 0;
        if ((words[0] != NULL || words[1] != NULL || words[2] != NULL || holes) && !any && !findings_only)
            command_write("\n", 1);
        for (size_t n = 0; n < G_N_ELEMENTS(words); n++) {
            any = any || words[n] != NULL;
            if (words[n] != NULL)
                print_remark(source, "", words[n]);
        }
        any = print_holes(view, source, findings_only) || any;
    }
    return any;
}
