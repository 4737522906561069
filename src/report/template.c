#include "report/template.h"

#include <stdbool.h>
#include <string.h>

#include "report/html.h"
#include "report/report.h"

enum part_kind { PART_TEXT, PART_ESCAPED, PART_RAW, PART_SECTION, PART_INVERTED };

/* A stretch of text, or a tag. */
struct part {
    enum part_kind kind;
    const char *text; /* of PART_TEXT, borrowed from the template */
    size_t length;
    char *name;   /* of a tag */
    char **names; /* the same at its dots; of {{.}} empty */
    guint line;
    guint end; /* of a section: the index behind its last part */
};

static void part_clear(gpointer data)
{
    struct part *part = data;

    g_free(part->name);
    g_strfreev(part->names);
}

/* --- reading --------------------------------------------------------------------------------------------------------
 */

struct reader {
    const char *name; /* of the template */
    const char *begin, *at;
    guint line;
    GArray *parts; /* struct part */
    GArray *open;  /* guint: indexes of the sections that are not closed yet */
    GError **error;
};

/* A tag as it stands: "{{#services}}" has the sigil '#' and the name "services". */
struct tag {
    const char *begin, *end; /* of all of it */
    char sigil;              /* 0: none; '{' of three braces */
    const char *name;
    size_t length;
    guint line;
};

G_GNUC_PRINTF(3, 4) static bool refuse(const struct reader *reader, guint line, const char *format, ...)
{
    va_list arguments;
    g_autofree char *what = NULL;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(reader->error, REPORT_ERROR, REPORT_ERROR_TEMPLATE, "The template %s, line %u: %s", reader->name, line,
                what);
    return false;
}

static guint count_lines(const char *from, const char *to)
{
    guint lines = 0;

    for (; from < to; from++)
        lines += *from == '\n';
    return lines;
}

/* How a tag is called in messages: its own text, the first of its lines and not more than a line of it. */
static char *tag_words(const char *begin, const char *end)
{
    size_t length = MIN(strcspn(begin, "\r\n"), MIN((size_t)(end - begin), 60));
    g_autofree char *words = g_strndup(begin, length);

    return g_utf8_make_valid(words, -1);
}

/* Reads the tag that begins at `reader->at`. */
static bool read_tag(struct reader *reader, struct tag *tag)
{
    const char *inside = reader->at + 2, *close;
    bool triple = *inside == '{', comment = *inside == '!';

    *tag = (struct tag){.begin = reader->at, .line = reader->line};
    close = strstr(inside, triple ? "}}}" : "}}");
    if (!close) {
        g_autofree char *words = tag_words(tag->begin, tag->begin + strlen(tag->begin));
        refuse(reader, tag->line, "the tag %s has no %s. Close it.", words, triple ? "}}}" : "}}");
        return false;
    }
    tag->end = close + (triple ? 3 : 2);
    if (*inside && strchr("{#^/&!>=<$*", *inside))
        tag->sigil = *inside++;
    if (!comment) {
        inside += strspn(inside, " \t");
        for (tag->length = (size_t)(close - inside); tag->length > 0 && strchr(" \t", inside[tag->length - 1]);)
            tag->length--;
    }
    tag->name = inside;
    return true;
}

