#include "config/dotenv.h"

#include <string.h>

#include "base/base.h"
#include "config/config.h"

enum { NESTING_MAX = 16 }; /* ${A:-${B:-...}}: deeper is a slip, and would only cost stack */

struct reader {
    const char *file;
    const char *at, *end;
    unsigned line;     /* of `at`, from 1 */
    unsigned key_line; /* of the key being read */
    const char *key;   /* borrowed; for messages */
    GHashTable *values;
};

static void value_free(gpointer data)
{
    struct dotenv_value *value = data;
    text_free_secret(value->text);
    g_free(value);
}

GHashTable *dotenv_table_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, value_free);
}

/* A GString that held a value, wiped. */
static void wipe_free(GString *string)
{
    explicit_bzero(string->str, string->len);
    g_string_free(string, TRUE);
}

static bool fail(const struct reader *reader, unsigned line, GError **error, const char *what)
{
    if (reader->key != NULL)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %u: %s: %s", reader->file, line, reader->key,
                    what);
    else
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %u: %s", reader->file, line, what);
    return false;
}

/* Blanks inside a line; a CR counts, so that CRLF needs no case of its own. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_name_start(char c)
{
    return g_ascii_isalpha(c) || c == '_';
}

static bool is_name(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at))
        reader->at++;
}

static void skip_line(struct reader *reader)
{
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));

    reader->at = newline != NULL ? newline + 1 : reader->end;
    reader->line++;
}

/* --- ${...} ------------------------------------------------------------------------------------------------------- */

static bool expand(struct reader *reader, const char *text, size_t length, int depth, GString *out, GError **error);

static const char *look_up(const struct reader *reader, const char *name)
{
    const char *real = g_getenv(name);
    if (real != NULL)
        return real;
    const struct dotenv_value *value = g_hash_table_lookup(reader->values, name);
    return value != NULL ? value->text : NULL;
}

static void warn_unset(const struct reader *reader)
{
    /* Neither the value nor the variable's name is printed: it may be the piece of a secret that follows a dollar sign.
     */
    g_autofree char *message =
        g_strdup_printf("%s, line %u: %s refers to a variable that is not set and gets nothing in its "
                        "place. A dollar sign of the value itself is written $$, or the value in "
                        "single quotes.",
                        reader->file, reader->key_line, reader->key);
    log_write(LOG_LEVEL_WARN, message, NULL);
}

/* The } that closes a ${ whose inside begins at text[0]; NULL when there is none. */
static const char *closing_brace(const char *text, const char *end)
{
    int open = 1;

    for (const char *p = text; p < end; p++) {
        if (p[0] == '$' && p + 1 < end && p[1] == '{') {
            open++;
            p++;
        } else if (*p == '}' && --open == 0) {
            return p;
        }
    }
    return NULL;
}

/* The inside of ${...}: a name, and perhaps an operator and a word. */
static bool expand_braced(struct reader *reader, const char *inside, const char *end, int depth, GString *out,
                          GError **error)
{
    const char *p = inside;
    while (p < end && (p == inside ? is_name_start(*p) : is_name(*p)))
        p++;
    if (p == inside)
        return fail(reader, reader->key_line, error,
                    "${...} needs the name of a variable; a dollar sign is written $$");
    g_autofree char *name = g_strndup(inside, (size_t)(p - inside));
    const char *value = look_up(reader, name);
    if (p == end) {
        if (value == NULL)
            warn_unset(reader);
        g_string_append(out, value != NULL ? value : "");
        return true;
    }

    bool empty_counts = *p == ':'; /* the colon treats an empty variable as one that is not set */
    bool set = value != NULL && !(empty_counts && *value == '\0');
    p += empty_counts;
    char op = p < end ? *p++ : '\0';
    size_t length = (size_t)(end - p);
    switch (op) {
    case '-':
        if (!set)
            return expand(reader, p, length, depth + 1, out, error);
        g_string_append(out, value);
        return true;
    case '+':
        return !set || expand(reader, p, length, depth + 1, out, error);
    case '?':
        if (!set) {
            g_autofree char *message = g_utf8_make_valid(p, (gssize)MIN(length, 200));
            g_autofree char *what = g_strdup_printf("%s is required, but not set: %s", name, message);
            return fail(reader, reader->key_line, error, what);
        }
        g_string_append(out, value);
        return true;
    default:
        return fail(reader, reader->key_line, error, "after the name in ${...} comes }, :-, -, :?, ?, :+ or +");
    }
}

