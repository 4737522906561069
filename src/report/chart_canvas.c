#include "report/chart_canvas.h"

#include <pango/pangocairo.h>
#include <string.h>

#include "report/png.h"
#include "report/report.h"
#include "report/view_private.h"

enum {
    WIDTH = CHART_PX(REPORT_CHART_WIDTH),
    HATCH_PERIOD = 10,
    HATCH_LINE = 3,
    GREYS = 4, /* steps from white to ink: at this density more cannot be told apart, and cost bytes */
    INK = 0x1b2430,
    MOST_CHARACTERS = 256, /* of a text: no more could ever be seen in a line */
    MOST_TOLD = 5          /* characters without a glyph that are named */
};

static const struct {
    int css_px;
    PangoWeight weight;
    unsigned grey; /* of GREYS */
    PangoEllipsizeMode ellipsis;
} styles[CANVAS_STYLES] = {
    [CANVAS_TITLE] = {17, PANGO_WEIGHT_BOLD, GREYS, PANGO_ELLIPSIZE_MIDDLE},
    [CANVAS_FIGURE] = {15, PANGO_WEIGHT_BOLD, GREYS, PANGO_ELLIPSIZE_END},
    [CANVAS_STATUS] = {15, PANGO_WEIGHT_NORMAL, GREYS, PANGO_ELLIPSIZE_END},
    [CANVAS_NAME] = {15, PANGO_WEIGHT_NORMAL, GREYS, PANGO_ELLIPSIZE_MIDDLE},
    [CANVAS_LABEL] = {14, PANGO_WEIGHT_NORMAL, 3, PANGO_ELLIPSIZE_END},
};

/* One line is drawn here, as coverage, before its greys go to the picture. */
enum { LINE_HEIGHT = CHART_PX(34), LINE_BASELINE = CHART_PX(23), LINE_PAD = CHART_PX(3) };

struct canvas {
    guint8 *pixels; /* of `surface`, owned */
    cairo_surface_t *surface, *line, *hatch;
    cairo_t *cairo, *line_cairo;
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *fonts[CANVAS_STYLES];
    GArray *unknown; /* gunichar: characters without a glyph, each once */
};

/* --- colours ------------------------------------------------------------------------------------------------------ */

static void set_color(cairo_t *cairo, guint32 color)
{
    cairo_set_source_rgb(cairo, (color >> 16) / 255.0, (color >> 8 & 0xff) / 255.0, (color & 0xff) / 255.0);
}

static guint32 grey_of(unsigned step)
{
    guint32 color = 0;

    for (int shift = 16; shift >= 0; shift -= 8) {
        unsigned ink = (unsigned)INK >> shift & 0xff;
        color |= (255 - ((255 - ink) * step + GREYS / 2) / GREYS) << shift;
    }
    return color;
}

static guint32 *row_of(cairo_surface_t *surface, int y)
{
    /* Cairo's rows begin at a multiple of four bytes. */
    return (guint32 *)(void *)(cairo_image_surface_get_data(surface) +
                               (size_t)y * (size_t)cairo_image_surface_get_stride(surface));
}

static cairo_surface_t *hatch_new(void)
{
    cairo_surface_t *tile = cairo_image_surface_create(CAIRO_FORMAT_RGB24, HATCH_PERIOD, HATCH_PERIOD);

    cairo_surface_flush(tile);
    for (int y = 0; y < HATCH_PERIOD; y++)
        for (int x = 0; x < HATCH_PERIOD; x++)
            row_of(tile, y)[x] = (x + y) % HATCH_PERIOD < HATCH_LINE ? CHART_HATCH : CHART_GAP;
    cairo_surface_mark_dirty(tile);
    return tile;
}

/* --- the canvas --------------------------------------------------------------------------------------------------- */

