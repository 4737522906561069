#include "config/yaml_places.h"

#include <string.h>
#include <yaml.h>

#include "config/config.h"

struct walker {
    yaml_parser_t parser;
    const char *file;
    const char *text, *end;
    GHashTable *places;
    GString *path; /* of the node being read */
    unsigned depth;
};

static bool fail(const struct walker *walker, size_t line, GError **error, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* `line` counts from 0, as libyaml's marks do. */
static bool fail(const struct walker *walker, size_t line, GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %zu: %s%s%s", walker->file, line + 1,
                walker->path->str, walker->path->len > 0 ? ": " : "", what);
    return false;
}

/* --- what is no YAML ---------------------------------------------------------------------------------------------- */

/* The line's text, from its beginning to the end of the file; lines count from 0. */
static const char *find_line(const struct walker *walker, size_t line)
{
    const char *at = walker->text;

    for (const char *newline; line > 0 && (newline = memchr(at, '\n', (size_t)(walker->end - at))) != NULL; line--)
        at = newline + 1;
    return at;
}

static bool is_indented_by_tab(const struct walker *walker, size_t line)
{
    for (const char *at = find_line(walker, line); at < walker->end && (*at == ' ' || *at == '\t'); at++)
        if (*at == '\t')
            return true;
    return false;
}

static bool fail_syntax(const struct walker *walker, GError **error)
{
    const yaml_parser_t *parser = &walker->parser;
    size_t line = parser->problem_mark.line;
    const char *hint = "a value that holds : # or begins with one of @ ` % & * ! | > [ { ' \" goes in quotes";

    if (is_indented_by_tab(walker, line))
        hint = "the line is indented with a tab, where YAML takes blanks only";
    else if (parser->context != NULL && strstr(parser->context, "quoted scalar") != NULL)
        hint = "is a quote not closed?";
    return fail(walker, line, error, "this cannot be read as YAML: %s%s%s; %s",
                parser->problem != NULL ? parser->problem : "it is out of order", parser->context != NULL ? " " : "",
                parser->context != NULL ? parser->context : "", hint);
}

static bool next_event(struct walker *walker, yaml_event_t *event, GError **error)
{
    return yaml_parser_parse(&walker->parser, event) != 0 || fail_syntax(walker, error);
}

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static bool read_node(struct walker *walker, const yaml_event_t *event, size_t line, GError **error);

static bool is_null(const yaml_event_t *event)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};

    return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           g_strv_contains(nulls, (const char *)event->data.scalar.value);
}

static const yaml_char_t *tag_of(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag
           : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag
           : event->type == YAML_MAPPING_START_EVENT  ? event->data.mapping_start.tag
                                                      : NULL;
}

/* Only names are shown in messages: anything else may be a secret that was pasted into the wrong place. */
static bool is_key(const yaml_event_t *event)
{
    const yaml_char_t *key = event->data.scalar.value;
    size_t length = event->data.scalar.length;

    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(key[i]) && key[i] != '_' && key[i] != '-')
            return false;
    return length > 0 && length <= YAML_KEY_MAX;
}

static bool append_key(struct walker *walker, const yaml_event_t *event, GError **error)
{
    size_t line = event->start_mark.line;

    if (event->type == YAML_SCALAR_EVENT && strcmp((const char *)event->data.scalar.value, "<<") == 0)
        return fail(walker, line, error, "merge keys (<<) are not taken here: write the values out");
    if (event->type != YAML_SCALAR_EVENT || !is_key(event))
        return fail(walker, line, error,
                    "expected a key and its value, as in \"name: value\", but what stands for the key is no name "
                    "(letters, digits, _ and -)");
    g_string_append_printf(walker->path, "%s%s", walker->path->len > 0 ? "." : "",
                           (const char *)event->data.scalar.value);
    const struct yaml_place *before = g_hash_table_lookup(walker->places, walker->path->str);
    return before == NULL ||
           fail(walker, line, error, "is given twice; the first time in line %u. Keep one of them.", before->line);
}

/* A key and its value; `key` is the key's event. */
static bool read_pair(struct walker *walker, const yaml_event_t *key, GError **error)
{
    yaml_event_t value;

    if (!append_key(walker, key, error) || !next_event(walker, &value, error))
        return false;
    bool good = read_node(walker, &value, key->start_mark.line, error);
    yaml_event_delete(&value);
    return good;
}

