/* m365keep maintain renormalize and dedupe. */
#include "maintain.h"

#include "base/base.h"
#include "printer.h"

/* --- renormalize -------------------------------------------------------------------------------------------------- */

static const char renormalize_summary[] =
    "Derives columns, keys and full text of every record anew from its bytes, as this version of m365keep\n"
    "understands them, and tries again what could not be read. Bytes, hashes and earlier bodies stay as they\n"
    "are.";

static const char renormalize_description[] =
    "In short transactions, beside whoever collects. A run that is interrupted, or comes to its limit, is\n"
    "gone on with by the next one; a new version of m365keep begins anew.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or configuration; 130, 143 interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain renormalize\n"
    "  m365keep maintain renormalize --limit 100000 --json | jq .result.complete";

static GString *renormalized_json(const struct store_renormalized *result)
{
    GString *json = g_string_new("{");

    job_append_bool(json, "complete", result->complete);
    job_append_number(json, "looked_at", result->looked_at);
    job_append_number(json, "of", result->of);
    job_append_number(json, "changed", result->changed);
    job_append_number(json, "moved", result->moved);
    job_append_number(json, "rekeyed", result->rekeyed);
    job_append_number(json, "kept_apart", result->kept_apart);
    job_append_number(json, "undecodable", result->undecodable);
    job_append_number(json, "recovered", result->recovered);
    job_append_number(json, "unreadable", result->unreadable);
    g_string_append_c(json, '}');
    return json;
}

static void append_remark(GString *words, int64_t n, const char *one, const char *many)
{
    g_autofree char *remark = job_count(n, one, many);

    if (n > 0)
        g_string_append_printf(words, "%s\n", remark);
}

static void append_renormalized(GString *words, const struct store_renormalized *result)
{
    g_autofree char *looked_at = text_count(result->looked_at), *of = job_count(result->of, "record", "records"),
                    *changed = text_count(result->changed);

    g_string_append_printf(words, "Looked at %s of %s; changed: %s.\n", looked_at, of, changed);
    append_remark(words, result->moved, "of them has another time now.", "of them have another time now.");
    append_remark(words, result->rekeyed, "of them is known by another key now.",
                  "of them are known by another key now.");
    append_remark(words, result->kept_apart,
                  "would be the same record as another now, and is kept apart: m365keep maintain dedupe merges it.",
                  "would be the same records as others now, and are kept apart: m365keep maintain dedupe merges them.");
    append_remark(words, result->undecodable, "cannot be looked into any more, and is left as it was.",
                  "cannot be looked into any more, and are left as they were.");
    append_remark(words, result->recovered, "that could not be read is a record now.",
                  "that could not be read are records now.");
    append_remark(words, result->unreadable, "can still not be read, and is kept aside.",
                  "can still not be read, and are kept aside.");
    if (!result->complete)
        g_string_append(words, "There are more: running it again goes on.\n");
}

/* 0 for none. False after a word on stderr. */
static bool read_limit(const struct job *job, const char *text, int64_t *limit)
{
    guint64 count = 0;
    bool good = text == NULL || g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &count, NULL);

    if (!good)
        command_usage_error(&job->context, "--limit: '%s' is no number of records from 1 on", text);
    *limit = (int64_t)count;
    return good;
}

static int renormalize(struct job *job, const char *limit_text)
{
    g_autoptr(GString) words = g_string_new(NULL);
    struct store_renormalized result = {0};
    int64_t limit;
    int status;

    if (!job_configure(job, &status))
        return status;
    if (!read_limit(job, limit_text, &limit))
        return EXIT_USAGE;
    if (!job_begin(job, &status))
        return status;
    maintain_renormalize(&job->options, limit, &result, &job->signal, &job->error);
    g_autoptr(GString) json = renormalized_json(&result);
    append_renormalized(words, &result);
    return job_end(job, EXIT_DONE, words, json, NULL); /* as far as it came */
}

