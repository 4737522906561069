#include "report/chart_words.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "report/chart_axis.h"
#include "report/view_private.h"

enum {
    MOST_SPELLS = 8,     /* told one by one; more are counted */
    MOST_SERVICES = 12,  /* named */
    MOST_CHARACTERS = 80 /* of a name */
};

/* --- names of files ----------------------------------------------------------------------------------------------- */

/* "Microsoft365Defender" gives "microsoft365defender". */
static char *slug_of(const char *id)
{
    enum { MOST = 48 };
    GString *slug = g_string_new(NULL);

    for (; *id != '\0' && slug->len < MOST; id++)
        if (g_ascii_isalnum(*id))
            g_string_append_c(slug, g_ascii_tolower(*id));
        else if (slug->len > 0 && slug->str[slug->len - 1] != '-')
            g_string_append_c(slug, '-');
    while (slug->len > 0 && slug->str[slug->len - 1] == '-')
        g_string_truncate(slug, slug->len - 1);
    return g_string_free(slug, FALSE);
}

/* Whether the slug alone might stand for something else, too. */
static bool is_ambiguous(const struct report_figures *figures, const struct report_service *service, const char *slug)
{
    if (*slug == '\0' || g_ascii_strcasecmp(service->id, slug) != 0 || strcmp(slug, "overview") == 0 ||
        strcmp(slug, "history") == 0)
        return true;
    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *other = g_ptr_array_index(figures->services, i);
        if (other != service && g_ascii_strcasecmp(other->id, slug) == 0)
            return true;
    }
    return false;
}

char *chart_service_file(const struct report_figures *figures, const struct report_service *service)
{
    enum { BYTES = 4 };
    g_autofree char *slug = slug_of(service->id);
    uint8_t digest[HASH_SHA256_BYTES];
    char hex[2 * BYTES + 1];

    if (!is_ambiguous(figures, service, slug))
        return g_strconcat(slug, ".png", NULL);
    hash_sha256(service->id, strlen(service->id), digest);
    hash_hex(digest, BYTES, hex);
    return g_strconcat(*slug != '\0' ? slug : "service", "-", hex, ".png", NULL);
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

static void append_name(GString *words, const char *name)
{
    g_autofree char *safe = view_line(name);
    g_autofree char *begin = g_utf8_substring(safe, 0, MIN(g_utf8_strlen(safe, -1), MOST_CHARACTERS));

    g_string_append(words, begin);
    if (strlen(begin) < strlen(safe))
        g_string_append(words, "…");
}

/* "degraded". */
static char *impact_word(enum report_impact impact)
{
    return g_ascii_strdown(report_impact_name(impact), -1);
}

static void append_days(GString *words, const char *what, guint days)
{
    g_string_append_printf(words, " %s on %u day%s,", what, days, days == 1 ? "" : "s");
}

bool chart_has_begun(const struct report_stretch *stretch, int64_t now)
{
    return stretch->from < now || (stretch->from == now && stretch->status != NULL);
}

bool chart_day_is_partial(const struct report_day *day, int64_t now)
{
    return day->worst != REPORT_NO_DATA && day->observed_s < MIN(day->to, MAX(now, day->from)) - day->from;
}

/* --- a service over the window ------------------------------------------------------------------------------------ */

/* Neighbouring stretches of one impact. */
struct spell {
    enum report_impact impact;
    int64_t from, to;
};

/* Up to `now`. */
static GArray *spells_of(const struct report_service *service, int64_t now)
{
    GArray *spells = g_array_new(FALSE, FALSE, sizeof(struct spell));

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        struct spell spell = {stretch->impact, stretch->from, MIN(stretch->to, now)};
        if (!chart_has_begun(stretch, now))
            break;
        if (spell.impact == REPORT_OPERATIONAL && spell.from == spell.to)
            continue; /* a single scan does not make the gap around it healthy */
        struct spell *last = spells->len > 0 ? &g_array_index(spells, struct spell, spells->len - 1) : NULL;
        if (last != NULL && last->impact == spell.impact)
            last->to = spell.to;
        else
            g_array_append_val(spells, spell);
    }
    return spells;
}

/* "09:15" in a window of one day, else "22 Nov 09:15", which is also clear where the clock shows a time twice. */
static char *moment_words(const struct report_window *window, int64_t at)
{
    bool plain_day = strcmp(window->first_day, window->last_day) == 0 && window->to - window->from == 86400;

    if (at == window->to)
        return g_strdup(plain_day ? "24:00" : "the end");
    return report_time(window, at, plain_day ? REPORT_TIME_CLOCK : REPORT_TIME_SHORT);
}

static void append_spells(GString *words, const struct report_window *window, const GArray *spells)
{
    for (guint i = 0; i < spells->len; i++) {
        const struct spell *spell = &g_array_index(spells, struct spell, i);
        if (spell->impact == REPORT_OPERATIONAL)
            continue;
        g_autofree char *word = impact_word(spell->impact);
        g_autofree char *from = moment_words(window, spell->from), *to = moment_words(window, spell->to);
        if (spell->from == spell->to)
            g_string_append_printf(words, " %s at %s,", word, from);
        else
            g_string_append_printf(words, " %s %s to %s,", word, from, to);
    }
}

