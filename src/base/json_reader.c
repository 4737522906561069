#include "json_private.h"

#include <string.h>

#include "utf8.h"

G_DEFINE_QUARK(m365keep_json_error, json_error)

/* What may come next. */
enum state {
    STATE_START, /* perhaps a byte order mark */
    STATE_VALUE,
    STATE_VALUE_OR_END, /* just after [ */
    STATE_KEY,
    STATE_KEY_OR_END, /* just after { */
    STATE_COLON,
    STATE_COMMA_OR_END,
    STATE_DONE, /* only white space */
    STATE_FAILED,
};

static const char *const wanted[] = {
    [STATE_START] = "a value",
    [STATE_VALUE] = "a value",
    [STATE_VALUE_OR_END] = "a value or ]",
    [STATE_KEY] = "a name in quotes",
    [STATE_KEY_OR_END] = "a name in quotes or }",
    [STATE_COLON] = "a colon",
    [STATE_COMMA_OR_END] = "a comma or the closing bracket",
    [STATE_DONE] = "the end of the text",
};

/* --- errors ------------------------------------------------------------------------------------------------------- */

static enum json_token fail(struct json_reader *reader, size_t offset, const char *expected)
{
    unsigned char c = (unsigned char)reader->bytes[offset];
    char shown[8];

    if (c > ' ' && c < 0x7f)
        g_snprintf(shown, sizeof shown, "'%c'", c);
    else
        g_snprintf(shown, sizeof shown, "0x%02x", c);
    reader->error = g_error_new(JSON_ERROR, JSON_ERROR_SYNTAX,
                                "The text is not JSON: byte %zu is %s, where %s was expected", offset, shown, expected);
    reader->state = STATE_FAILED;
    return JSON_TOKEN_ERROR;
}

/* All bytes are used up. */
static enum json_token starve(struct json_reader *reader)
{
    if (!reader->finished)
        return JSON_TOKEN_MORE;
    if (reader->state == STATE_DONE)
        return JSON_TOKEN_END;
    if (reader->length == 0)
        reader->error =
            g_error_new_literal(JSON_ERROR, JSON_ERROR_TRUNCATED, "The text is empty, where JSON was expected");
    else
        reader->error =
            g_error_new(JSON_ERROR, JSON_ERROR_TRUNCATED, "The JSON text breaks off after %zu bytes", reader->length);
    reader->state = STATE_FAILED;
    return JSON_TOKEN_ERROR;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void json_reader_init(struct json_reader *reader)
{
    *reader = (struct json_reader){.state = STATE_START, .stack = g_byte_array_new()};
}

void json_reader_clear(struct json_reader *reader)
{
    g_clear_pointer(&reader->stack, g_byte_array_unref);
    g_clear_error(&reader->error);
    reader->state = STATE_FAILED;
}

void json_reader_restart(struct json_reader *reader)
{
    g_clear_error(&reader->error);
    *reader = (struct json_reader){.state = STATE_START, .stack = reader->stack, .lenient_text = reader->lenient_text};
}

void json_reader_input(struct json_reader *reader, const char *bytes, size_t length, bool finished)
{
    g_assert(length >= reader->length);
    reader->bytes = bytes;
    reader->length = length;
    reader->finished = finished;
}

/* --- containers --------------------------------------------------------------------------------------------------- */

/* The stack holds one bit a level: 1 for an object. `object` repeats the innermost one. */
static enum json_token open_container(struct json_reader *reader, bool object)
{
    size_t byte = reader->depth / 8;
    guint8 bit = (guint8)(1u << reader->depth % 8);

    if (byte == reader->stack->len)
        g_byte_array_append(reader->stack, (const guint8 *)"", 1);
    if (object)
        reader->stack->data[byte] |= bit;
    else
        reader->stack->data[byte] &= (guint8)~bit;
    reader->depth++;
    reader->object = object;
    reader->start = reader->at++;
    reader->end = reader->at;
    reader->state = object ? STATE_KEY_OR_END : STATE_VALUE_OR_END;
    return object ? JSON_TOKEN_OBJECT_BEGIN : JSON_TOKEN_ARRAY_BEGIN;
}

static enum json_token close_container(struct json_reader *reader)
{
    enum json_token token = reader->object ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END;

