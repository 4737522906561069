#include "store/facets.h"

#include <string.h>

#include "base/hash.h"

enum { DIGEST_BYTES = 6, CACHE_MOST = 4096 };

/* Lower-casing and hashing cost more than the rest of a record's facets, and the same few thousand values come again
 * and again. A table for each thread needs no lock. */
static GPrivate cache_of_thread = G_PRIVATE_INIT((GDestroyNotify)g_hash_table_unref);

static GHashTable *cache_get(void)
{
    GHashTable *cache = g_private_get(&cache_of_thread);
    if (!cache) {
        cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_private_set(&cache_of_thread, cache);
    } else if (g_hash_table_size(cache) >= CACHE_MOST) {
        g_hash_table_remove_all(cache);
    }
    return cache;
}

/* The 12 digits of a value. Borrowed until the next call. */
static const char *digits_of(const char *value)
{
    GHashTable *cache = cache_get();
    char *digits = g_hash_table_lookup(cache, value);
    if (digits)
        return digits;

    g_autofree char *valid = g_utf8_make_valid(value, -1);
    g_autofree char *lower = g_utf8_strdown(valid, -1);
    uint8_t digest[HASH_SHA256_BYTES];
    hash_sha256(lower, strlen(lower), digest);
    digits = g_malloc(2 * DIGEST_BYTES + 1);
    hash_hex(digest, DIGEST_BYTES, digits);
    g_hash_table_insert(cache, g_strdup(value), digits);
    return digits;
}

bool facet_token(enum facet facet, const char *value, char token[FACET_TOKEN_BYTES])
{
    static const char *const prefixes[] = {[FACET_CUSTOMER] = "cu",  [FACET_SOURCE] = "so", [FACET_SERVICE] = "se",
                                           [FACET_OPERATION] = "op", [FACET_RESULT] = "re", [FACET_ACTOR] = "ac"};
    if (!value || !*value)
        return false;
    memcpy(token, prefixes[facet], 2);
    memcpy(token + 2, digits_of(value), 2 * DIGEST_BYTES + 1);
    return true;
}

void facet_append(GString *facets, enum facet facet, const char *value)
{
    char token[FACET_TOKEN_BYTES];
    if (!facet_token(facet, value, token))
        return;
    if (facets->len > 0)
        g_string_append_c(facets, ' ');
    g_string_append(facets, token);
}