/* Nothing of the user's desktop or locale: sizes in pixels, no hinting (at this density it would only bend the
 * letters), English for the choice between fonts that share characters. Pango keeps one font map a thread with the
 * fonts that were loaded; it alone outlives a canvas, until canvas_release_fonts(). */
static PangoContext *context_new(void)
{
    PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
    cairo_font_options_t *options = cairo_font_options_create();

    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    pango_cairo_context_set_resolution(context, 96);
    pango_context_set_language(context, pango_language_from_string("en"));
    pango_context_set_base_dir(context, PANGO_DIRECTION_LTR);
    pango_context_set_round_glyph_positions(context, FALSE);
    cairo_font_options_destroy(options);
    return context;
}

static PangoFontDescription *font_new(enum canvas_style style)
{
    PangoFontDescription *font = pango_font_description_new();

    pango_font_description_set_family_static(font, "Noto Sans");
    pango_font_description_set_weight(font, styles[style].weight);
    pango_font_description_set_absolute_size(font, CHART_PX(styles[style].css_px) * PANGO_SCALE);
    return font;
}

struct canvas *canvas_new(int height)
{
    struct canvas *canvas = g_new0(struct canvas, 1);
    size_t bytes = (size_t)WIDTH * sizeof(guint32) * (size_t)height;

    canvas->pixels = g_malloc(bytes);
    memset(canvas->pixels, 0xff, bytes); /* white */
    canvas->surface = cairo_image_surface_create_for_data(canvas->pixels, CAIRO_FORMAT_RGB24, WIDTH, height,
                                                          WIDTH * (int)sizeof(guint32));
    canvas->cairo = cairo_create(canvas->surface);
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_NONE);
    canvas->line = cairo_image_surface_create(CAIRO_FORMAT_A8, WIDTH, LINE_HEIGHT);
    canvas->line_cairo = cairo_create(canvas->line);
    canvas->hatch = hatch_new();
    canvas->context = context_new();
    canvas->layout = pango_layout_new(canvas->context);
    pango_layout_set_single_paragraph_mode(canvas->layout, TRUE);
    for (int style = 0; style < CANVAS_STYLES; style++)
        canvas->fonts[style] = font_new((enum canvas_style)style);
    canvas->unknown = g_array_new(FALSE, FALSE, sizeof(gunichar));
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    if (canvas == NULL)
        return;
    g_array_unref(canvas->unknown);
    for (int style = 0; style < CANVAS_STYLES; style++)
        pango_font_description_free(canvas->fonts[style]);
    g_object_unref(canvas->layout);
    g_object_unref(canvas->context);
    cairo_surface_destroy(canvas->hatch);
    cairo_destroy(canvas->line_cairo);
    cairo_surface_destroy(canvas->line);
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
    g_free(canvas->pixels);
    g_free(canvas);
}

void canvas_release_fonts(void)
{
    pango_cairo_font_map_set_default(NULL);
}

