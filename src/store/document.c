#include "base/base.h"
#include "store/facets.h"
#include "store/store.h"

struct document *document_new(void)
{
    return g_new0(struct document, 1);
}

void document_free(struct document *document)
{
    if (!document)
        return;
    g_free(document->id);
    g_free(document->timestamp);
    g_free(document->service);
    g_free(document->operation);
    g_free(document->result);
    g_free(document->actor_display);
    if (document->actor_names)
        g_ptr_array_unref(document->actor_names);
    g_free(document->target_displays);
    g_free(document->display_summary);
    g_free(document->text);
    g_free(document->dedupe_key);
    g_free(document->facets);
    g_free(document);
}

/* One token an actor name; a name given twice, or in two cases, has one. */
static void append_actors(GString *facets, const struct document *document)
{
    gsize from = facets->len;
    facet_append(facets, FACET_ACTOR, document->actor_display);
    for (guint i = 0; document->actor_names && i < document->actor_names->len; i++) {
        char token[FACET_TOKEN_BYTES];
        if (facet_token(FACET_ACTOR, document->actor_names->pdata[i], token) && !strstr(facets->str + from, token))
            facet_append(facets, FACET_ACTOR, document->actor_names->pdata[i]);
    }
}

void document_seal(struct document *document, const char *tenant_id, const char *source)
{
    const char *parts[] = {tenant_id, source, document->dedupe_key};
    hash_key(parts, G_N_ELEMENTS(parts), document->key);

    uint8_t digest[HASH_SHA256_BYTES];
    hash_sha256(document->raw, document->raw_length, digest);
    memcpy(document->content_hash, digest, HASH_KEY_BYTES);

    GString *facets = g_string_sized_new(FACET_TOKEN_BYTES * 10);
    facet_append(facets, FACET_CUSTOMER, tenant_id); /* a customer may be renamed */
    facet_append(facets, FACET_SOURCE, source);
    facet_append(facets, FACET_SERVICE, document->service);
    facet_append(facets, FACET_OPERATION, document->operation);
    facet_append(facets, FACET_RESULT, document->result);
    append_actors(facets, document);
    g_free(document->facets);
    document->facets = text_take(facets);
}

struct unreadable *unreadable_new(const char *reason, const char *request_id, const char *body, size_t length)
{
    struct unreadable *unreadable = g_new0(struct unreadable, 1);
    unreadable->reason = g_strdup(reason);
    unreadable->request_id = g_strdup(request_id);
    unreadable->body = body;
    unreadable->length = length;
    return unreadable;
}

void unreadable_free(struct unreadable *unreadable)
{
    if (!unreadable)
        return;
    g_free(unreadable->reason);
    g_free(unreadable->request_id);
    g_free(unreadable);
}
