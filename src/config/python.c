#include "config/python.h"

#include <string.h>

#include "base/base.h"
#include "config/config.h"

/* --- tokens ------------------------------------------------------------------------------------------------------- */

enum token { TOKEN_END, TOKEN_NEWLINE, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_OPERATOR, TOKEN_BAD };

struct reader {
    const char *start, *at, *end;
    unsigned line;      /* of `at`, from 1 */
    unsigned depth;     /* of brackets: line breaks inside them mean nothing */
    unsigned open_line; /* of the outermost one */

    enum token token; /* the one that is looked at */
    unsigned token_line;
    bool margin;       /* it stands at the very beginning of its line */
    GString *text;     /* of a name, a number, or a string without quotes and escapes; wiped */
    char operator;     /* its first character */
    const char *fault; /* of TOKEN_BAD, after which nothing comes, and of a string that cannot be taken */
};

static bool is_name_start(const char *p)
{
    return g_ascii_isalpha(*p) || *p == '_' || (unsigned char)*p >= 0x80;
}

static bool is_name(const char *p)
{
    return is_name_start(p) || g_ascii_isdigit(*p);
}

static char peek(const struct reader *reader, size_t ahead)
{
    return (size_t)(reader->end - reader->at) > ahead ? reader->at[ahead] : '\0';
}

static void wipe(GString *text)
{
    explicit_bzero(text->str, text->len);
    g_string_truncate(text, 0);
}

static enum token bad(struct reader *reader, const char *fault)
{
    reader->fault = fault;
    reader->at = reader->end;
    return TOKEN_BAD;
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

static void append_character(struct reader *reader, gunichar c)
{
    if (c == 0)
        reader->fault = "the string holds a NUL character";
    else if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        reader->fault = "the string holds half of a character (a surrogate)";
    else
        g_string_append_unichar(reader->text, c);
}

/* `digits` hexadecimal digits after the letter of an escape. */
static void read_hex(struct reader *reader, size_t digits)
{
    gunichar c = 0;

    for (size_t i = 0; i < digits; i++) {
        int value = g_ascii_xdigit_value(peek(reader, 0));
        if (value < 0) {
            reader->fault = "the string has an escape with too few digits";
            return;
        }
        c = c << 4 | (gunichar)value; /* at most eight digits: 32 bits */
        reader->at++;
    }
    append_character(reader, c);
}

static void read_octal(struct reader *reader)
{
    gunichar c = 0;

    for (size_t i = 0; i < 3 && peek(reader, 0) >= '0' && peek(reader, 0) <= '7'; i++)
        c = c << 3 | (gunichar)(*reader->at++ - '0');
    append_character(reader, c);
}

/* A line break, "\r\n" and "\r" being "\n". */
static void skip_break(struct reader *reader)
{
    reader->at += peek(reader, 0) == '\r' && peek(reader, 1) == '\n' ? 2 : 1;
    reader->line++;
}

/* What follows a backslash. Bytes (b'') know no \u, \U and \N. */
static void read_escape(struct reader *reader, bool bytes)
{
    static const char letters[] = "abfnrtv\\'\"", meanings[] = "\a\b\f\n\r\t\v\\'\"";
    char c = peek(reader, 0);
    const char *found = c != '\0' ? strchr(letters, c) : NULL;

    if (c == '\n' || c == '\r') {
        skip_break(reader);
    } else if (c >= '0' && c <= '7') {
        read_octal(reader);
    } else if (found != NULL) {
        g_string_append_c(reader->text, meanings[found - letters]);
        reader->at++;
    } else if (c == 'x' || (!bytes && (c == 'u' || c == 'U'))) {
        reader->at++;
        read_hex(reader, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    } else if (!bytes && c == 'N') {
        reader->fault = "the string names a character (\\N{...}): write the character itself";
    } else {
        g_string_append_c(reader->text, '\\'); /* what is no escape stays as it is */
    }
}

/* From after the opening quotes to after the closing ones. */
static enum token read_string_rest(struct reader *reader, char quote, bool triple, bool raw, bool bytes)
{
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (c == quote && (!triple || (peek(reader, 1) == quote && peek(reader, 2) == quote))) {
            reader->at += triple ? 3 : 1;
            return TOKEN_STRING;
        }
        if (c == '\\') {
            reader->at++;
            if (!raw) {
                read_escape(reader, bytes);
                continue;
            }
            g_string_append_c(reader->text, c); /* and the character after it, which ends nothing */
            c = peek(reader, 0);
            if (reader->at == reader->end)
                break;
        }
        if ((c == '\n' || c == '\r') && !triple)
            break;
        if (c == '\n' || c == '\r') {
            g_string_append_c(reader->text, '\n');
            skip_break(reader);
            continue;
        }
        g_string_append_c(reader->text, c);
        reader->at++;
    }
    return bad(reader, "a string begins here that is never closed");
}

/* The letters before a quote; the quote's place, or NULL when this is a name. */
static const char *string_prefix(const struct reader *reader, bool *raw, bool *bytes, bool *formatted)
{
    const char *p = reader->at;

    *raw = *bytes = *formatted = false;
    for (; p < reader->end && p - reader->at <= 2 && strchr("rRbBuUfF", *p) != NULL && *p != '\0'; p++) {
        *raw |= *p == 'r' || *p == 'R';
        *bytes |= *p == 'b' || *p == 'B';
        *formatted |= *p == 'f' || *p == 'F';
    }
    return p < reader->end && p - reader->at <= 2 && (*p == '\'' || *p == '"') ? p : NULL;
}

static enum token read_string(struct reader *reader, const char *quote, bool raw, bool bytes, bool formatted)
{
    reader->at = quote;
    bool triple = peek(reader, 1) == *quote && peek(reader, 2) == *quote;
    reader->at += triple ? 3 : 1;
    enum token token = read_string_rest(reader, *quote, triple, raw, bytes);
    if (token == TOKEN_STRING && formatted)
        reader->fault = "an f-string is computed, and nothing is computed here: write the text itself";
    return token;
}

/* --- the other tokens --------------------------------------------------------------------------------------------- */

/* Blanks, comments, joined lines and, inside brackets, line breaks. */
static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end) {
        char c = *reader->at, next = peek(reader, 1);
        if (c == ' ' || c == '\t' || c == '\f') {
            reader->at++;
        } else if (c == '#') {
            while (reader->at < reader->end && *reader->at != '\n' && *reader->at != '\r')
                reader->at++;
        } else if (c == '\\' && (next == '\n' || next == '\r')) {
            reader->at++;
            skip_break(reader);
        } else if ((c == '\n' || c == '\r') && reader->depth > 0) {
            skip_break(reader);
        } else {
            return;
        }
    }
}

