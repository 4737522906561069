#include "collect/window_run.h"

static void decode_records(struct source_run *base, struct writer_page *out, const char *request_id)
{
    for (size_t i = 0; i < json_page_count(out->body); i++) {
        struct json_slice slice = json_page_record(out->body, i);
        g_autoptr(GError) error = NULL;
        struct document *document =
            source_decode(base->source, base->context->tree, slice, out->page.received_at, &error);

        if (document) {
            document_seal(document, base->tenant_id, base->source->name);
            g_ptr_array_add(out->page.documents, document);
        } else {
            source_run_unreadable(base, out, slice, error, request_id);
        }
    }
}

/* Decodes the page in `body` and hands it over; the cursor will stand at `next_link`, NULL at the window's end. */
static void store_page(struct window_run *run, const char *next_link, const char *request_id)
{
    struct writer_page *page;

    run->window_records += (int64_t)json_page_count(run->base.body);
    page = source_run_page(&run->base);
    page->page.window = run->window;
    page->page.next_link = g_strdup(next_link);
    page->page.window_records = run->window_records;
    decode_records(&run->base, page, request_id);
    source_run_push(&run->base, page);
}

void window_salvage(struct window_run *run, const char *request_id)
{
    g_autofree char *start = window_start(run, run->window);

    if (!source_run_body_broke_off(&run->base))
        return;
    run->base.result->fetched += (int64_t)json_page_count(run->base.body);
    store_page(run, start, request_id);
}

/* The page is whole and true, so its records are kept; but the window cannot go on from it, and its cursor stays at the
 * start. */
static void page_without_way_on(struct window_run *run, const struct client_failure *failure, const char *request_id)
{
    g_autofree char *start = window_start(run, run->window);

    store_page(run, start, request_id);
    window_failed(run, failure);
}

void window_page_read(struct source_run *base, const char *request_id)
{
    struct window_run *run = window_run_of(base);
    struct client_failure *failure;
    const char *next_link = source_run_next_link(base, request_id, &failure);

    run->window_pages++;
    window_note_page(run);
    base->result->fetched += (int64_t)json_page_count(base->body);
    if (failure) {
        page_without_way_on(run, failure, request_id);
        client_failure_free(failure);
        return;
    }
    g_free(base->link);
    base->link = g_strdup(next_link);
    if (!base->link && json_page_count(base->body) == 0 && window_looks_lost(run)) {
        window_lost(run);
        return;
    }
    store_page(run, base->link, request_id);
    if (base->link)
        source_run_request(base);
    else
        window_read(run);
}

void window_page_committed(struct source_run *base, const struct store_page *page)
{
    struct collect_source *result = base->result;

    result->inserted += page->counts.inserted;
    result->updated += page->counts.updated;
    result->duplicates += page->counts.duplicates;
    if (page->next_link)
        return;
    base->completed++;
    result->from = result->from ? MIN(result->from, page->window.from) : page->window.from;
    result->to = MAX(result->to, page->window.to);
}