void canvas_fill(struct canvas *canvas, guint32 color, int x, int y, int width, int height)
{
    set_color(canvas->cairo, color);
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

void canvas_hatch(struct canvas *canvas, int x, int y, int width, int height)
{
    cairo_set_source_surface(canvas->cairo, canvas->hatch, 0, 0);
    cairo_pattern_set_extend(cairo_get_source(canvas->cairo), CAIRO_EXTEND_REPEAT);
    cairo_pattern_set_filter(cairo_get_source(canvas->cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

GBytes *canvas_png(struct canvas *canvas, int height, GError **error)
{
    cairo_status_t status = cairo_status(canvas->cairo);

    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_status(canvas->line_cairo);
    if (status != CAIRO_STATUS_SUCCESS) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED, "Drawing a chart of %d x %d pixels: Cairo says \"%s\"",
                    WIDTH, height, cairo_status_to_string(status));
        return NULL;
    }
    cairo_surface_flush(canvas->surface);
    return png_encode(cairo_image_surface_get_data(canvas->surface), WIDTH,
                      MIN(height, cairo_image_surface_get_height(canvas->surface)),
                      cairo_image_surface_get_stride(canvas->surface), error);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void note_unknown(GArray *unknown, gunichar c)
{
    for (guint i = 0; i < unknown->len; i++)
        if (g_array_index(unknown, gunichar, i) == c)
            return;
    g_array_append_val(unknown, c);
}

static void note_unknown_glyphs(GArray *unknown, PangoLayoutLine *line)
{
    for (GSList *run = line->runs; run != NULL; run = run->next) {
        const PangoGlyphString *glyphs = ((const PangoLayoutRun *)run->data)->glyphs;
        for (int i = 0; i < glyphs->num_glyphs; i++) {
            PangoGlyph glyph = glyphs->glyphs[i].glyph;
            if (glyph != PANGO_GLYPH_EMPTY && (glyph & PANGO_GLYPH_UNKNOWN_FLAG) != 0)
                note_unknown(unknown, glyph & ~(PangoGlyph)PANGO_GLYPH_UNKNOWN_FLAG);
        }
    }
}

/* `text` as a line. Borrowed until the next one. */
static PangoLayoutLine *lay_out(struct canvas *canvas, enum canvas_style style, const char *text, int room)
{
    g_autofree char *safe = view_line(text);

    if (g_utf8_strlen(safe, -1) > MOST_CHARACTERS) {
        g_autofree char *whole = g_steal_pointer(&safe);
        g_autofree char *begin = g_utf8_substring(whole, 0, MOST_CHARACTERS);
        safe = g_strconcat(begin, "…", NULL);
    }
    pango_layout_set_font_description(canvas->layout, canvas->fonts[style]);
    pango_layout_set_ellipsize(canvas->layout, styles[style].ellipsis);
    pango_layout_set_width(canvas->layout, MAX(room, 0) * PANGO_SCALE);
    pango_layout_set_text(canvas->layout, safe, -1);
    return pango_layout_get_line_readonly(canvas->layout, 0);
}

static int width_of(PangoLayoutLine *line)
{
    PangoRectangle logical;

    pango_layout_line_get_extents(line, NULL, &logical);
    return (logical.width + PANGO_SCALE - 1) / PANGO_SCALE;
}

int canvas_text_width(struct canvas *canvas, enum canvas_style style, const char *text, int room)
{
    return width_of(lay_out(canvas, style, text, room));
}

/* Brings the line's coverage to the picture, its column LINE_PAD to `x`. */
static void copy_line(struct canvas *canvas, int x, int baseline, int width, unsigned most)
{
    int height = cairo_image_surface_get_height(canvas->surface);
    size_t line_stride = (size_t)cairo_image_surface_get_stride(canvas->line);
    int from = MAX(0, x - LINE_PAD), to = MIN(WIDTH, x + width + LINE_PAD), top = baseline - LINE_BASELINE;
    guint32 greys[GREYS + 1];

    for (unsigned step = 0; step <= GREYS; step++)
        greys[step] = grey_of(step);
    cairo_surface_flush(canvas->line);
    cairo_surface_flush(canvas->surface);
    for (int y = MAX(0, top); y < MIN(height, top + LINE_HEIGHT); y++) {
        guint32 *row = row_of(canvas->surface, y);
        const guint8 *line = cairo_image_surface_get_data(canvas->line) + (size_t)(y - top) * line_stride;
        for (int at = from; at < to; at++) {
            unsigned step = (line[at - x + LINE_PAD] * most + 127) / 255;
            if (step > 0)
                row[at] = greys[step];
        }
    }
    cairo_surface_mark_dirty(canvas->surface);
}

int canvas_text(struct canvas *canvas, enum canvas_style style, enum canvas_align align, const char *text, int x,
                int baseline, int room)
{
    PangoLayoutLine *line = lay_out(canvas, style, text, room);
    int width = MIN(width_of(line), WIDTH - 2 * LINE_PAD);

    if (pango_layout_get_unknown_glyphs_count(canvas->layout) > 0)
        note_unknown_glyphs(canvas->unknown, line);
    cairo_set_operator(canvas->line_cairo, CAIRO_OPERATOR_CLEAR);
    cairo_rectangle(canvas->line_cairo, 0, 0, width + 2 * LINE_PAD, LINE_HEIGHT);
    cairo_fill(canvas->line_cairo);
    cairo_set_operator(canvas->line_cairo, CAIRO_OPERATOR_ADD);
    cairo_move_to(canvas->line_cairo, LINE_PAD, LINE_BASELINE);
    pango_cairo_show_layout_line(canvas->line_cairo, line);
    x -= align == CANVAS_LEFT ? 0 : align == CANVAS_RIGHT ? width : width / 2;
    copy_line(canvas, x, baseline, width, styles[style].grey);
    return width;
}

/* --- characters without a glyph ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *family; /* one of its fonts */
} packages[] = {{"fonts-noto-core", "Noto Sans Symbols2"}, {"fonts-noto-cjk", "Noto Sans CJK SC"}};
enum { PACKAGE_CORE, PACKAGE_CJK, PACKAGE_NONE };

/* The package with a font for `c`, as far as its script tells. */
static int package_of(gunichar c)
{
    if (!g_unichar_isdefined(c) || g_unichar_type(c) == G_UNICODE_PRIVATE_USE)
        return PACKAGE_NONE;
    switch (g_unichar_get_script(c)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_HANGUL:
    case G_UNICODE_SCRIPT_BOPOMOFO:
        return PACKAGE_CJK;
    default:
        return PACKAGE_CORE;
    }
}

static bool is_installed(const struct canvas *canvas, int package)
{
    PangoFontMap *map = pango_context_get_font_map(canvas->context);

    return pango_font_map_get_family(map, packages[package].family) != NULL;
}

/* What to do about them: "install the Debian package fonts-noto-cjk". A package that is there does not help. */
static char *advice_new(const struct canvas *canvas)
{
    bool wanted[G_N_ELEMENTS(packages)] = {false};

    for (guint i = 0; i < canvas->unknown->len; i++) {
        int package = package_of(g_array_index(canvas->unknown, gunichar, i));
        if (package != PACKAGE_NONE)
            wanted[package] = true;
    }
    for (int package = 0; package < PACKAGE_NONE; package++)
        wanted[package] = wanted[package] && !is_installed(canvas, package);
    if (!wanted[PACKAGE_CORE] && !wanted[PACKAGE_CJK])
        return g_strdup("no font package that is known here would help; the text of the mail has the names in full");
    bool both = wanted[PACKAGE_CORE] && wanted[PACKAGE_CJK];
    return g_strdup_printf("install the Debian package%s %s%s%s", both ? "s" : "",
                           wanted[PACKAGE_CORE] ? packages[PACKAGE_CORE].name : "", both ? " and " : "",
                           wanted[PACKAGE_CJK] ? packages[PACKAGE_CJK].name : "");
}

char *canvas_warning(const struct canvas *canvas)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autofree char *advice = NULL;

    if (canvas->unknown->len == 0)
        return NULL;
    for (guint i = 0; i < MIN(canvas->unknown->len, MOST_TOLD); i++)
        g_string_append_printf(told, "%sU+%04X", i > 0 ? ", " : "", g_array_index(canvas->unknown, gunichar, i));
    if (canvas->unknown->len > MOST_TOLD)
        g_string_append(told, ", ...");
    advice = advice_new(canvas);
    return g_strdup_printf("%u character%s of the chart's names %s in none of the installed fonts and drawn as a box "
                           "(%s): %s",
                           canvas->unknown->len, canvas->unknown->len == 1 ? "" : "s",
                           canvas->unknown->len == 1 ? "is" : "are", told->str, advice);
}