static enum token read_name(struct reader *reader)
{
    const char *from = reader->at;

    while (reader->at < reader->end && is_name(reader->at))
        reader->at++;
    g_string_append_len(reader->text, from, reader->at - from);
    return TOKEN_NAME;
}

/* 1_000, 0x1f, 1.5e-3; the underscores are left out. What it means is its user's business. */
static enum token read_number(struct reader *reader)
{
    const char *from = reader->at;
    bool hexadecimal = *from == '0' && (peek(reader, 1) == 'x' || peek(reader, 1) == 'X');

    for (char last = '\0'; reader->at < reader->end; last = *reader->at++) {
        bool sign = (*reader->at == '+' || *reader->at == '-') && (last == 'e' || last == 'E') && !hexadecimal;
        if (!is_name(reader->at) && *reader->at != '.' && !sign)
            break;
        if (*reader->at != '_')
            g_string_append_c(reader->text, *reader->at);
    }
    return TOKEN_NUMBER;
}

static enum token read_operator(struct reader *reader)
{
    char c = *reader->at++;

    reader->operator= c;
    if (c == '(' || c == '[' || c == '{')
        reader->open_line = reader->depth++ == 0 ? reader->line : reader->open_line;
    else if ((c == ')' || c == ']' || c == '}') && reader->depth > 0)
        reader->depth--;
    return TOKEN_OPERATOR;
}

static enum token read_token(struct reader *reader)
{
    bool raw, bytes, formatted;

    if (reader->at == reader->end && reader->depth > 0) {
        reader->token_line = reader->open_line;
        return bad(reader, "a bracket opens here that is never closed");
    }
    if (reader->at == reader->end)
        return TOKEN_END;
    char c = *reader->at;
    if (c == '\n' || c == '\r') {
        skip_break(reader);
        return TOKEN_NEWLINE;
    }
    const char *quote = string_prefix(reader, &raw, &bytes, &formatted);
    if (quote != NULL)
        return read_string(reader, quote, raw, bytes, formatted);
    if (g_ascii_isdigit(c) || (c == '.' && g_ascii_isdigit(peek(reader, 1))))
        return read_number(reader);
    if (is_name_start(reader->at))
        return read_name(reader);
    return read_operator(reader);
}

