#include "squeeze.h"

#include <string.h>
#include <zlib.h>

enum { CHUNK = 1 << 16, MEGABYTE = 1 << 20, GZIP_WINDOW = 15 + 16 };

static void begin(z_stream *z, int level)
{
    memset(z, 0, sizeof(*z));
    int result = deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    g_assert(result == Z_OK); /* else out of memory */
}

/* Compresses len bytes (or ends the stream) onto out. */
static void feed(z_stream *z, GString *out, const char *bytes, gsize len, int flush)
{
    Bytef chunk[CHUNK];

    z->next_in = (Bytef *)(gpointer)(gsize)bytes;
    z->avail_in = (uInt)len;
    do {
        z->next_out = chunk;
        z->avail_out = CHUNK;
        deflate(z, flush);
        g_string_append_len(out, (const char *)chunk, (gssize)(CHUNK - z->avail_out));
    } while (z->avail_out == 0);
}

static void replace(GString *body, GString *by)
{
    g_string_truncate(body, 0);
    g_string_append_len(body, by->str, (gssize)by->len);
    g_string_free(by, TRUE);
}

void squeeze_body(GString *body)
{
    GString *out = g_string_sized_new(body->len / 4);
    z_stream z;

    begin(&z, 1);
    feed(&z, out, body->str, body->len, Z_FINISH);
    deflateEnd(&z);
    replace(body, out);
}

void squeeze_bomb(GString *body, gsize megabytes)
{
    static const char head[] = "{\"value\":[", tail[] = "]}";
    char *blank = g_malloc(MEGABYTE);
    GString *out = g_string_new(NULL);
    z_stream z;

    memset(blank, ' ', MEGABYTE);
    begin(&z, 9);
    feed(&z, out, head, strlen(head), Z_NO_FLUSH);
    for (gsize k = 0; k < megabytes; k++)
        feed(&z, out, blank, MEGABYTE, Z_NO_FLUSH);
    feed(&z, out, tail, strlen(tail), Z_FINISH);
    deflateEnd(&z);
    g_free(blank);
    replace(body, out);
}