/* " degraded 41 times (3 h 25 min in all),". */
static void append_counts(GString *words, const GArray *spells)
{
    for (int impact = REPORT_INTERRUPTED; impact >= 0; impact--) {
        int64_t seconds = 0;
        guint times = 0;
        for (guint i = 0; i < spells->len && impact != REPORT_OPERATIONAL; i++) {
            const struct spell *spell = &g_array_index(spells, struct spell, i);
            times += spell->impact == (enum report_impact)impact;
            seconds += spell->impact == (enum report_impact)impact ? spell->to - spell->from : 0;
        }
        if (times == 0)
            continue;
        g_autofree char *word = impact_word((enum report_impact)impact);
        g_autofree char *duration = report_duration(seconds);
        g_string_append_printf(words, " %s %u time%s (%s in all),", word, times, times == 1 ? "" : "s", duration);
    }
}

/* " not yet after 14:05," of a window that is not over. */
static void append_future(GString *words, const struct report_window *window, int64_t now)
{
    if (now >= window->to)
        return;
    g_autofree char *from = moment_words(window, now);
    g_string_append_printf(words, " not yet after %s,", from);
}

char *chart_service_words(const struct report_figures *figures, const struct report_service *service)
{
    g_autoptr(GArray) spells = spells_of(service, figures->now);
    g_autofree char *days = chart_window_words(figures->window);
    GString *words = g_string_new(NULL);
    guint operational = 0;

    append_name(words, service->name);
    g_string_append_printf(words, ", %s:", days);
    for (guint i = 0; i < spells->len; i++)
        operational += g_array_index(spells, struct spell, i).impact == REPORT_OPERATIONAL;
    if (spells->len == 1) {
        g_autofree char *word = impact_word(g_array_index(spells, struct spell, 0).impact);
        g_string_append_printf(words, " %s,", word);
    } else if (spells->len - operational <= MOST_SPELLS) {
        append_spells(words, figures->window, spells);
    } else {
        append_counts(words, spells);
    }
    if (spells->len >= 2 && operational > 0)
        g_string_append(words, " otherwise operational,");
    append_future(words, figures->window, figures->now);
    g_string_truncate(words, words->len - 1);
    if (service->observed_s > 0) {
        g_autofree char *availability =
            report_availability_words(report_availability(service->operational_s, service->observed_s));
        g_string_append_printf(words, "; availability %s", availability);
    }
    return text_take(words);
}

/* --- all services ------------------------------------------------------------------------------------------------- */

static GString *services_words(const struct report_figures *figures, const struct report_window *window)
{
    g_autofree char *days = chart_window_words(window);
    GString *words = g_string_new(NULL);

    g_string_printf(words, "%u service%s, %s:", figures->services->len, figures->services->len == 1 ? "" : "s", days);
    return words;
}

/* Services of which nothing worse is to be told: " 5 operational,". */
static void append_rest(GString *words, guint services, const char *what)
{
    if (services > 0)
        g_string_append_printf(words, " %u %s,", services, what);
}

static char *finish(GString *words)
{
    g_string_truncate(words, words->len - 1); /* the last comma or colon */
    return text_take(words);
}

char *chart_overview_words(const struct report_figures *figures)
{
    GString *words = services_words(figures, figures->window);
    guint named = 0, more = 0, operational = 0, unknown = 0;
    int64_t gap_s = 0;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        operational += service->overall == REPORT_OPERATIONAL;
        unknown += service->overall == REPORT_NO_DATA;
        if (service->overall <= REPORT_OPERATIONAL)
            continue;
        if (++named > MOST_SERVICES) {
            more++;
            continue;
        }
        g_autofree char *word = impact_word(service->overall);
        g_string_append_c(words, ' ');
        append_name(words, service->name);
        g_string_append_printf(words, " %s,", word);
    }
    append_rest(words, more, "more in trouble");
    append_rest(words, operational, "operational");
    append_rest(words, unknown, "without data");
    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        gap_s += gap->to - gap->from;
    }
    if (gap_s > 0 && unknown < figures->services->len) {
        g_autofree char *duration = report_duration(gap_s);
        g_string_append_printf(words, " no data for %s,", duration);
    }
    append_future(words, figures->window, figures->now);
    return finish(words);
}

/* " degraded on 3 days, no data on 2 days,"; nothing when all days were operational. */
static void append_history(GString *words, const struct report_service *service, int64_t now)
{
    guint days[REPORT_IMPACTS] = {0}, partial = 0;

    for (guint i = 0; i < service->days->len; i++) {
        const struct report_day *day = &g_array_index(service->days, struct report_day, i);
        if (day->from >= now)
            break;
        days[day->worst]++;
        partial += chart_day_is_partial(day, now);
    }
    for (int impact = REPORT_INTERRUPTED; impact >= 0; impact--) {
        if (days[impact] == 0 || impact == REPORT_OPERATIONAL)
            continue;
        g_autofree char *word = impact_word((enum report_impact)impact);
        append_days(words, word, days[impact]);
    }
    if (partial > 0)
        append_days(words, "partly observed", partial);
}

char *chart_history_words(const struct report_figures *figures)
{
    GString *words = services_words(figures, figures->history);
    guint named = 0, more = 0, operational = 0;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        g_autoptr(GString) history = g_string_new(NULL);
        append_history(history, service, figures->now);
        if (history->len == 0) {
            operational++;
        } else if (++named > MOST_SERVICES) {
            more++;
        } else {
            g_string_append_c(words, ' ');
            append_name(words, service->name);
            g_string_append(words, history->str);
            words->str[words->len - 1] = ';';
        }
    }
    append_rest(words, more, "more in trouble");
    append_rest(words, operational, "operational on every day");
    append_future(words, figures->history, figures->now);
    return finish(words);
}
