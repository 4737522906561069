#include "skiptoken.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char marker[] = "$skiptoken=";

/* 16 hex digits over the seed and everything of the link before the seal. */
static char *seal(const char *bytes, gsize len, uint64_t seed)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(sum, (const guchar *)&seed, sizeof(seed));
    g_checksum_update(sum, (const guchar *)bytes, (gssize)len);
    return g_strndup(g_checksum_get_string(sum), 16);
}

void skiptoken_append(GString *link, gsize path_at, const struct skiptoken *t, uint64_t seed)
{
    g_autofree char *plain = g_strdup_printf("%d.%" PRId64 ".%d.%d.%" PRId64 ".%" PRId64 ".%d.%" PRId64 ".%" PRId64,
                                             t->page, t->as_of, t->after_empty, t->page_size, t->at.generated,
                                             t->at.last, t->at.begun, t->at.time, t->at.serial);

    g_string_append(link, marker);
    for (const char *p = plain; *p; p++)
        g_string_append_printf(link, "%02x", (unsigned)*p);
    g_autofree char *stamp = seal(link->str + path_at, link->len - path_at, seed);
    g_string_append_printf(link, "%%2b%s%%3d_%d", stamp, t->page_size);
}

/* The plain text behind a token's hex digits; NULL when there is none. *end: what follows the digits. */
static char *unhex(const char *uri, const char **end)
{
    const char *at = strstr(uri, marker);
    GString *plain = g_string_new(NULL);

    if (at) {
        at += strlen(marker);
        for (; g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]); at += 2)
            g_string_append_c(plain, (char)(g_ascii_xdigit_value(at[0]) * 16 + g_ascii_xdigit_value(at[1])));
        *end = at;
    }
    return g_string_free(plain, plain->len == 0);
}

int skiptoken_page(const char *uri)
{
    const char *end = NULL;
    g_autofree char *plain = unhex(uri, &end);
    gint64 page = plain ? g_ascii_strtoll(plain, NULL, 10) : 1;

    return page > 1 && page < G_MAXINT ? (int)page : 1;
}

bool skiptoken_read(const char *uri, uint64_t seed, struct skiptoken *t)
{
    const char *end = NULL;
    g_autofree char *plain = unhex(uri, &end);
    int after_empty = 0, begun = 0;

    if (!plain)
        return false;
    if (sscanf(plain, "%d.%" SCNd64 ".%d.%d.%" SCNd64 ".%" SCNd64 ".%d.%" SCNd64 ".%" SCNd64, &t->page, &t->as_of,
               &after_empty, &t->page_size, &t->at.generated, &t->at.last, &begun, &t->at.time, &t->at.serial) != 9)
        return false;
    t->after_empty = after_empty != 0;
    t->at.begun = begun != 0;
    g_autofree char *stamp = seal(uri, (gsize)(end - uri), seed);
    g_autofree char *rest = g_strdup_printf("%%2b%s%%3d_%d", stamp, t->page_size);
    return strcmp(end, rest) == 0;
}