static bool read_entry(struct walker *walker, const yaml_event_t *entry, size_t i, GError **error)
{
    g_string_append_printf(walker->path, "[%zu]", i);
    return read_node(walker, entry, entry->start_mark.line, error);
}

/* What is inside a mapping or a list, up to its end. */
static bool read_children(struct walker *walker, bool mapping, GError **error)
{
    size_t parent = walker->path->len;

    for (size_t i = 0;; i++) {
        yaml_event_t event;
        if (!next_event(walker, &event, error))
            return false;
        bool over = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
        bool good = over || (mapping ? read_pair(walker, &event, error) : read_entry(walker, &event, i, error));
        yaml_event_delete(&event);
        if (over || !good)
            return good;
        g_string_truncate(walker->path, parent);
    }
}

/* A value whose key stands in `line`; `event` is its first. */
static bool read_node(struct walker *walker, const yaml_event_t *event, size_t line, GError **error)
{
    if (event->type == YAML_ALIAS_EVENT)
        return fail(walker, event->start_mark.line, error,
                    "aliases (*name) are not taken here: write the value out, "
                    "or in quotes if the asterisk is meant");
    if (tag_of(event) != NULL)
        return fail(walker, event->start_mark.line, error,
                    "tags (!name) are not taken here: write the value alone, "
                    "or in quotes if the exclamation mark is meant");
    struct yaml_place *place = g_new0(struct yaml_place, 1);
    place->line = (unsigned)line + 1;
    place->null = is_null(event);
    g_hash_table_replace(walker->places, g_strdup(walker->path->str), place);
    if (event->type == YAML_SCALAR_EVENT)
        return memchr(event->data.scalar.value, '\0', event->data.scalar.length) == NULL ||
               fail(walker, line, error, "holds a NUL character");
    if (walker->depth == YAML_DEPTH_MAX)
        return fail(walker, event->start_mark.line, error, "blocks are nested too deeply");
    walker->depth++;
    bool good = read_children(walker, event->type == YAML_MAPPING_START_EVENT, error);
    walker->depth--;
    return good;
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static bool read_document(struct walker *walker, GError **error)
{
    yaml_event_t event;

    if (!next_event(walker, &event, error))
        return false;
    bool good = read_node(walker, &event, event.start_mark.line, error);
    yaml_event_delete(&event);
    g_string_truncate(walker->path, 0);
    return good;
}

static bool read_stream(struct walker *walker, GError **error)
{
    for (unsigned documents = 0;;) {
        yaml_event_t event;
        if (!next_event(walker, &event, error))
            return false;
        yaml_event_type_t type = event.type;
        size_t line = event.start_mark.line;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            return true;
        if (type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (documents++ > 0)
            return fail(walker, line, error, "a second document begins here (---), which nobody would read: keep one");
        if (!read_document(walker, error))
            return false;
    }
}

static bool check_text(const struct walker *walker, GError **error)
{
    const char *bad = NULL;
    size_t line = 0;

    if (g_utf8_validate(walker->text, walker->end - walker->text, &bad))
        return true;
    for (const char *p = walker->text; p < bad; p++)
        line += *p == '\n';
    return fail(walker, line, error, "%s; save the file as UTF-8 text",
                *bad == '\0' ? "holds a NUL byte" : "holds bytes that are no UTF-8");
}

GHashTable *yaml_places_new(const char *file, const char *text, size_t length, GError **error)
{
    struct walker walker = {.file = file, .text = text, .end = text + length, .path = g_string_new(NULL)};
    bool good = false;

    walker.places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (check_text(&walker, error)) {
        bool ready = yaml_parser_initialize(&walker.parser) == 1;
        g_assert(ready); /* fails only without memory */
        yaml_parser_set_input_string(&walker.parser, (const unsigned char *)text, length);
        good = read_stream(&walker, error);
        yaml_parser_delete(&walker.parser);
    }
    g_string_free(walker.path, TRUE);
    if (!good)
        g_clear_pointer(&walker.places, g_hash_table_unref);
    return walker.places;
}
