/* The reader over any bytes. The first byte says how the rest is chunked. What is checked beyond the sanitizers:
 *
 * - chunks, wherever they are cut and wherever the input moves to, make no difference to what the reader says;
 * - what passes strictly passes with lenient text;
 * - tokens are in order and apart, and between them lies nothing but white space, commas, colons and quotes: nothing of
 *   the input is left out or taken twice;
 * - containers close as they opened, and names stand where names belong;
 * - Jansson accepts the same bytes. */
#include "fuzz.h"

#include "../unit/base/json_judge.h"

/* --- what one token must be --------------------------------------------------------------------------------------- */

struct grammar {
    size_t at;        /* of the input; what lies before has been told */
    GString *open;    /* '{' and '[', innermost last */
    bool key, whole;  /* a name waits for its value; a value has been read to its end */
    GString *decoded; /* scratch */
};

static void check_gap(struct grammar *grammar, const struct json_reader *reader, size_t until)
{
    g_assert(until >= grammar->at);
    if (grammar->at == 0 && until >= 3 && memcmp(reader->bytes, "\xef\xbb\xbf", 3) == 0)
        grammar->at = 3;
    for (; grammar->at < until; grammar->at++)
        g_assert(strchr(" \t\r\n,:", reader->bytes[grammar->at]) != NULL && reader->bytes[grammar->at] != '\0');
}

static void check_place(struct grammar *grammar, enum json_token token)
{
    GString *open = grammar->open;
    char inside = open->len > 0 ? open->str[open->len - 1] : '\0';

    g_assert(!grammar->whole);
    if (token == JSON_TOKEN_OBJECT_END || token == JSON_TOKEN_ARRAY_END) {
        g_assert(inside == (token == JSON_TOKEN_OBJECT_END ? '{' : '[') && !grammar->key);
        g_string_truncate(open, open->len - 1);
    } else {
        g_assert((inside == '{' && !grammar->key) == (token == JSON_TOKEN_KEY));
        grammar->key = token == JSON_TOKEN_KEY;
    }
    if (token == JSON_TOKEN_OBJECT_BEGIN || token == JSON_TOKEN_ARRAY_BEGIN)
        g_string_append_c(open, token == JSON_TOKEN_OBJECT_BEGIN ? '{' : '[');
    grammar->whole = open->len == 0;
}

/* What the token's bytes are is Jansson's to judge; here, that it has the right kind. */
static void check_bytes(struct grammar *grammar, const struct json_reader *reader, enum json_token token)
{
    static const char *const firsts[] = {
        [JSON_TOKEN_OBJECT_BEGIN] = "{",
        [JSON_TOKEN_OBJECT_END] = "}",
        [JSON_TOKEN_ARRAY_BEGIN] = "[",
        [JSON_TOKEN_ARRAY_END] = "]",
        [JSON_TOKEN_NUMBER] = "-0123456789",
        [JSON_TOKEN_TRUE] = "t",
        [JSON_TOKEN_FALSE] = "f",
        [JSON_TOKEN_NULL] = "n",
    };
    const char *bytes = reader->bytes + reader->start;
    size_t length = reader->end - reader->start;

    if (token != JSON_TOKEN_KEY && token != JSON_TOKEN_STRING) {
        g_assert(length > 0 && strchr(firsts[token], *bytes) != NULL);
        return;
    }
    g_assert(bytes[-1] == '"' && bytes[length] == '"');
    g_assert(reader->escaped == (length > 0 && memchr(bytes, '\\', length) != NULL));
    g_string_truncate(grammar->decoded, 0);
    json_decode_string(bytes, length, grammar->decoded);
    g_assert(g_utf8_validate(grammar->decoded->str, (gssize)grammar->decoded->len, NULL));
    if (!reader->escaped && !reader->bad_text)
        g_assert(grammar->decoded->len == length && memcmp(grammar->decoded->str, bytes, length) == 0);
}

