#include "report/png.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

enum {
    MOST_COLORS = 256,
    SLOTS = 1024, /* of the table below: a power of two, never more than a quarter full */
    LEVEL = 4,    /* of zlib: 6 takes half as long again, 9 ten times, to save a tenth of the bytes */
    MEM_LEVEL = 8 /* more memory takes longer and saves nothing */
};

struct picture {
    int width, height;
    guint8 *indices;  /* a byte a pixel; packed in the end; owned */
    size_t row_bytes; /* when packed */
    bool *repeats;    /* a row that is like the one before; owned */
    guint32 colors[MOST_COLORS];
    unsigned n_colors;
};

static const guint32 *row_of(const unsigned char *pixels, int stride, int y)
{
    /* Cairo's rows begin at a multiple of four bytes. */
    return (const guint32 *)(const void *)(pixels + (size_t)y * (size_t)stride);
}

/* --- few colours: exact ------------------------------------------------------------------------------------------- */

struct slots {
    guint32 color[SLOTS];
    gint16 index[SLOTS]; /* -1: free */
};

/* The index of `color` in the palette, which grows by it; -1 when the palette is full. */
static int index_of(struct picture *picture, struct slots *slots, guint32 color)
{
    unsigned slot = (color * 2654435761u) >> 22;

    for (; slots->index[slot] >= 0; slot = (slot + 1) % SLOTS)
        if (slots->color[slot] == color)
            return slots->index[slot];
    if (picture->n_colors == MOST_COLORS)
        return -1;
    slots->color[slot] = color;
    slots->index[slot] = (gint16)picture->n_colors;
    picture->colors[picture->n_colors++] = color;
    return slots->index[slot];
}

static bool index_row(struct picture *picture, struct slots *slots, const guint32 *row, guint8 *indices)
{
    int index = -1;

    for (int x = 0; x < picture->width; x++) {
        /* Most pixels are like the one before. */
        if (x == 0 || row[x] != row[x - 1])
            index = index_of(picture, slots, row[x] & 0xffffff);
        if (index < 0)
            return false;
        indices[x] = (guint8)index;
    }
    return true;
}

/* Leaves out the rows that repeat. False when there are more than MOST_COLORS. */
static bool index_exactly(struct picture *picture, const unsigned char *pixels, int stride)
{
    size_t width = (size_t)picture->width;
    struct slots slots;

    for (size_t i = 0; i < SLOTS; i++)
        slots.index[i] = -1;
    for (int y = 0; y < picture->height; y++) {
        guint8 *indices = picture->indices + (size_t)y * width;
        const guint32 *row = row_of(pixels, stride, y);
        picture->repeats[y] = y > 0 && memcmp(row, row_of(pixels, stride, y - 1), width * sizeof *row) == 0;
        if (!picture->repeats[y] && !index_row(picture, &slots, row, indices))
            return false;
    }
    return true;
}

/* --- many colours: the most frequent ------------------------------------------------------------------------------ */

struct shade {
    guint32 color;
    guint32 count;
};

static int by_color(const void *a, const void *b)
{
    guint32 p = *(const guint32 *)a, q = *(const guint32 *)b;

    return (p > q) - (p < q);
}

/* The most frequent first; of equals the darker, so that the order is always the same. */
static int by_count(const void *a, const void *b)
{
    const struct shade *p = a, *q = b;

    return p->count != q->count ? (p->count < q->count) - (p->count > q->count) : by_color(&p->color, &q->color);
}

/* Each colour once, with its count. Returned: GArray of struct shade. */
static GArray *count_colors(const struct picture *picture, const unsigned char *pixels, int stride)
{
    size_t width = (size_t)picture->width, n = width * (size_t)picture->height;
    g_autofree guint32 *all = g_new(guint32, n);
    GArray *shades = g_array_new(FALSE, FALSE, sizeof(struct shade));

    for (size_t i = 0; i < n; i++)
        all[i] = row_of(pixels, stride, (int)(i / width))[i % width] & 0xffffff;
    qsort(all, n, sizeof *all, by_color);
    for (size_t i = 0, from = 0; i < n; i++) {
        if (i + 1 < n && all[i + 1] == all[i])
            continue;
        struct shade shade = {all[i], (guint32)(i + 1 - from)};
        g_array_append_val(shades, shade);
        from = i + 1;
    }
    return shades;
}

static int distance(guint32 a, guint32 b)
{
    int red = (int)(a >> 16) - (int)(b >> 16);
    int green = (int)(a >> 8 & 0xff) - (int)(b >> 8 & 0xff), blue = (int)(a & 0xff) - (int)(b & 0xff);

    return 2 * red * red + 4 * green * green + blue * blue; /* about as eyes weigh them */
}

static unsigned nearest(const struct picture *picture, guint32 color)
{
    unsigned best = 0;

    for (unsigned i = 1; i < picture->n_colors; i++)
        if (distance(color, picture->colors[i]) < distance(color, picture->colors[best]))
            best = i;
    return best;
}