    reader->depth--;
    if (reader->depth > 0) {
        size_t top = reader->depth - 1;
        reader->object = reader->stack->data[top / 8] >> top % 8 & 1;
    }
    reader->start = reader->at++;
    reader->end = reader->at;
    reader->state = reader->depth > 0 ? STATE_COMMA_OR_END : STATE_DONE;
    return token;
}

/* --- scalars ------------------------------------------------------------------------------------------------------ */

static enum json_token scalar(struct json_reader *reader, enum json_token token, size_t start, size_t end, size_t next)
{
    reader->start = start;
    reader->end = end;
    reader->at = next;
    if (token == JSON_TOKEN_KEY)
        reader->state = STATE_COLON;
    else
        reader->state = reader->depth > 0 ? STATE_COMMA_OR_END : STATE_DONE;
    return token;
}

/* Where the run of plain bytes from `i` on ends: those a string may hold as they are and that are not above ASCII.
 *
 * Eight bytes at a time: a byte's high bit is set in `stop` when the byte itself has it, lies below 0x20, or equals the
 * quote or the backslash. A borrow can set bits of later bytes wrongly, never of earlier ones, and only the first
 * counts. */
static inline size_t plain_run(const char *bytes, size_t i, size_t length)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101);

    for (; length - i >= 8; i += 8) {
        guint64 word, stop;
        memcpy(&word, bytes + i, 8);
        word = GUINT64_FROM_LE(word);
        stop =
            (word | (word - ones * 0x20) | ((word ^ ones * '"') - ones) | ((word ^ ones * '\\') - ones)) & ones * 0x80;
        if (stop != 0)
            return i + (size_t)__builtin_ctzll(stop) / 8;
    }
    for (; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return i;
}

/* The length of the escape at `i`, a backslash; 0 when the input ends inside it; negative: minus the offset in it of
 * the first byte that cannot be. */
static int escape_length(const char *bytes, size_t i, size_t length)
{
    if (length - i < 2)
        return 0;
    if (bytes[i + 1] != 'u')
        return bytes[i + 1] != '\0' && strchr("\"\\/bfnrt", bytes[i + 1]) != NULL ? 2 : -1;
    for (int n = 2; n < 6; n++) {
        if (i + (size_t)n == length)
            return 0;
        if (!g_ascii_isxdigit(bytes[i + (size_t)n]))
            return -n;
    }
    return 6;
}

/* Bytes above ASCII from *i on, as far as they are right. False when the reader must stop: for more bytes, or failed.
 */
static bool read_beyond_ascii(struct json_reader *reader, size_t *i, enum json_token *stopped)
{
    while (*i < reader->length && (unsigned char)reader->bytes[*i] >= 0x80) {
        int n = utf8_step(reader->bytes + *i, reader->length - *i);
        if (n == 0) {
            reader->scan = *i;
            *stopped = starve(reader);
            return false;
        }
        if (n < 0) {
            if (!reader->lenient_text) {
                *stopped = fail(reader, *i, "valid UTF-8");
                return false;
            }
            reader->bad_text = true;
            n = -n;
        }
        *i += (size_t)n;
    }
    return true;
}

/* A key or string whose opening quote is at reader->at. When the input ends inside it, reader->scan says how far it has
 * been looked at. */
static enum json_token read_string(struct json_reader *reader, enum json_token token)
{
    size_t i = reader->scan;
    enum json_token stopped;

    if (i <= reader->at) {
        i = reader->at + 1;
        reader->escaped = reader->bad_text = false;
    }
    for (;;) {
        i = plain_run(reader->bytes, i, reader->length);
        reader->scan = i;
        if (i == reader->length)
            return starve(reader);
        unsigned char c = (unsigned char)reader->bytes[i];
        if (c == '"')
            return scalar(reader, token, reader->at + 1, i, i + 1);
        if (c == '\\') {
            int n = escape_length(reader->bytes, i, reader->length);
            if (n == 0)
                return starve(reader);
            if (n < 0)
                return fail(reader, i + (size_t)-n, "an escape");
            reader->escaped = true;
            i += (size_t)n;
        } else if (c < 0x20) {
            if (!reader->lenient_text)
                return fail(reader, i, "an escape for this control character");
            reader->bad_text = true;
            i++;
        } else if (!read_beyond_ascii(reader, &i, &stopped)) {
            return stopped;
        }
    }
}

