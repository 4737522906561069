/* chart_canvas - what charts are drawn on: whole pixels in few colours, and text of any script.
 *
 * Lengths are PNG pixels. Everything but text is made of rectangles on whole pixels, so nothing has blurred edges; text
 * stands on white only and is smoothed in four greys. Hence a picture has fourteen colours at most, and four bits a
 * pixel. */
#ifndef M365KEEP_REPORT_CHART_CANVAS_H
#define M365KEEP_REPORT_CHART_CANVAS_H

#include <glib.h>
#include <stdbool.h>

#include "report/chart.h"

/* CSS pixels as the PNG's. */
#define CHART_PX(css) ((css)*REPORT_CHART_SCALE)

/* 0xRRGGBB. With report_chart_colors and the greys of text: white, all there are. */
enum {
    CHART_NIGHT = 0xf0f3f9,
    CHART_GRID = 0xe1e5eb,
    CHART_LINE = 0x9da1a6,   /* axes and ticks */
    CHART_GAP = 0xf3f4f5,    /* gaps: this, */
    CHART_HATCH = CHART_LINE /* and lines of this */
};

enum canvas_style {
    CANVAS_TITLE,  /* of the picture, bold */
    CANVAS_FIGURE, /* the one number that counts, bold */
    CANVAS_STATUS,
    CANVAS_NAME,  /* of a row */
    CANVAS_LABEL, /* greyer */
    CANVAS_STYLES
};

enum canvas_align { CANVAS_LEFT, CANVAS_CENTRE, CANVAS_RIGHT };

struct canvas;

/* A white one, of REPORT_CHART_WIDTH and at most `height`. Returned: canvas_free. */
struct canvas *canvas_new(int height);
void canvas_free(struct canvas *canvas);

/* See report_chart_end(). */
void canvas_release_fonts(void);

void canvas_fill(struct canvas *canvas, guint32 color, int x, int y, int width, int height);
void canvas_hatch(struct canvas *canvas, int x, int y, int width, int height);

/* The width `text` takes, cut to `room`. */
int canvas_text_width(struct canvas *canvas, enum canvas_style style, const char *text, int room);

/* One line of text at `x` (its left end, middle or right end) on its baseline; what exceeds `room` has an ellipsis,
 * at its end, or in the middle of titles and names, which differ at their ends, too. Any bytes will do: they are made
 * one line of text. Returns the width that it took. */
int canvas_text(struct canvas *canvas, enum canvas_style style, enum canvas_align align, const char *text, int x,
                int baseline, int room);

/* The characters drawn so far that no installed font has, as a sentence with what to install, where that would
 * help; NULL: none. Returned:
 * g_free. */
char *canvas_warning(const struct canvas *canvas);

/* The upper `height` rows as a PNG. NULL with *error (REPORT_ERROR_FAILED). Returned: g_bytes_unref. */
GBytes *canvas_png(struct canvas *canvas, int height, GError **error);

#endif