static void advance(struct reader *reader)
{
    if (reader->token == TOKEN_BAD)
        return;
    wipe(reader->text);
    reader->fault = NULL;
    reader->operator= '\0';
    skip_blanks(reader);
    reader->token_line = reader->line;
    reader->margin = reader->at == reader->start || reader->at[-1] == '\n' || reader->at[-1] == '\r';
    reader->token = read_token(reader);
}

static bool at_operator(const struct reader *reader, char c)
{
    return reader->token == TOKEN_OPERATOR && reader->operator== c;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void value_free(gpointer data)
{
    struct python_value *value = data;

    if (value == NULL)
        return;
    text_free_secret(value->text);
    g_clear_pointer(&value->items, g_ptr_array_unref);
    g_free(value);
}

static struct python_value *value_new(const struct reader *reader, enum python_type type)
{
    struct python_value *value = g_new0(struct python_value, 1);

    value->type = type;
    value->line = reader->token_line;
    return value;
}

/* Why there is no value at the token: kept with its line. NULL, for the callers. */
static struct python_value *no_value(const struct reader *reader, char **fault, const char *what)
{
    if (*fault == NULL)
        *fault = g_strdup_printf("line %u: %s", reader->token_line, reader->fault != NULL ? reader->fault : what);
    return NULL;
}

static struct python_value *read_value(struct reader *reader, unsigned depth, char **fault);

/* Strings side by side are one. */
static struct python_value *read_strings(struct reader *reader, char **fault)
{
    struct python_value *value = value_new(reader, PYTHON_STRING);
    GString *joined = g_string_new(NULL);

    while (reader->token == TOKEN_STRING && reader->fault == NULL) {
        g_string_append_len(joined, reader->text->str, (gssize)reader->text->len);
        advance(reader);
    }
    value->text = g_strndup(joined->str, joined->len);
    wipe(joined);
    g_string_free(joined, TRUE);
    if (reader->token != TOKEN_STRING)
        return value;
    value_free(value);
    return no_value(reader, fault, "");
}

static struct python_value *take_number(struct reader *reader, bool negative)
{
    struct python_value *value = value_new(reader, PYTHON_NUMBER);

    value->text = g_strconcat(negative ? "-" : "", reader->text->str, NULL);
    advance(reader);
    return value;
}

static struct python_value *read_word(struct reader *reader, char **fault)
{
    static const char *const words[] = {"None", "False", "True"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(reader->text->str, words[i]) != 0)
            continue;
        struct python_value *value = value_new(reader, i == 0 ? PYTHON_NONE : PYTHON_BOOL);
        value->truth = i == 2;
        advance(reader);
        return value;
    }
    return no_value(reader, fault, "a name stands where a plain value is expected, and names are not looked up");
}

/* Inside brackets: values with commas between, up to `close`; with `pairs`, a colon and a value after each. True after
 * the closing bracket. *commas: how many there were. */
static bool read_items(struct reader *reader, char close, bool pairs, unsigned depth, GPtrArray *items,
                       unsigned *commas, char **fault)
{
    while (!at_operator(reader, close)) {
        for (int i = 0; i <= pairs; i++) {
            struct python_value *value = read_value(reader, depth, fault);
            if (value == NULL)
                return false;
            g_ptr_array_add(items, value);
            if (pairs && i == 0 && !at_operator(reader, ':')) {
                no_value(reader, fault,
                         "expected a colon after a dictionary's key (sets and comprehensions are no "
                         "plain values)");
                return false;
            }
            if (pairs && i == 0)
                advance(reader);
        }
        if (at_operator(reader, ',')) {
            advance(reader);
            ++*commas;
        } else if (!at_operator(reader, close)) {
            no_value(reader, fault,
                     "expected a comma or the closing bracket after a plain value: nothing is computed "
                     "here");
            return false;
        }
    }
    advance(reader);
    return true;
}