static void check_token(struct grammar *grammar, const struct json_reader *reader, enum json_token token)
{
    bool text = token == JSON_TOKEN_KEY || token == JSON_TOKEN_STRING;

    g_assert(reader->start <= reader->end && reader->end + text <= reader->length);
    check_gap(grammar, reader, reader->start - text);
    check_place(grammar, token);
    check_bytes(grammar, reader, token);
    g_assert(reader->depth == grammar->open->len);
    grammar->at = reader->end + text;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Appends the tokens there are now to the trace. */
static enum json_token drain(struct json_reader *reader, struct grammar *grammar, GString *trace)
{
    enum json_token token;

    while ((token = json_reader_next(reader)) > JSON_TOKEN_END) {
        bool text = token == JSON_TOKEN_KEY || token == JSON_TOKEN_STRING;
        check_token(grammar, reader, token);
        g_string_append_printf(trace, "%d:%zu-%zu/%zu %d%d ", token, reader->start, reader->end, reader->depth,
                               text && reader->escaped, text && reader->bad_text);
    }
    return token;
}

/* With `dice` 0: at once. Returns JSON_TOKEN_END or JSON_TOKEN_ERROR. */
static enum json_token read_all(const char *bytes, size_t length, uint32_t dice, bool lenient, GString *trace)
{
    struct grammar grammar = {.open = g_string_new(NULL), .decoded = g_string_new(NULL)};
    struct json_reader reader;
    enum json_token token = JSON_TOKEN_MORE;
    size_t fed = dice == 0 ? length : 0;
    char *block = NULL;

    json_reader_init(&reader);
    reader.lenient_text = lenient;
    for (bool finished = false; token == JSON_TOKEN_MORE && !finished;) {
        char *moved = fuzz_exact(bytes, fed);
        finished = fed == length;
        json_reader_input(&reader, moved, fed, finished);
        g_free(block);
        block = moved;
        token = drain(&reader, &grammar, trace);
        fed += fuzz_chunk(&dice, length - fed);
    }
    g_assert(token == JSON_TOKEN_END || token == JSON_TOKEN_ERROR);
    if (token == JSON_TOKEN_END)
        check_gap(&grammar, &reader, reader.length);
    else
        fuzz_check_message(reader.error);
    g_assert(token == JSON_TOKEN_ERROR || grammar.whole);
    g_assert(json_reader_next(&reader) == token);
    g_string_append(trace, token == JSON_TOKEN_ERROR ? reader.error->message : "end");
    json_reader_clear(&reader);
    g_free(block);
    g_string_free(grammar.open, TRUE);
    g_string_free(grammar.decoded, TRUE);
    return token;
}

/* --- Jansson ------------------------------------------------------------------------------------------------------ */

static void check_judgement(const char *bytes, size_t length, bool accepted)
{
    size_t mark = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    json_error_t error;
    json_t *value = judge_load(bytes + mark, length - mark, &error);

    if (accepted && value == NULL)
        g_assert(judge_excuses(&error));
    if (!accepted && value != NULL)
        g_assert(memchr(bytes, '\0', length) != NULL); /* Jansson loses some of them; no JSON text holds any */
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum json_token outcome[2];

    if (size < 1)
        return 0;
    g_autofree char *bytes = fuzz_exact(data + 1, size - 1);
    for (int lenient = 0; lenient < 2; lenient++) {
        g_autoptr(GString) whole = g_string_new(NULL);
        g_autoptr(GString) parts = g_string_new(NULL);
        outcome[lenient] = read_all(bytes, size - 1, 0, lenient, whole);
        g_assert(read_all(bytes, size - 1, 1u + data[0], lenient, parts) == outcome[lenient]);
        g_assert(g_string_equal(whole, parts));
    }
    g_assert(outcome[0] == JSON_TOKEN_ERROR || outcome[1] == JSON_TOKEN_END);
    check_judgement(bytes, size - 1, outcome[0] == JSON_TOKEN_END);
    return 0;
}