/* "." or words of letters, digits, _ and - with single dots between. */
static bool is_name(const char *name, size_t length)
{
    if (length == 1 && *name == '.')
        return true;
    for (size_t i = 0; i < length; i++)
        if (name[i] == '.' ? i == 0 || i + 1 == length || name[i - 1] == '.'
                           : !g_ascii_isalnum(name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return length > 0;
}

static bool check_tag(const struct reader *reader, const struct tag *tag)
{
    g_autofree char *words = NULL;

    if (tag->sigil == '!')
        return true;
    words = tag_words(tag->begin, tag->end);
    if (tag->sigil == '>')
        return refuse(reader, tag->line, "%s is a partial, which these templates do not have. Put its text here.",
                      words);
    if (tag->sigil == '=')
        return refuse(reader, tag->line, "%s changes the delimiters, which are always {{ and }} here.", words);
    if (tag->sigil && strchr("<$*", tag->sigil))
        return refuse(reader, tag->line, "%s is a block or a lambda's name, which these templates do not have.", words);
    if (!is_name(tag->name, tag->length))
        return refuse(
            reader, tag->line,
            "%s is no tag. A name has letters, digits, _ and -, with dots between parts; or it is a dot alone.", words);
    return true;
}

/* The tag's line when there is nothing else in it (blanks aside): from the begin of the line to that of the next. */
static bool has_line_alone(const struct reader *reader, const struct tag *tag, const char **from, const char **to)
{
    const char *begin = tag->begin, *end = tag->end;

    if (!tag->sigil || strchr("{&", tag->sigil))
        return false;
    while (begin > reader->begin && strchr(" \t", begin[-1]))
        begin--;
    end += strspn(end, " \t");
    if ((begin > reader->begin && begin[-1] != '\n') || (*end && *end != '\n' && strncmp(end, "\r\n", 2) != 0))
        return false;
    *from = begin;
    end += strcspn(end, "\n");
    *to = *end ? end + 1 : end;
    return true;
}

static void add_text(struct reader *reader, const char *from, const char *to)
{
    const struct part part = {.kind = PART_TEXT, .text = from, .length = (size_t)(to - from), .line = reader->line};

    if (to > from)
        g_array_append_val(reader->parts, part);
}

static struct part *last_open(const struct reader *reader)
{
    if (reader->open->len == 0)
        return NULL;
    return &g_array_index(reader->parts, struct part, g_array_index(reader->open, guint, reader->open->len - 1));
}

static bool close_section(struct reader *reader, const struct tag *tag)
{
    struct part *part = last_open(reader);
    g_autofree char *name = g_strndup(tag->name, tag->length);

    if (!part)
        return refuse(reader, tag->line, "{{/%s}} closes a section that is not open.", name);
    if (!g_str_equal(name, part->name))
        return refuse(reader, tag->line,
                      "{{/%s}} comes where {{/%s}} is expected, of the section that begins in line %u.", name,
                      part->name, part->line);
    part->end = reader->parts->len;
    g_array_set_size(reader->open, reader->open->len - 1);
    return true;
}

static bool add_tag(struct reader *reader, const struct tag *tag)
{
    struct part part = {.kind = PART_ESCAPED, .line = tag->line};
    guint index = reader->parts->len;

    if (tag->sigil == '!')
        return true;
    if (tag->sigil == '/')
        return close_section(reader, tag);
    if (tag->sigil == '{' || tag->sigil == '&')
        part.kind = PART_RAW;
    else if (tag->sigil)
        part.kind = tag->sigil == '#' ? PART_SECTION : PART_INVERTED;
    part.name = g_strndup(tag->name, tag->length);
    part.names = g_strsplit(g_str_equal(part.name, ".") ? "" : part.name, ".", -1);
    g_array_append_val(reader->parts, part);
    if (part.kind != PART_SECTION && part.kind != PART_INVERTED)
        return true;
    if (reader->open->len == TEMPLATE_DEPTH_MAX)
        return refuse(reader, tag->line, "{{%c%s}} is nested in more than %d sections.", tag->sigil, part.name,
                      TEMPLATE_DEPTH_MAX);
    g_array_append_val(reader->open, index);
    return true;
}

/* Reads everything up to the end of the next tag, or of the template. */
static bool read_on(struct reader *reader)
{
    const char *begin = strstr(reader->at, "{{"), *text_end, *next;
    struct tag tag;

    if (!begin) {
        add_text(reader, reader->at, reader->at + strlen(reader->at));
        reader->at += strlen(reader->at);
        return true;
    }
    const char *text = reader->at;
    reader->line += count_lines(text, begin);
    reader->at = begin;
    if (!read_tag(reader, &tag) || !check_tag(reader, &tag))
        return false;
    if (!has_line_alone(reader, &tag, &text_end, &next)) {
        text_end = tag.begin;
        next = tag.end;
    }
    add_text(reader, text, text_end);
    reader->line += count_lines(tag.begin, next);
    reader->at = next;
    return add_tag(reader, &tag);
}

/* Returned: struct part, g_array_unref; NULL with *error. */
static GArray *read_parts(const char *name, const char *text, GError **error)
{
    struct reader reader = {.name = name, .begin = text, .at = text, .line = 1, .error = error};
    bool fine = true;

    reader.parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    g_array_set_clear_func(reader.parts, part_clear);
    reader.open = g_array_new(FALSE, FALSE, sizeof(guint));
    while (fine && *reader.at)
        fine = read_on(&reader);
    if (fine && reader.open->len > 0) {
        const struct part *part = last_open(&reader);
        fine = refuse(&reader, part->line, "the section {{%c%s}} is not closed. Write {{/%s}} where it ends.",
                      part->kind == PART_SECTION ? '#' : '^', part->name, part->name);
    }
    g_array_unref(reader.open);
    if (fine)
        return reader.parts;
    g_array_unref(reader.parts);
    return NULL;
}

/* --- filling in -----------------------------------------------------------------------------------------------------
 */

struct filling {
    const char *name;
    const GArray *parts;
    enum template_escape escape;
    GString *out;
    guint64 steps;
    GError **error;
};

/* What names are looked up in: the innermost value first. */
struct context {
    const struct json_node *value;
    const struct context *outer;
};

/* The first part of a dotted name is looked up outwards, the others in what was found only. NULL: there is none. */
static const struct json_node *find(const struct context *context, char *const *names)
{
    const struct json_node *value = NULL;

    if (!names[0])
        return context->value;
    for (; context && !value; context = context->outer)
        value = json_get(context->value, names[0]);
    for (size_t i = 1; value && names[i]; i++)
        value = json_get(value, names[i]);
    return value;
}

static bool is_empty(const struct json_node *value)
{
    if (!value || value->type == JSON_NULL || value->type == JSON_FALSE)
        return true;
    return value->type == JSON_STRING ? value->text_length == 0 : value->type == JSON_ARRAY && !value->child;
}

static bool fail(const struct filling *filling, const struct part *part, const char *what)
{
    g_set_error(filling->error, REPORT_ERROR, REPORT_ERROR_TEMPLATE, "The template %s, line %u: %s", filling->name,
                part->line, what);
    return false;
}

static bool fill_variable(struct filling *filling, const struct part *part, const struct json_node *value)
{
    if (!value || value->type == JSON_NULL)
        return true;
    if (value->type == JSON_OBJECT || value->type == JSON_ARRAY) {
        g_autofree char *what =
            g_strdup_printf("{{%s}} is %s, not a text. Write a section, {{#%s}}...{{/%s}}.", part->name,
                            value->type == JSON_ARRAY ? "a list" : "an object", part->name, part->name);
        return fail(filling, part, what);
    }
    const char *text = value->text ? value->text : value->type == JSON_TRUE ? "true" : "false";
    g_autofree char *escaped =
        part->kind == PART_ESCAPED && filling->escape == TEMPLATE_HTML ? html_escape(text) : NULL;
    g_string_append(filling->out, escaped ? escaped : text);
    return true;
}

static bool fill(struct filling *filling, guint from, guint to, const struct context *context);

static bool fill_section(struct filling *filling, guint index, const struct json_node *value,
                         const struct context *context)
{
    const struct part *part = &g_array_index(filling->parts, struct part, index);
    bool list = value && value->type == JSON_ARRAY;

    if (part->kind == PART_INVERTED)
        return !is_empty(value) || fill(filling, index + 1, part->end, context);
    if (is_empty(value))
        return true;
    for (const struct json_node *one = list ? value->child : value; one; one = list ? one->next : NULL) {
        const struct context inner = {.value = one, .outer = context};
        if (!fill(filling, index + 1, part->end, &inner))
            return false;
    }
    return true;
}

static bool fill_part(struct filling *filling, guint index, const struct context *context)
{
    const struct part *part = &g_array_index(filling->parts, struct part, index);

    if (++filling->steps > TEMPLATE_STEPS_MAX || filling->out->len > TEMPLATE_RESULT_MAX)
        return fail(filling, part, "what comes out is too large. Are lists nested in themselves?");
    if (part->kind == PART_TEXT) {
        g_string_append_len(filling->out, part->text, (gssize)part->length);
        return true;
    }
    const struct json_node *value = find(context, part->names);
    if (part->kind == PART_SECTION || part->kind == PART_INVERTED)
        return fill_section(filling, index, value, context);
    return fill_variable(filling, part, value);
}

/* Fills in the parts [from, to). */
static bool fill(struct filling *filling, guint from, guint to, const struct context *context)
{
    guint next;

    for (guint i = from; i < to; i = next) {
        const struct part *part = &g_array_index(filling->parts, struct part, i);
        next = part->kind == PART_SECTION || part->kind == PART_INVERTED ? part->end : i + 1;
        if (!fill_part(filling, i, context))
            return false;
    }
    return true;
}

char *template_fill(const char *name, const char *text, const struct json_node *view, enum template_escape escape,
                    GError **error)
{
    g_autoptr(GArray) parts = read_parts(name, text, error);
    const struct context context = {.value = view};

    if (!parts)
        return NULL;
    struct filling filling = {
        .name = name, .parts = parts, .escape = escape, .out = g_string_new(NULL), .error = error};
    bool fine = fill(&filling, 0, parts->len, &context);
    return g_string_free(filling.out, !fine);
}