int command_maintain_renormalize(int argc, char **argv)
{
    g_auto(Job) job = {0};
    g_autofree char *limit = NULL;
    const GOptionEntry entries[] = {
        {"limit", 0, 0, G_OPTION_ARG_STRING, &limit, "Look at N records, and leave the rest to the next run", "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain renormalize",
                                        .arguments = "",
                                        .summary = renormalize_summary,
                                        .description = renormalize_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "renormalize", &usage, 0, 0, NULL, &argc, &argv, &status) ? renormalize(&job, limit)
                                                                                     : status;
}

/* --- dedupe ------------------------------------------------------------------------------------------------------- */

static const char dedupe_summary[] =
    "Finds events that are one record but were stored as two, because an older version knew them by another\n"
    "key, or under another source's name, and merges them.";

static const char dedupe_description[] =
    "The row with today's key stays; the newer body is its body, and the other one is kept as an earlier body\n"
    "(event_versions). Each pair is told, 1,000 at most: the event that stays, and the one that went.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or configuration; 130, 143 interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain dedupe --dry-run\n"
    "  m365keep maintain dedupe --json | jq '.result.pairs[] | {kept, dropped}'";

static const struct print_column pair_columns[] = {
    {.title = "CUSTOMER", .most = 14, .most_wide = 24, .least = 7, .when = PRINT_WHEN_SEVERAL},
    {.title = "SOURCE", .most = 16, .most_wide = 16, .least = 8},
    {.title = "WAS", .most = 16, .most_wide = 16, .least = 8, .when = PRINT_WHEN_TOLD},
    {.title = "KEPT", .most = 20, .most_wide = 20},
    {.title = "DROPPED", .most = 20, .most_wide = 20},
    {.title = "EARLIER BODY", .most = 12, .most_wide = 12, .from = 100},
    {.title = "ID", .least = 8},
    {.title = NULL},
};

static const struct print_kind pair_kind = {.columns = pair_columns};

enum { PAIRS_MOST = 1000 };

/* Pairs as they are found: told when all are, since progress is drawn meanwhile. No more are kept than anybody reads:
 * there may be millions. */
struct pairs {
    bool as_json;
    int64_t kept, omitted;
    GString *json;    /* the elements so far */
    GPtrArray *cells; /* char **, in the order of pair_columns; NULL-ended, so that "" stands for none */
};

static void found(const struct store_double *pair, void *user)
{
    struct pairs *pairs = user;
    bool other_source = pair->kind == STORE_DOUBLE_SOURCE;

    if (pairs->kept == PAIRS_MOST) {
        pairs->omitted++;
        return;
    }
    pairs->kept++;
    if (!pairs->as_json) {
        g_autofree char *kept = g_strdup_printf("%" G_GINT64_FORMAT, pair->kept),
                        *dropped = g_strdup_printf("%" G_GINT64_FORMAT, pair->dropped);
        const char *const cells[] = {pair->customer,
                                     pair->source,
                                     other_source ? pair->dropped_source : "",
                                     kept,
                                     dropped,
                                     pair->versioned ? "kept" : "the same",
                                     pair->id != NULL ? pair->id : "",
                                     NULL};
        g_ptr_array_add(pairs->cells, g_strdupv((char **)cells));
        return;
    }
    g_string_append(pairs->json, pairs->json->len > 0 ? ",{" : "{");
    job_append_text(pairs->json, "kind", other_source ? "source" : "key");
    job_append_text(pairs->json, "customer", pair->customer);
    job_append_text(pairs->json, "source", pair->source);
    job_append_text(pairs->json, "dropped_source", pair->dropped_source);
    job_append_text(pairs->json, "id", pair->id);
    job_append_number(pairs->json, "kept", pair->kept);
    job_append_number(pairs->json, "dropped", pair->dropped);
    job_append_bool(pairs->json, "versioned", pair->versioned);
    g_string_append_c(pairs->json, '}');
}

static void print_pairs(const GPtrArray *rows)
{
    g_autoptr(Printer) printer =
        printer_new(&pair_kind, PRINT_FORMAT_TABLE, (int)MIN(rows->len, (guint)G_MAXINT), false);

    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        const char *cells[G_N_ELEMENTS(pair_columns) - 1];
        for (size_t c = 0; c < G_N_ELEMENTS(cells); c++)
            cells[c] = *row[c] != '\0' ? row[c] : NULL;
        printer_add_cells(printer, cells);
    }
    printer_finish(printer, true);
    if (rows->len > 0)
        command_write("\n", 1);
}

static GString *deduped_json(const struct store_deduped *result, bool dry_run, const struct pairs *pairs)
{
    GString *json = g_string_new("{");

    job_append_bool(json, "dry_run", dry_run);
    job_append_number(json, "looked_at", result->looked_at);
    job_append_number(json, "merged", result->merged);
    job_append_number(json, "by_key", result->by_key);
    job_append_number(json, "by_source", result->by_source);
    job_append_number(json, "versioned", result->versioned);
    job_append_number(json, "pairs_omitted", pairs->omitted);
    g_string_append_printf(json, ",\"pairs\":[%s]}", pairs->json->str);
    return json;
}

static void append_deduped(GString *words, const struct store_deduped *result, int64_t omitted, bool dry_run)
{
    g_autofree char *looked_at = job_count(result->looked_at, "event", "events"),
                    *versioned = text_count(result->versioned),
                    *merged = dry_run ? job_count(result->merged, "double would be", "doubles would be")
                                      : job_count(result->merged, "double was", "doubles were");

    if (result->merged == 0)
        g_string_append_printf(words, "Looked at %s: none is there twice.\n", looked_at);
    else
        g_string_append_printf(words, "Looked at %s: %s merged.\n", looked_at, merged);
    append_remark(words, omitted, "more pair is not listed.", "more pairs are not listed.");
    if (result->versioned > 0)
        g_string_append_printf(words, "Where their bodies differed (%s), the older one %s in event_versions.\n",
                               versioned, dry_run ? "would be kept" : "is kept");
}

static int dedupe(struct job *job, bool dry_run)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autoptr(GString) elements = g_string_new(NULL), words = g_string_new(NULL);
    struct pairs pairs = {.as_json = job->json, .json = elements, .cells = cells};
    struct store_deduped result = {0};
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    maintain_dedupe(&job->options, dry_run, found, &pairs, &result, &job->signal, &job->error);
    if (!job->json && !job->context.quiet)
        print_pairs(cells);
    g_autoptr(GString) json = deduped_json(&result, dry_run, &pairs);
    append_deduped(words, &result, pairs.omitted, dry_run);
    return job_end(job, EXIT_DONE, words, json, NULL); /* as far as it came */
}

int command_maintain_dedupe(int argc, char **argv)
{
    g_auto(Job) job = {0};
    gboolean dry_run = FALSE;
    const GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only tell what would be merged", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain dedupe",
                                        .arguments = "",
                                        .summary = dedupe_summary,
                                        .description = dedupe_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "dedupe", &usage, 0, 0, NULL, &argc, &argv, &status) ? dedupe(&job, dry_run) : status;
}