static void index_nearest(struct picture *picture, const unsigned char *pixels, int stride)
{
    size_t width = (size_t)picture->width;
    g_autoptr(GArray) shades = count_colors(picture, pixels, stride);
    g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL);

    g_array_sort(shades, by_count);
    memset(picture->repeats, 0, (size_t)picture->height * sizeof *picture->repeats);
    picture->n_colors = MOST_COLORS;
    for (guint i = 0; i < MOST_COLORS; i++)
        picture->colors[i] = g_array_index(shades, struct shade, i).color;
    for (guint i = 0; i < shades->len; i++) {
        guint32 color = g_array_index(shades, struct shade, i).color;
        unsigned place = i < MOST_COLORS ? i : nearest(picture, color);
        g_hash_table_insert(places, GUINT_TO_POINTER(color), GUINT_TO_POINTER(place));
    }
    for (int y = 0; y < picture->height; y++) {
        const guint32 *row = row_of(pixels, stride, y);
        for (size_t x = 0; x < width; x++)
            picture->indices[(size_t)y * width + x] =
                (guint8)GPOINTER_TO_UINT(g_hash_table_lookup(places, GUINT_TO_POINTER(row[x] & 0xffffff)));
    }
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

struct output {
    GByteArray *bytes;
    char *fault;
};

static void take_fault(png_structp png, png_const_charp message)
{
    struct output *output = png_get_error_ptr(png);

    g_free(output->fault);
    output->fault = g_strdup(message);
    png_longjmp(png, 1);
}

/* Of what is only warned of, the picture is whole. */
static void take_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void append(png_structp png, png_bytep data, size_t length)
{
    struct output *output = png_get_io_ptr(png);

    g_byte_array_append(output->bytes, data, (guint)length);
}

static void flush(png_structp png)
{
    (void)png;
}

static int depth_of(unsigned n_colors)
{
    return n_colors <= 2 ? 1 : n_colors <= 4 ? 2 : n_colors <= 16 ? 4 : 8;
}

static void pack_row(const guint8 *from, guint8 *to, size_t width, unsigned depth)
{
    size_t per_byte = 8 / depth, x = 0;

    for (; depth == 4 && x + 1 < width; x += 2) /* the usual case */
        *to++ = (guint8)(from[x] << 4 | from[x + 1]);
    for (; x < width; to++) {
        unsigned byte = 0;
        for (size_t i = 0; i < per_byte; i++, x++)
            byte = byte << depth | (x < width ? from[x] : 0);
        *to = (guint8)byte;
    }
}

/* Several indices to the byte, the first one in its highest bits; in their place, as no row grows by it. */
static void pack_rows(struct picture *picture)
{
    unsigned depth = (unsigned)depth_of(picture->n_colors);
    size_t width = (size_t)picture->width, bytes = (width * depth + 7) / 8;

    picture->row_bytes = bytes;
    for (size_t y = 0; y < (size_t)picture->height; y++) {
        guint8 *to = picture->indices + y * bytes;
        if (picture->repeats[y])
            memcpy(to, to - bytes, bytes);
        else if (depth < 8)
            pack_row(picture->indices + y * width, to, width, depth);
    }
}

/* libpng leaves by longjmp to here when it fails: nothing in this function owns anything. */
static bool write_picture(png_structp png, png_infop info, const struct picture *picture, const png_color *palette)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return false;
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, depth_of(picture->n_colors),
                 PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_PLTE(png, info, palette, (int)picture->n_colors);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE); /* indices have no neighbourhood to predict from */
    png_set_check_for_invalid_index(png, 0); /* there are none, and looking takes a tenth of the time */
    png_set_compression_level(png, LEVEL);
    png_set_compression_mem_level(png, MEM_LEVEL);
    png_write_info(png, info);
    for (int y = 0; y < picture->height; y++)
        png_write_row(png, picture->indices + (size_t)y * picture->row_bytes);
    png_write_end(png, NULL);
    return true;
}

static bool write_file(const struct picture *picture, struct output *output)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, output, take_fault, take_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    png_color palette[MOST_COLORS];
    bool written = false;

    for (unsigned i = 0; i < picture->n_colors; i++)
        palette[i] = (png_color){(png_byte)(picture->colors[i] >> 16), (png_byte)(picture->colors[i] >> 8 & 0xff),
                                 (png_byte)(picture->colors[i] & 0xff)};
    if (info != NULL) {
        png_set_write_fn(png, output, append, flush);
        written = write_picture(png, info, picture, palette);
    }
    png_destroy_write_struct(&png, &info);
    return written;
}

GBytes *png_encode(const unsigned char *pixels, int width, int height, int stride, GError **error)
{
    struct picture picture = {.width = width, .height = height};
    struct output output = {NULL, NULL};

    if (width < 1 || height < 1 || stride / (int)sizeof(guint32) < width) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED,
                    "Writing a PNG of %d x %d pixels in rows of %d bytes: there is no such picture", width, height,
                    stride);
        return NULL;
    }
    picture.indices = g_malloc((size_t)width * (size_t)height);
    picture.repeats = g_new(bool, (gsize)height);
    if (!index_exactly(&picture, pixels, stride))
        index_nearest(&picture, pixels, stride);
    pack_rows(&picture);
    output.bytes = g_byte_array_new();
    bool written = write_file(&picture, &output);
    if (!written)
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED, "Writing a PNG of %d x %d pixels: libpng says \"%s\"",
                    width, height, output.fault != NULL ? output.fault : "out of memory");
    g_free(picture.indices);
    g_free(picture.repeats);
    g_free(output.fault);
    if (written)
        return g_byte_array_free_to_bytes(output.bytes);
    g_byte_array_unref(output.bytes);
    return NULL;
}
