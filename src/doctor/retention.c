#include "doctor/retention.h"

#include "base/base.h"
#include "sources/sources.h"

enum { DAY_S = 24 * 60 * 60, SWEEPS_DAYS = 7 /* after so many days records are looked for that came late, last */ };

/* Days of a source; 0: for ever. */
static int64_t days_of(const struct config *config, const char *source)
{
    int64_t from = config_keep_from(config, source, 0);

    return from == INT64_MIN ? 0 : -from / DAY_S;
}

static void say_short(struct section *section, const struct config *config)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (const struct source *source = sources_all(); source->name; source++) {
        int64_t days = days_of(config, source->name);
        if (source->kind == SOURCE_EVENTS && days > 0 && days <= SWEEPS_DAYS)
            g_string_append_printf(names, "%s%s %" G_GINT64_FORMAT " day%s", names->len > 0 ? ", " : "", source->name,
                                   days, days == 1 ? "" : "s");
    }
    if (names->len > 0)
        section_note(section, "retention",
                     "Some records come days after they happened, and are looked for until %d days after; what comes "
                     "after its retention is not stored: %s.",
                     SWEEPS_DAYS, names->str);
}

static void judge_reports(struct section *section, const struct config *config)
{
    int64_t days = days_of(config, "health");

    if (days > 0 && days <= config->report.days_from)
        section_warn(section, "retention", "Keep health for longer, or let report.days_from be less.",
                     "Service health is kept for %" G_GINT64_FORMAT
                     " day%s, and reports begin %d days ago: they will lack data.",
                     days, days == 1 ? "" : "s", config->report.days_from);
}

void retention_check(struct section *section, const struct config *config)
{
    say_short(section, config);
    judge_reports(section, config);
}

void retention_judge_size(struct section *section, const struct retention_facts *facts)
{
    int64_t over = facts->used - facts->max_size;
    g_autofree char *used = text_bytes(facts->used), *most = text_bytes(facts->max_size);
    g_autofree char *goes = NULL;

    if (facts->max_size == 0 || over <= 0)
        return;
    if (facts->per_day > 0)
        goes = g_strdup_printf("what comes in about %" G_GINT64_FORMAT " day%s now", over / facts->per_day + 1,
                               over < facts->per_day ? "" : "s");
    else
        goes = text_bytes(over);
    if (over > facts->max_size / 10) /* else it is what came since prune was last done */
        section_warn(section, "retention",
                     "See what would go with: m365keep maintain prune --dry-run. If that is too much, let max_size be "
                     "more.",
                     "%s are in use, and retention.max_size is %s: the next prune deletes the oldest records, %s.",
                     used, most, goes);
    else
        section_note(section, "retention",
                     "%s are in use, and retention.max_size is %s: the next prune deletes the oldest records, %s.",
                     used, most, goes);
}

int64_t retention_most(const struct config *config, int64_t per_day)
{
    int64_t longest = 0, most = config->retention.max_size_bytes;

    for (const struct source *source = sources_all(); source->name; source++) {
        int64_t days = days_of(config, source->name);
        if (source->kind == SOURCE_EVENTS && days == 0)
            return most;
        longest = source->kind == SOURCE_EVENTS ? MAX(longest, days) : longest;
    }
    int64_t by_age = per_day > 0 && longest > 0 ? per_day * longest : 0;
    return most > 0 && by_age > 0 ? MIN(most, by_age) : MAX(most, by_age);
}