/* RFC 8259 section 6 as a table: what has been read of a number, and what one more character makes of it. */
enum number {
    NUMBER_BEGIN,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INT,
    NUMBER_DOT,
    NUMBER_FRAC,
    NUMBER_E,
    NUMBER_SIGN,
    NUMBER_EXP
};
enum { NUMBER_STOP = -1 };
static const gint8 number_next[][6] = {
    /*                 -            +            0            1..9         .           e E */
    [NUMBER_BEGIN] = {NUMBER_MINUS, NUMBER_STOP, NUMBER_ZERO, NUMBER_INT, NUMBER_STOP, NUMBER_STOP},
    [NUMBER_MINUS] = {NUMBER_STOP, NUMBER_STOP, NUMBER_ZERO, NUMBER_INT, NUMBER_STOP, NUMBER_STOP},
    [NUMBER_ZERO] = {NUMBER_STOP, NUMBER_STOP, NUMBER_STOP, NUMBER_STOP, NUMBER_DOT, NUMBER_E},
    [NUMBER_INT] = {NUMBER_STOP, NUMBER_STOP, NUMBER_INT, NUMBER_INT, NUMBER_DOT, NUMBER_E},
    [NUMBER_DOT] = {NUMBER_STOP, NUMBER_STOP, NUMBER_FRAC, NUMBER_FRAC, NUMBER_STOP, NUMBER_STOP},
    [NUMBER_FRAC] = {NUMBER_STOP, NUMBER_STOP, NUMBER_FRAC, NUMBER_FRAC, NUMBER_STOP, NUMBER_E},
    [NUMBER_E] = {NUMBER_SIGN, NUMBER_SIGN, NUMBER_EXP, NUMBER_EXP, NUMBER_STOP, NUMBER_STOP},
    [NUMBER_SIGN] = {NUMBER_STOP, NUMBER_STOP, NUMBER_EXP, NUMBER_EXP, NUMBER_STOP, NUMBER_STOP},
    [NUMBER_EXP] = {NUMBER_STOP, NUMBER_STOP, NUMBER_EXP, NUMBER_EXP, NUMBER_STOP, NUMBER_STOP},
};

static int number_step(int number, char c)
{
    switch (c) {
    case '-':
        return number_next[number][0];
    case '+':
        return number_next[number][1];
    case '0':
        return number_next[number][2];
    case '.':
        return number_next[number][4];
    case 'e':
    case 'E':
        return number_next[number][5];
    default:
        return g_ascii_isdigit(c) ? number_next[number][3] : NUMBER_STOP;
    }
}

static bool number_is_whole(int number)
{
    return number == NUMBER_ZERO || number == NUMBER_INT || number == NUMBER_FRAC || number == NUMBER_EXP;
}

static enum json_token read_number(struct json_reader *reader)
{
    size_t i = reader->scan;

    if (i <= reader->at) {
        i = reader->at;
        reader->number = NUMBER_BEGIN;
    }
    for (; i < reader->length; i++) {
        int next = number_step(reader->number, reader->bytes[i]);
        if (next == NUMBER_STOP)
            break;
        reader->number = next;
    }
    reader->scan = i;
    if (i == reader->length && (!reader->finished || !number_is_whole(reader->number)))
        return starve(reader); /* 12 may yet become 123 */
    if (!number_is_whole(reader->number))
        return fail(reader, i, "a digit");
    return scalar(reader, JSON_TOKEN_NUMBER, reader->at, i, i);
}

static enum json_token read_word(struct json_reader *reader, const char *word, enum json_token token)
{
    size_t length = strlen(word), i = 0;

    while (i < length && reader->at + i < reader->length && reader->bytes[reader->at + i] == word[i])
        i++;
    if (i == length)
        return scalar(reader, token, reader->at, reader->at + length, reader->at + length);
    if (reader->at + i == reader->length)
        return starve(reader);
    return fail(reader, reader->at + i, word);
}

static enum json_token read_value(struct json_reader *reader, char c)
{
    switch (c) {
    case '"':
        return read_string(reader, JSON_TOKEN_STRING);
    case '{':
        return open_container(reader, true);
    case '[':
        return open_container(reader, false);
    case 't':
        return read_word(reader, "true", JSON_TOKEN_TRUE);
    case 'f':
        return read_word(reader, "false", JSON_TOKEN_FALSE);
    case 'n':
        return read_word(reader, "null", JSON_TOKEN_NULL);
    default:
        if (c == '-' || g_ascii_isdigit(c))
            return read_number(reader);
        return fail(reader, reader->at, wanted[reader->state]);
    }
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

/* False while the bytes so far are only part of a byte order mark. */
static bool skip_byte_order_mark(struct json_reader *reader)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = MIN(reader->length, 3);

