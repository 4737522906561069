#include "store/texts.h"

#include "base/text.h"
#include "store/facets.h"

struct text {
    int64_t id;
    bool is_new; /* the table holds nothing of this row yet */
    char *text, *facets;
};

static void text_free(gpointer data)
{
    struct text *text = data;
    g_free(text->text);
    g_free(text->facets);
    g_free(text);
}

void texts_init(struct texts *texts, struct store *store, const struct texts_table *table)
{
    texts->store = store;
    texts->table = table;
    texts->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, text_free);
}

void texts_clear(struct texts *texts)
{
    g_hash_table_unref(texts->waiting);
}

/* --- keeping
 * ---------------------------------------------------------------------------------------------------- */

/* True in *same when this is what the table holds: a record is changed more often than its words are. */
static bool is_indexed(const struct texts *texts, int64_t id, const char *text, const char *facets, bool *same,
                       GError **error)
{
    struct statement *read = statement_get(texts->store, texts->table->read, error);
    *same = false;
    if (!read)
        return false;
    bind_int(read, 1, id);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *same = g_strcmp0(column_text(read, 0, NULL), text) == 0 && g_strcmp0(column_text(read, 1, NULL), facets) == 0;
    return statement_end(read, error);
}

bool texts_keep(struct texts *texts, int64_t id, bool is_new, const char *text, const char *facets, GError **error)
{
    struct text *waiting = g_hash_table_lookup(texts->waiting, &id);
    bool same = false;
    if (waiting)
        is_new = waiting->is_new;
    else if (!is_new && !is_indexed(texts, id, text, facets, &same, error))
        return false;
    if (same)
        return true;
    waiting = g_new(struct text, 1);
    *waiting = (struct text){id, is_new, g_strdup(text), g_strdup(facets)};
    g_hash_table_replace(texts->waiting, &waiting->id, waiting);
    return true;
}

/* --- writing
 * ---------------------------------------------------------------------------------------------------- */

static bool write_text(const struct texts *texts, const struct text *text, GError **error)
{
    if (!text->is_new) {
        struct statement *removal = statement_get(texts->store, texts->table->remove, error);
        if (!removal)
            return false;
        bind_int(removal, 1, text->id);
        if (!statement_run(removal, error))
            return false;
    }
    struct statement *insert = statement_get(texts->store, texts->table->insert, error);
    if (!insert)
        return false;
    bind_int(insert, 1, text->id);
    bind_text(insert, 2, text->text);
    bind_text(insert, 3, text->facets);
    return statement_run(insert, error);
}

static int by_id(gconstpointer a, gconstpointer b)
{
    const struct text *x = *(const struct text *const *)a, *y = *(const struct text *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

bool texts_write(struct texts *texts, GError **error)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    GHashTableIter at;
    gpointer text;
    g_hash_table_iter_init(&at, texts->waiting);
    while (g_hash_table_iter_next(&at, NULL, &text))
        g_ptr_array_add(sorted, text);
    g_ptr_array_sort(sorted, by_id);
    for (guint i = 0; i < sorted->len; i++)
        if (!write_text(texts, sorted->pdata[i], error))
            return false;
    return true;
}

/* --- facets
 * ---------------------------------------------------------------------------------------------------- */

char *texts_facets(struct store *store, int64_t customer_id, const char *source, GError **error)
{
    struct statement *read = statement_get(store, STATEMENT_CUSTOMER_TENANT, error);
    if (!read)
        return NULL;
    bind_int(read, 1, customer_id);
    enum step step = statement_step(read, error);
    g_autofree char *tenant_id = step == STEP_ROW ? g_strdup(column_text(read, 0, NULL)) : NULL;
    if (step == STEP_FAILED || (step == STEP_ROW && !statement_end(read, error)))
        return NULL;
    GString *facets = g_string_new(NULL);
    facet_append(facets, FACET_CUSTOMER, tenant_id); /* a customer may be renamed */
    facet_append(facets, FACET_SOURCE, source);
    return text_take(facets);
}