/* Replaces the references in `text`. */
static bool expand(struct reader *reader, const char *text, size_t length, int depth, GString *out, GError **error)
{
    const char *end = text + length;

    if (depth > NESTING_MAX)
        return fail(reader, reader->key_line, error, "${...} is nested too deeply");
    for (const char *p = text; p < end;) {
        const char *dollar = memchr(p, '$', (size_t)(end - p));
        g_string_append_len(out, p, (dollar != NULL ? dollar : end) - p);
        if (dollar == NULL)
            break;
        p = dollar + 1;
        if (p < end && *p == '$') {
            g_string_append_c(out, '$');
            p++;
        } else if (p < end && *p == '{') {
            const char *close = closing_brace(p + 1, end);
            if (close == NULL)
                return fail(reader, reader->key_line, error, "${ has no closing }; a dollar sign is written $$");
            if (!expand_braced(reader, p + 1, close, depth, out, error))
                return false;
            p = close + 1;
        } else if (p < end && is_name_start(*p)) {
            const char *name = p;
            while (p < end && is_name(*p))
                p++;
            if (!expand_braced(reader, name, p, depth, out, error))
                return false;
        } else {
            return fail(reader, reader->key_line, error,
                        "a dollar sign stands alone: write it $$, or put the value in single quotes");
        }
        if (out->len > DOTENV_VALUE_MAX)
            return fail(reader, reader->key_line, error,
                        "the value is longer than 1 MiB once its references are replaced");
    }
    return true;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* One backslash escape of a double-quoted value; the character after the backslash is `c`. */
static void append_escape(GString *out, char c)
{
    static const char letters[] = "abfnrtv\\\"'", meanings[] = "\a\b\f\n\r\t\v\\\"'";
    const char *found = c != '\0' ? strchr(letters, c) : NULL;

    if (c == '$')
        g_string_append(out, "$$"); /* for expand, which follows */
    else if (found != NULL)
        g_string_append_c(out, meanings[found - letters]);
    else
        g_string_append_printf(out, "\\%c", c);
}

/* Reads on from after the opening quote to after the closing one. */
static bool read_quoted(struct reader *reader, char quote, GString *out, GError **error)
{
    while (reader->at < reader->end) {
        char c = *reader->at++;
        char next = reader->at < reader->end ? *reader->at : '\0';
        if (c == quote)
            return true;
        if (c == '\\' && quote == '\'' && (next == '\'' || next == '\\')) {
            g_string_append(out, next == '\'' ? "'" : "\\\\");
            reader->at++;
        } else if (c == '\\' && quote == '"' && reader->at < reader->end && next != '\n' && next != '\r') {
            append_escape(out, next);
            reader->at++;
        } else if (c != '\r' || next != '\n') {
            g_string_append_c(out, c);
        }
        reader->line += c == '\n';
    }
    return fail(reader, reader->key_line, error,
                quote == '"' ? "the value begins with a double quote that is never closed"
                             : "the value begins with a single quote that is never closed");
}

/* Nothing but a comment may follow a closing quote on its line. */
static bool read_rest_of_line(struct reader *reader, GError **error)
{
    skip_blanks(reader);
    if (reader->at < reader->end && *reader->at != '\n' && *reader->at != '#')
        return fail(reader, reader->line, error,
                    "there is text after the closing quote; a quote inside is written with a "
                    "backslash before it");
    skip_line(reader);
    return true;
}

static void read_unquoted(struct reader *reader, GString *out)
{
    const char *start = reader->at;
    const char *p = start;

    for (; p < reader->end && *p != '\n'; p++)
        if (*p == '#' && is_blank(p[-1])) /* p[-1] is there: a key and its = come before */
            break;
    while (p > start && is_blank(p[-1]))
        p--;
    g_string_append_len(out, start, p - start);
    skip_line(reader);
}

static bool read_value(struct reader *reader, GString *raw, GString *out, GError **error)
{
    char quote = reader->at < reader->end ? *reader->at : '\0';

    if (quote != '"' && quote != '\'') {
        read_unquoted(reader, raw);
        return expand(reader, raw->str, raw->len, 0, out, error);
    }
    reader->at++;
    if (!read_quoted(reader, quote, raw, error) || !read_rest_of_line(reader, error))
        return false;
    if (quote == '"')
        return expand(reader, raw->str, raw->len, 0, out, error);
    g_string_append_len(out, raw->str, (gssize)raw->len);
    return true;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* The key at the start of a line, `export` taken off; NULL with *error. */
static char *read_key(struct reader *reader, GError **error)
{
    const char *p = reader->at;
    size_t left = (size_t)(reader->end - p);

    if (left > 6 && memcmp(p, "export", 6) == 0 && is_blank(p[6])) {
        reader->at += 6;
        skip_blanks(reader);
    }
    p = reader->at;
    while (p < reader->end && (is_name(*p) || strchr(".-[]", *p) != NULL) && *p != '\0')
        p++;
    char *key = g_strndup(reader->at, (size_t)(p - reader->at));
    reader->at = p;
    skip_blanks(reader);
    char after = reader->at < reader->end ? *reader->at : '\n';
    if (*key != '\0' && (after == '=' || after == ':' || after == '\n' || (after == '#' && is_blank(reader->at[-1]))))
        return key;
    /* The line itself is not shown: it may be the second line of a secret. */
    fail(reader, reader->line, error,
         "expected KEY=value; a name has letters, digits and _ only, and a value of several lines "
         "needs quotes");
    g_free(key);
    return NULL;
}

static bool read_line(struct reader *reader, GError **error)
{
    g_autofree char *key = read_key(reader, error);
    if (key == NULL)
        return false;
    if (reader->at == reader->end || (*reader->at != '=' && *reader->at != ':')) {
        skip_line(reader); /* a name alone: the environment's value, which wins in any case */
        return true;
    }
    reader->at++;
    skip_blanks(reader);

    reader->key = key;
    reader->key_line = reader->line;
    GString *raw = g_string_new(NULL), *out = g_string_new(NULL);
    bool ok = read_value(reader, raw, out, error);
    if (ok) {
        struct dotenv_value *value = g_new0(struct dotenv_value, 1);
        value->text = g_strdup(out->str);
        value->line = reader->key_line;
        g_hash_table_replace(reader->values, g_steal_pointer(&key), value);
    }
    wipe_free(raw);
    wipe_free(out);
    reader->key = NULL;
    return ok;
}

bool dotenv_parse(const char *file, const char *text, size_t length, GHashTable *values, GError **error)
{
    struct reader reader = {.file = file, .at = text, .end = text + length, .line = 1, .values = values};
    const char *nul = memchr(text, '\0', length);

    if (nul != NULL) {
        for (const char *p = text; p < nul; p++)
            reader.line += *p == '\n';
        return fail(&reader, reader.line, error, "holds a NUL byte; save the file as UTF-8 text");
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.at += 3;
    while (reader.at < reader.end) {
        skip_blanks(&reader);
        if (reader.at == reader.end)
            break;
        if (*reader.at == '\n' || *reader.at == '#')
            skip_line(&reader);
        else if (!read_line(&reader, error))
            return false;
    }
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void dotenv_append(GString *out, const char *key, const char *value)
{
    /* Single quotes keep everything but themselves and a backslash before one; so those go in double quotes, where
     * what is special has a backslash. */
    bool plain = strpbrk(value, "'\\\r") == NULL;

    g_string_append_printf(out, "%s=%c", key, plain ? '\'' : '"');
    for (; *value != '\0'; value++) {
        if (!plain && *value == '\r')
            g_string_append(out, "\\r"); /* before a newline it would be taken for the line's end */
        else if (!plain && strchr("\\\"$", *value) != NULL)
            g_string_append_printf(out, "\\%c", *value);
        else
            g_string_append_c(out, *value);
    }
    g_string_append(out, plain ? "'\n" : "\"\n");
}