static struct python_value *read_brackets(struct reader *reader, unsigned depth, char **fault)
{
    char open = reader->operator, close = open == '(' ? ')' : open == '[' ? ']' : '}';
    struct python_value *value = value_new(reader, open == '{' ? PYTHON_DICT : PYTHON_LIST);
    unsigned commas = 0;

    value->items = g_ptr_array_new_with_free_func(value_free);
    if (depth == PYTHON_DEPTH_MAX) {
        value_free(value);
        return no_value(reader, fault, "brackets are nested too deeply");
    }
    advance(reader);
    if (!read_items(reader, close, open == '{', depth + 1, value->items, &commas, fault)) {
        value_free(value);
        return NULL;
    }
    if (open != '(' || commas > 0 || value->items->len != 1)
        return value;
    struct python_value *inner = g_ptr_array_steal_index(value->items, 0); /* brackets around one value are nothing */
    value_free(value);
    return inner;
}

static struct python_value *read_operand(struct reader *reader, unsigned depth, char **fault)
{
    if (reader->token == TOKEN_STRING)
        return read_strings(reader, fault);
    if (reader->token == TOKEN_NUMBER)
        return take_number(reader, false);
    if (reader->token == TOKEN_NAME)
        return read_word(reader, fault);
    if (at_operator(reader, '(') || at_operator(reader, '[') || at_operator(reader, '{'))
        return read_brackets(reader, depth, fault);
    if (at_operator(reader, '-') || at_operator(reader, '+')) {
        bool negative = at_operator(reader, '-');
        advance(reader);
        if (reader->token == TOKEN_NUMBER)
            return take_number(reader, negative);
    }
    return no_value(reader, fault,
                    "expected a plain value: a string, a number, True, False, None, a list, a tuple or a "
                    "dictionary");
}

/* A value; strings may be joined by +. NULL with *fault. */
static struct python_value *read_value(struct reader *reader, unsigned depth, char **fault)
{
    struct python_value *value = read_operand(reader, depth, fault);

    while (value != NULL && value->type == PYTHON_STRING && at_operator(reader, '+')) {
        advance(reader);
        struct python_value *more = read_operand(reader, depth, fault);
        if (more != NULL && more->type == PYTHON_STRING) {
            char *joined = g_strconcat(value->text, more->text, NULL);
            text_free_secret(value->text);
            value->text = joined;
        } else {
            if (more != NULL)
                no_value(reader, fault, "only strings can be joined by + here");
            g_clear_pointer(&value, value_free);
        }
        value_free(more);
    }
    return value;
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static void assignment_clear(struct python_assignment *assignment)
{
    g_free(assignment->name);
    value_free(assignment->value);
    g_free(assignment->fault);
    *assignment = (struct python_assignment){0};
}

static void assignment_free(gpointer data)
{
    assignment_clear(data);
    g_free(data);
}

static bool at_statement_end(const struct reader *reader)
{
    return reader->token == TOKEN_NEWLINE || reader->token == TOKEN_END || reader->token == TOKEN_BAD ||
           (reader->depth == 0 && at_operator(reader, ';'));
}

static void skip_statement(struct reader *reader)
{
    while (!at_statement_end(reader))
        advance(reader);
}

/* What stands after the equals sign: a value, or several with commas between, which are a tuple. */
static struct python_value *read_right_side(struct reader *reader, char **fault)
{
    struct python_value *value = read_value(reader, 0, fault);

    if (value != NULL && at_operator(reader, ',')) {
        struct python_value *tuple = value_new(reader, PYTHON_LIST);
        tuple->items = g_ptr_array_new_with_free_func(value_free);
        tuple->line = value->line;
        g_ptr_array_add(tuple->items, value);
        while (value != NULL && at_operator(reader, ',')) {
            advance(reader);
            if (at_statement_end(reader))
                break;
            value = read_value(reader, 0, fault);
            if (value != NULL)
                g_ptr_array_add(tuple->items, value);
        }
        if (value == NULL)
            value_free(tuple);
        else
            value = tuple;
    }
    if (value == NULL || at_statement_end(reader))
        return value;
    value_free(value);
    return no_value(reader, fault, "something follows the plain value: nothing is computed here");
}

static struct python_assignment *assignment_new(struct python_module *module, const char *name, unsigned line)
{
    struct python_assignment *assignment = python_find(module, name);

