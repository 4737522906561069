#include "skiptoken.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS = 9 };

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

    *end = uri;
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
    const char *end = uri;
    g_autofree char *plain = unhex(uri, &end);
    gint64 page = plain ? g_ascii_strtoll(plain, NULL, 10) : 1;

    return page > 1 && page < G_MAXINT ? (int)page : 1;
}

static bool read_numbers(const char *plain, int64_t n[FIELDS])
{
    g_auto(GStrv) words = g_strsplit(plain, ".", 0);

    if (g_strv_length(words) != FIELDS)
        return false;
    for (int k = 0; k < FIELDS; k++)
        if (!g_ascii_string_to_signed(words[k], 10, G_MININT64, G_MAXINT64, &n[k], NULL))
            return false;
    return true;
}

bool skiptoken_read(const char *uri, uint64_t seed, struct skiptoken *t)
{
    const char *end = uri;
    g_autofree char *plain = unhex(uri, &end);
    int64_t n[FIELDS] = {0};

    if (!plain || !read_numbers(plain, n))
        return false;
    *t = (struct skiptoken){.page = (int)n[0],
                            .as_of = n[1],
                            .after_empty = n[2] != 0,
                            .page_size = (int)n[3],
                            .at = {n[4], n[5], n[6] != 0, n[7], n[8]}};
    g_autofree char *stamp = seal(uri, (gsize)(end - uri), seed);
    g_autofree char *rest = g_strdup_printf("%%2b%s%%3d_%d", stamp, t->page_size);
    return strcmp(end, rest) == 0;
}
