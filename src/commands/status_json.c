/* m365keep status --json: every fact, times in ISO 8601, durations in seconds, sizes in bytes. */
#include "status.h"

#include "base/base.h"

static void append_text(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, ",\"%s\":", name);
    text_append_json(out, text);
}

/* 0: there is none. */
static void append_time(GString *out, const char *name, int64_t seconds)
{
    g_autofree char *text = seconds != 0 ? timestamp_format_seconds(seconds) : NULL;

    append_text(out, name, text);
}

static void append_number(GString *out, const char *name, int64_t number)
{
    g_string_append_printf(out, ",\"%s\":%" G_GINT64_FORMAT, name, number);
}

static void append_holes(GString *out, const struct status_view *view, const struct standing_source *source)
{
    static const char *const kinds[] = {[STORE_HOLE_LOST] = "lost",
                                        [STORE_HOLE_UNREAD] = "unread",
                                        [STORE_HOLE_OPEN] = "open",
                                        [STORE_HOLE_SCANS] = "no-scan"};
    bool first = true;

    g_string_append(out, ",\"holes\":[");
    for (guint i = 0; i < source->facts->holes->len; i++) {
        const struct store_hole *hole = &g_array_index(source->facts->holes, struct store_hole, i);
        if (!status_tells_hole(view, source, hole))
            continue;
        g_string_append_printf(out, "%s{\"kind\":\"%s\"", first ? "" : ",", kinds[hole->kind]);
        append_text(out, "part", *hole->part != '\0' ? hole->part : NULL);
        append_time(out, "from", hole->from);
        append_time(out, "to", hole->to);
        append_number(out, "seconds", hole->to - hole->from);
        g_string_append_c(out, '}');
        first = false;
    }
    g_string_append_c(out, ']');
}

static void append_lateness(GString *out, const struct store_status_source *facts)
{
    if (facts->lateness_samples == 0) {
        g_string_append(out, ",\"lateness\":null");
        return;
    }
    g_string_append_printf(out, ",\"lateness\":{\"samples\":%" G_GINT64_FORMAT, facts->lateness_samples);
    append_number(out, "p50_s", facts->lateness_p50_s);
    append_number(out, "p95_s", facts->lateness_p95_s);
    append_number(out, "p99_s", facts->lateness_p99_s);
    g_string_append_c(out, '}');
}

/* What the database knows of a source; of one that it knows nothing of, the same members. */
static void append_facts(GString *out, const struct status_view *view, const struct standing_source *source)
{
    static const struct store_status_source nothing = {0};
    const struct store_status_source *facts = source->facts != NULL ? source->facts : &nothing;

    append_number(out, "records", facts->records);
    append_number(out, "unreadable", facts->unreadable);
    append_number(out, "raw_bytes", facts->raw_bytes);
    append_text(out, "newest", facts->newest);
    append_time(out, "covered_to", facts->covered_to);
    append_time(out, "last_run", facts->last_run_at);
    append_time(out, "last_success", facts->last_success_at);
    append_time(out, "last_error_at", facts->last_error_at);
    append_text(out, "outcome", facts->last_run_at != 0 ? status_outcome_name(facts->outcome) : NULL);
    append_text(out, "last_error", facts->last_error);
    append_time(out, "kept_from", facts->kept_from);
    append_time(out, "pruned_at", facts->pruned_at);
    append_number(out, "pruned", facts->pruned_records);
    append_lateness(out, facts);
    if (source->facts != NULL)
        append_holes(out, view, source);
    else
        g_string_append(out, ",\"holes\":[]");
}

static void append_source(GString *out, const struct status_view *view, const struct standing_source *source)
{
    g_string_append(out, "{\"source\":");
    text_append_json(out, source->source);
    append_text(out, "state", status_state_name(source->state));
    g_string_append_printf(out, ",\"finding\":%s", source->finding ? "true" : "false");
    append_number(out, "stale_after_s", source->stale_after_s);
    append_facts(out, view, source);
    g_string_append_c(out, '}');
}

static void append_customers(GString *out, const struct status_view *view)
{
    const struct standing_source *before = NULL;

    g_string_append(out, ",\"customers\":[");
    for (guint i = 0; i < view->sources->len; i++) {
        const struct standing_source *source = g_ptr_array_index(view->sources, i);
        bool same = before != NULL && g_str_equal(before->customer, source->customer) &&
                    g_strcmp0(before->tenant_id, source->tenant_id) == 0;
        if (!same) {
            g_string_append_printf(out, "%s{\"customer\":", before != NULL ? "]}," : "");
            text_append_json(out, source->customer);
            append_text(out, "tenant_id", source->tenant_id);
            g_string_append(out, ",\"sources\":[");
        }
        g_string_append(out, same ? "," : "");
        append_source(out, view, source);
        before = source;
    }
    g_string_append(out, before != NULL ? "]}]" : "]");
}

static void append_database(GString *out, const struct status_view *view)
{
    const struct store_status *facts = view->facts;
    int64_t most = view->config->retention.max_size_bytes;

    g_string_append(out, ",\"database\":{\"path\":");
    text_append_json(out, view->config->database);
    append_number(out, "bytes", facts->database_bytes);
    append_number(out, "free_bytes", facts->free_bytes);
    append_number(out, "wal_bytes", facts->wal_bytes);
    if (most > 0)
        append_number(out, "max_bytes", most);
    else
        g_string_append(out, ",\"max_bytes\":null");
    g_string_append_printf(
        out, ",\"over_size\":%s,\"prune_overdue\":%s,\"rewrite_due\":%s", view->standing->over_size ? "true" : "false",
        view->standing->prune_overdue ? "true" : "false", view->standing->rewrite_due ? "true" : "false");
    append_number(out, "seq", facts->seq);
    g_string_append_c(out, '}');
}

static void append_tasks(GString *out, const GPtrArray *tasks)
{
    g_string_append(out, ",\"maintenance\":{");
    for (guint i = 0; i < tasks->len; i++) {
        const struct store_status_task *task = g_ptr_array_index(tasks, i);
        g_string_append(out, i > 0 ? "," : "");
        text_append_json(out, task->task);
        g_string_append(out, ":{\"finished\":");
        g_autofree char *finished = task->finished_at != 0 ? timestamp_format_seconds(task->finished_at) : NULL;
        text_append_json(out, finished);
        append_text(out, "outcome", task->outcome);
        append_time(out, "started", task->started_at);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, '}');
}

void status_append_json(GString *out, const struct status_view *view)
{
    const struct store_status *facts = view->facts;
    g_autofree char *now = timestamp_format_seconds(view->now);

    g_string_append(out, "{\"now\":");
    text_append_json(out, now);
    append_time(out, "since", view->since);
    append_number(out, "findings", status_count_findings(view));
    append_customers(out, view);
    append_database(out, view);
    append_tasks(out, facts->tasks);
    if (facts->mirrored)
        g_string_append_printf(out, ",\"mirror\":{\"pending\":%" G_GINT64_FORMAT "}", facts->mirror_behind);
    else
        g_string_append(out, ",\"mirror\":null");
    g_string_append_printf(out, ",\"blobs\":{\"pending\":%" G_GINT64_FORMAT, facts->blobs_pending);
    append_time(out, "expires", facts->blob_expires_at);
    g_string_append(out, "}}");
}
