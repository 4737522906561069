/* PNGs read back by libpng, for tests of those that were written. */
#ifndef PNG_READER_H
#define PNG_READER_H

#include <glib.h>
#include <png.h>
#include <string.h>

struct png_read {
    int width, height, depth, colors;
    guint8 *indices; /* a byte a pixel */
    png_color palette[256];
};

struct png_source {
    const guint8 *bytes;
    gsize left;
};

static inline void png_take(png_structp png, png_bytep to, size_t length)
{
    struct png_source *source = png_get_io_ptr(png);

    if (length > source->left)
        png_error(png, "the file ends too early");
    memcpy(to, source->bytes, length);
    source->bytes += length;
    source->left -= length;
}

/* A file that libpng finds fault with ends the test. */
static inline void png_refuse(png_structp png, png_const_charp message)
{
    (void)png;
    g_error("libpng: %s", message);
}

static inline void png_read_bytes(GBytes *file, struct png_read *read)
{
    struct png_source source;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_refuse, png_refuse);
    png_infop info = png_create_info_struct(png);
    png_colorp palette = NULL;

    source.bytes = g_bytes_get_data(file, &source.left);
    png_set_read_fn(png, &source, png_take);
    png_read_info(png, info);
    g_assert(png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE);
    read->width = (int)png_get_image_width(png, info);
    read->height = (int)png_get_image_height(png, info);
    read->depth = png_get_bit_depth(png, info);
    png_get_PLTE(png, info, &palette, &read->colors);
    memcpy(read->palette, palette, (size_t)read->colors * sizeof *palette);
    png_set_packing(png);
    read->indices = g_malloc((gsize)read->width * (gsize)read->height);
    for (int y = 0; y < read->height; y++)
        png_read_row(png, read->indices + (size_t)y * (size_t)read->width, NULL);
    png_read_end(png, NULL);
    g_assert(source.left == 0);
    png_destroy_read_struct(&png, &info, NULL);
}

static inline void png_read_clear(struct png_read *read)
{
    g_clear_pointer(&read->indices, g_free);
}

/* 0xRRGGBB. */
static inline guint32 png_pixel(const struct png_read *read, int x, int y)
{
    g_assert(x >= 0 && x < read->width && y >= 0 && y < read->height);
    const png_color *color = &read->palette[read->indices[(size_t)y * (size_t)read->width + (size_t)x]];

    return (guint32)color->red << 16 | (guint32)color->green << 8 | color->blue;
}

#endif