    if (memcmp(reader->bytes, mark, n) == 0) {
        if (n < 3 && !reader->finished)
            return false;
        reader->at = n == 3 ? 3 : 0;
    }
    reader->state = STATE_VALUE;
    return true;
}

enum json_token json_reader_next(struct json_reader *reader)
{
    if (reader->state == STATE_FAILED)
        return JSON_TOKEN_ERROR;
    if (reader->state == STATE_START && (reader->length == 0 || !skip_byte_order_mark(reader)))
        return starve(reader);
    for (;;) {
        while (reader->at < reader->length && (reader->bytes[reader->at] == ' ' || reader->bytes[reader->at] == '\n' ||
                                               reader->bytes[reader->at] == '\r' || reader->bytes[reader->at] == '\t'))
            reader->at++;
        if (reader->at == reader->length)
            return starve(reader);
        char c = reader->bytes[reader->at];
        switch (reader->state) {
        case STATE_COLON:
            if (c != ':')
                return fail(reader, reader->at, wanted[reader->state]);
            reader->at++;
            reader->state = STATE_VALUE;
            break;
        case STATE_COMMA_OR_END:
            if (c == (reader->object ? '}' : ']'))
                return close_container(reader);
            if (c != ',')
                return fail(reader, reader->at, wanted[reader->state]);
            reader->at++;
            reader->state = reader->object ? STATE_KEY : STATE_VALUE;
            break;
        case STATE_KEY_OR_END:
        case STATE_KEY:
            if (c == '"')
                return read_string(reader, JSON_TOKEN_KEY);
            if (c == '}' && reader->state == STATE_KEY_OR_END)
                return close_container(reader);
            return fail(reader, reader->at, wanted[reader->state]);
        case STATE_VALUE_OR_END:
            if (c == ']')
                return close_container(reader);
            return read_value(reader, c);
        case STATE_VALUE:
            return read_value(reader, c);
        default:
            return fail(reader, reader->at, wanted[STATE_DONE]);
        }
    }
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

/* The code unit of a \uXXXX at `p`, when `length` bytes hold one there; else -1. */
static gint32 unit_of_escape(const char *p, size_t length)
{
    gint32 unit = 0;

    if (length < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = g_ascii_xdigit_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Decodes the escape at `p`, appends to *out, and returns the bytes read. A high surrogate takes the low one behind it
 * along. */
static size_t decode_escape(const char *p, size_t length, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *name = length > 1 && p[1] != '\0' ? strchr(names, p[1]) : NULL;
    gint32 unit = unit_of_escape(p, length);
    size_t used = unit >= 0 ? 6 : 1;

    if (name != NULL) {
        *(*out)++ = values[name - names];
        return 2;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        gint32 low = unit_of_escape(p + 6, length - 6);
        if (low >= 0xdc00 && low <= 0xdfff) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            used = 12;
        }
    }
    if (unit <= 0 || (unit >= 0xd800 && unit <= 0xdfff))
        unit = UTF8_REPLACEMENT;
    *out += g_unichar_to_utf8((gunichar)unit, *out);
    return used;
}

size_t json_decode(const char *bytes, size_t length, char *out)
{
    char *begin = out;

    for (size_t i = 0; i < length;) {
        size_t run = plain_run(bytes, i, length) - i;
        memcpy(out, bytes + i, run);
        out += run;
        i += run;
        if (i == length)
            break;
        if (bytes[i] == '\\') {
            i += decode_escape(bytes + i, length - i, &out);
            continue;
        }
        int n = bytes[i] == '\0' ? -1 : utf8_step(bytes + i, length - i);
        if (n > 0) {
            memcpy(out, bytes + i, (size_t)n);
            out += n;
        } else {
            out += g_unichar_to_utf8(UTF8_REPLACEMENT, out);
        }
        i += n == 0 ? length - i : (size_t)ABS(n);
    }
    return (size_t)(out - begin);
}

void json_decode_string(const char *bytes, size_t length, GString *out)
{
    gsize before = out->len;

    g_string_set_size(out, before + 3 * length);
    g_string_truncate(out, before + json_decode(bytes, length, out->str + before));
}