    if (assignment == NULL) {
        assignment = g_new0(struct python_assignment, 1);
        g_ptr_array_add(module->assignments, assignment);
    } else { /* the last one counts */
        g_hash_table_remove(module->by_name, name);
        assignment_clear(assignment);
    }
    assignment->name = g_strdup(name);
    assignment->line = line;
    g_hash_table_insert(module->by_name, assignment->name, assignment);
    return assignment;
}

/* After the name: up to the value, over an annotation. False when this is no assignment; *changes: it may change what
 * the name stands for all the same. */
static bool read_left_side(struct reader *reader, bool *changes)
{
    if (at_operator(reader, ':')) {
        while (!at_statement_end(reader) && !(reader->depth == 0 && at_operator(reader, '=')))
            advance(reader);
    }
    *changes = reader->token == TOKEN_OPERATOR && strchr(".[+|", reader->operator) != NULL;
    if (!at_operator(reader, '='))
        return false;
    advance(reader);
    return !at_operator(reader, '='); /* == compares */
}

/* A statement that begins with a name, at the margin. */
static void read_named(struct reader *reader, struct python_module *module)
{
    g_autofree char *name = g_strndup(reader->text->str, reader->text->len);
    unsigned line = reader->token_line;
    bool changes;

    advance(reader);
    if (read_left_side(reader, &changes)) {
        struct python_assignment *assignment = assignment_new(module, name, line);
        assignment->value = read_right_side(reader, &assignment->fault);
        skip_statement(reader);
        return;
    }
    struct python_assignment *assignment = changes ? python_find(module, name) : NULL;
    if (assignment != NULL && assignment->changed_line == 0)
        assignment->changed_line = line;
    else if (strcmp(name, "import") != 0 && strcmp(name, "from") != 0)
        g_array_append_val(module->skipped, line);
    skip_statement(reader);
}

static void read_statements(struct reader *reader, struct python_module *module)
{
    bool top = false, first = true; /* in the module itself, not in a block; the first of its line */

    for (advance(reader); reader->token != TOKEN_END && reader->token != TOKEN_BAD;) {
        unsigned line = reader->token_line;
        top = first ? reader->margin : top;
        if (reader->token == TOKEN_NAME && top) {
            read_named(reader, module);
        } else {
            /* The lines of a block belong to the statement that begins it; a string alone is a comment. */
            if (top && reader->token != TOKEN_STRING && !at_statement_end(reader))
                g_array_append_val(module->skipped, line);
            skip_statement(reader);
        }
        first = reader->token == TOKEN_NEWLINE;
        if (first || at_operator(reader, ';'))
            advance(reader);
    }
}

struct python_assignment *python_find(const struct python_module *module, const char *name)
{
    return g_hash_table_lookup(module->by_name, name);
}

static struct python_module *module_new(void)
{
    struct python_module *module = g_new0(struct python_module, 1);

    module->assignments = g_ptr_array_new_with_free_func(assignment_free);
    module->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    module->skipped = g_array_new(FALSE, FALSE, sizeof(unsigned));
    return module;
}

/* Makes a text that is no UTF-8 end in TOKEN_BAD. */
static bool check_text(struct reader *reader)
{
    const char *bad_byte = NULL;

    if (g_utf8_validate(reader->start, reader->end - reader->start, &bad_byte))
        return true;
    for (const char *p = reader->start; p < bad_byte; p++)
        reader->line += *p == '\n';
    reader->token_line = reader->line;
    reader->token = bad(reader, "holds bytes that are no UTF-8; save the file as UTF-8 text");
    return false;
}

struct python_module *python_read(const char *file, const char *text, size_t length, GError **error)
{
    struct reader reader = {.start = text, .end = text + length, .line = 1, .text = g_string_new(NULL)};
    struct python_module *module = module_new();

    reader.token = TOKEN_NEWLINE;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.start += 3;
    reader.at = reader.start;
    if (check_text(&reader))
        read_statements(&reader, module);
    wipe(reader.text);
    g_string_free(reader.text, TRUE);
    if (reader.token != TOKEN_BAD)
        return module;
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %u: %s", file, reader.token_line, reader.fault);
    python_module_free(module);
    return NULL;
}

void python_module_free(struct python_module *module)
{
    if (module == NULL)
        return;
    g_hash_table_unref(module->by_name);
    g_ptr_array_unref(module->assignments);
    g_array_unref(module->skipped);
    g_free(module);
}
