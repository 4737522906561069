/* Pixels to PNG: read back with libpng, every colour is where it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "png_reader.h"
#include "report/png.h"
#include "report/report.h"

/* The i-th of many colours, all different. */
static guint32 color_of(guint i)
{
    return (i * 0x010305u + 0x102030u) & 0xffffff;
}

/* `n` colours over `width` x `height`, each as often as any other; a stride longer than the row; noise in the byte that
 * Cairo does not use. */
static guint32 *pixels_of(guint n, int width, int height, int *stride)
{
    int per_row = width + 3;
    guint32 *pixels = g_new(guint32, (gsize)per_row * (gsize)height);

    for (int y = 0; y < height; y++)
        for (int x = 0; x < per_row; x++)
            pixels[y * per_row + x] = color_of((guint)(y * width + x) % n) | (guint32)(x & 0xff) << 24;
    *stride = per_row * (int)sizeof(guint32);
    return pixels;
}

static void up_to_256_colours_come_back_exactly(void **state)
{
    const struct {
        guint colors;
        int depth;
    } rows[] = {{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 4}, {16, 4}, {17, 8}, {255, 8}, {256, 8}};
    const int widths[] = {1, 7, 8, 64, 257};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(widths); k++) {
            int width = widths[k], height = (int)(rows[i].colors / (guint)width) + 3, stride = 0;
            g_autofree guint32 *pixels = pixels_of(rows[i].colors, width, height, &stride);
            g_autoptr(GBytes) png = png_encode((const unsigned char *)pixels, width, height, stride, NULL);
            struct png_read read;
            assert_non_null(png);
            png_read_bytes(png, &read);
            assert_int_equal(read.width, width);
            assert_int_equal(read.height, height);
            assert_int_equal(read.depth, rows[i].depth);
            assert_int_equal(read.colors, rows[i].colors);
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    assert_int_equal(png_pixel(&read, x, y), color_of((guint)(y * width + x) % rows[i].colors));
            png_read_clear(&read);
        }
}

static void of_more_colours_the_frequent_ones_stay_and_the_others_become_their_nearest(void **state)
{
    enum { WIDTH = 300, HEIGHT = 4 };
    g_autofree guint32 *pixels = g_new(guint32, WIDTH * HEIGHT);
    struct png_read read;

    (void)state;
    /* 255 greys three times, one green in four pixels, and once each 44 that are one step off white. */
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            pixels[y * WIDTH + x] = x < 255 ? (guint32)x * 0x010101u : 0x00ff00u;
    for (guint32 x = 256; x < WIDTH; x++)
        pixels[x] = 0xfefefe - (x - 256) * 0x000001u;
    pixels[256] = 0xffffff;
    g_autoptr(GBytes) png = png_encode((const unsigned char *)pixels, WIDTH, HEIGHT, 4 * WIDTH, NULL);
    assert_non_null(png);
    png_read_bytes(png, &read);
    assert_int_equal(read.colors, 256);
    assert_int_equal(read.depth, 8);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (y > 0 || x < 256)
                assert_int_equal(png_pixel(&read, x, y), pixels[y * WIDTH + x]);
    assert_int_equal(png_pixel(&read, 256, 0), 0xfefefe);
    for (int x = 257; x < WIDTH; x++)
        assert_in_range(png_pixel(&read, x, 0) & 0xff, 0xd0, 0xfe);
    png_read_clear(&read);
}

static void thousands_of_colours_are_no_error(void **state)
{
    enum { WIDTH = 200, HEIGHT = 100 };
    int stride = 0;
    g_autofree guint32 *pixels = pixels_of(WIDTH * HEIGHT, WIDTH, HEIGHT, &stride);
    g_autoptr(GBytes) png = png_encode((const unsigned char *)pixels, WIDTH, HEIGHT, stride, NULL);
    g_autoptr(GBytes) again = png_encode((const unsigned char *)pixels, WIDTH, HEIGHT, stride, NULL);
    struct png_read read;

    (void)state;
    assert_non_null(png);
    assert_true(g_bytes_equal(png, again));
    png_read_bytes(png, &read);
    assert_int_equal(read.colors, 256);
    png_read_clear(&read);
}

static void nothing_but_the_picture_is_in_the_file(void **state)
{
    static const char *const chunks[] = {"IHDR", "PLTE", "IDAT", "IEND"};
    int stride = 0;
    g_autofree guint32 *pixels = pixels_of(16, 64, 64, &stride);
    g_autoptr(GBytes) png = png_encode((const unsigned char *)pixels, 64, 64, stride, NULL);
    gsize length = 0, at = 8;
    const guint8 *bytes = g_bytes_get_data(png, &length);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        assert_true(at + 12 <= length);
        assert_memory_equal(bytes + at + 4, chunks[i], 4);
        at += 12 + ((gsize)bytes[at] << 24 | (gsize)bytes[at + 1] << 16 | (gsize)bytes[at + 2] << 8 | bytes[at + 3]);
    }
    assert_int_equal(at, length);
}

static void what_is_no_picture_is_refused(void **state)
{
    const guint32 pixel = 0;
    const struct {
        int width, height, stride;
    } rows[] = {{0, 1, 4}, {1, 0, 4}, {-1, 1, 4}, {1, -1, 4}, {2, 1, 4}, {1, 1, 3}, {1, 1, -4}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(png_encode((const unsigned char *)&pixel, rows[i].width, rows[i].height, rows[i].stride, &error));
        assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_FAILED));
        assert_non_null(strstr(error->message, "there is no such picture"));
    }
}

static void what_libpng_refuses_is_told_in_its_words(void **state)
{
    enum { TOO_WIDE = 1000001 }; /* libpng's own limit is a million */
    g_autofree guint32 *pixels = g_new0(guint32, TOO_WIDE);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(png_encode((const unsigned char *)pixels, TOO_WIDE, 1, TOO_WIDE * 4, &error));
    assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_FAILED));
    assert_non_null(strstr(error->message, "libpng says \"Invalid IHDR data\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_to_256_colours_come_back_exactly),
        cmocka_unit_test(of_more_colours_the_frequent_ones_stay_and_the_others_become_their_nearest),
        cmocka_unit_test(thousands_of_colours_are_no_error),
        cmocka_unit_test(nothing_but_the_picture_is_in_the_file),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(what_libpng_refuses_is_told_in_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
