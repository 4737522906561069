#include "skiptoken.h"

#include <inttypes.h>
#include <string.h>

enum { HEAD = 5, LEG = 5, MOST_FIELDS = HEAD + LEG * SOURCE_COUNT };

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
    g_autoptr(GString) plain = g_string_new(NULL);

    g_string_printf(plain, "%d.%" PRId64 ".%d.%d.%d", t->page, t->as_of, t->after_empty, t->page_size, t->last);
    for (int k = 0; k < t->legs; k++)
        g_string_append_printf(plain, ".%" PRId64 ".%" PRId64 ".%d.%" PRId64 ".%" PRId64, t->at[k].generated,
                               t->at[k].last, t->at[k].begun, t->at[k].time, t->at[k].serial);
    g_string_append(link, marker);
    for (const char *p = plain->str; *p; p++)
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

/* How many numbers there are; 0 when they are not those of a token. */
static int read_numbers(const char *plain, int64_t n[MOST_FIELDS])
{
    g_auto(GStrv) words = g_strsplit(plain, ".", 0);
    guint count = g_strv_length(words);

    if (count < HEAD || count > MOST_FIELDS || (count - HEAD) % LEG != 0)
        return 0;
    for (guint k = 0; k < count; k++)
        if (!g_ascii_string_to_signed(words[k], 10, G_MININT64, G_MAXINT64, &n[k], NULL))
            return 0;
    return (int)count;
}

bool skiptoken_read(const char *uri, uint64_t seed, struct skiptoken *t)
{
    const char *end = uri;
    g_autofree char *plain = unhex(uri, &end);
    int64_t n[MOST_FIELDS] = {0};
    int count = plain ? read_numbers(plain, n) : 0;

    if (count == 0)
        return false;
    *t = (struct skiptoken){.page = (int)n[0],
                            .as_of = n[1],
                            .after_empty = n[2] != 0,
                            .page_size = (int)n[3],
                            .last = (int)n[4],
                            .legs = (count - HEAD) / LEG};
    for (int k = 0; k < t->legs; k++) {
        const int64_t *leg = n + HEAD + LEG * k;
        t->at[k] = (struct position){leg[0], leg[1], leg[2] != 0, leg[3], leg[4]};
    }
    g_autofree char *stamp = seal(uri, (gsize)(end - uri), seed);
    g_autofree char *rest = g_strdup_printf("%%2b%s%%3d_%d", stamp, t->page_size);
    return strcmp(end, rest) == 0;
}
