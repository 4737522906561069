#include "store/words.h"

#include <string.h>

#include "store/store.h"

bool words_blank(const char *words)
{
    while (words && g_ascii_isspace(*words))
        words++;
    return !words || !*words;
}

/* --- tokens, as the tokenizer unicode61 sees them
 * ---------------------------------------------------------------------- */

static bool is_token_char(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_OTHER_NUMBER:
    case G_UNICODE_PRIVATE_USE:
        return true;
    default:
        return false;
    }
}

struct tokens {
    bool any;
    size_t at_end; /* letters of the token that reaches the end; 0: the text ends between tokens */
    bool foreign;  /* none of these letters is ASCII or Latin */
};

/* Common to many scripts are digits, but also marks such as the Japanese sign of a long vowel. */
static bool is_foreign(gunichar c)
{
    return c >= 0x80 && g_unichar_get_script(c) != G_UNICODE_SCRIPT_LATIN;
}

static struct tokens tokens_of(const char *text, size_t length)
{
    struct tokens tokens = {false, 0, false};
    for (const char *at = text; at < text + length; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (is_token_char(c)) {
            tokens.any = true;
            tokens.foreign = is_foreign(c) && (tokens.at_end == 0 || tokens.foreign);
            tokens.at_end++;
        } else if (tokens.at_end == 0 || g_unichar_type(c) != G_UNICODE_NON_SPACING_MARK) {
            tokens.at_end = 0; /* a combining accent belongs to its letter */
        }
    }
    return tokens;
}

/* --- phrases
 * -------------------------------------------------------------------------------------------------------------- */

struct phrase {
    const char *text; /* without quotes and star; borrowed */
    size_t length;
    bool prefix;
};

/* A gap between words. Invisible in most fonts, some of these come with text that is pasted. */
static bool is_space(gunichar c)
{
    return g_unichar_isspace(c) || c == 0xfeff;
}

/* Cuts the next phrase or word off *at; false at the end. */
static bool next_phrase(const char **at, struct phrase *phrase)
{
    const char *text = *at;
    while (*text && is_space(g_utf8_get_char(text)))
        text = g_utf8_next_char(text);
    if (!*text)
        return false;

    bool quoted = *text == '"';
    const char *start = quoted ? text + 1 : text, *end = start;
    while (*end && *end != '"' && (quoted || !is_space(g_utf8_get_char(end))))
        end = g_utf8_next_char(end);
    const char *rest = quoted && *end ? end + 1 : end;

    *phrase = (struct phrase){start, (size_t)(end - start), false};
    if (quoted && *rest == '*') {
        phrase->prefix = true;
        rest++;
    } else if (!quoted) {
        for (; phrase->length > 0 && phrase->text[phrase->length - 1] == '*'; phrase->length--)
            phrase->prefix = true;
    }
    *at = rest;
    return true;
}

static void append_phrase(GString *expression, const struct phrase *phrase)
{
    g_string_append_c(expression, '"');
    g_string_append_len(expression, phrase->text, (gssize)phrase->length); /* holds no quote: they end phrases */
    g_string_append(expression, phrase->prefix ? "\"*" : "\"");
}

/* "10.0.*" is the phrase 10 0: whatever follows begins a token of its own. */
static bool check_prefix(struct phrase *phrase, struct tokens tokens, GError **error)
{
    if (phrase->prefix && tokens.at_end == 0)
        phrase->prefix = false;
    int least = tokens.foreign ? WORDS_PREFIX_FOREIGN : WORDS_PREFIX_LETTERS;
    if (!phrase->prefix || tokens.at_end >= (size_t)least)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY,
                "\"%.*s*\" is too short: a beginning of a word needs at least %d letters or digits before the *",
                (int)phrase->length, phrase->text, least);
    return false;
}

bool words_append_fts(GString *expression, const char *words, GError **error)
{
    if (strlen(words) > WORDS_BYTES_MOST) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY, "the search is longer than %d bytes: leave words out",
                    WORDS_BYTES_MOST);
        return false;
    }
    g_autofree char *valid = g_utf8_make_valid(words, -1);
    const char *at = valid;
    struct phrase phrase;
    int n = 0;

    while (next_phrase(&at, &phrase)) {
        struct tokens tokens = tokens_of(phrase.text, phrase.length);
        if (!tokens.any)
            continue;
        if (!check_prefix(&phrase, tokens, error))
            return false;
        if (++n > WORDS_MOST) {
            g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY, "the search has more than %d words: leave some out",
                        WORDS_MOST);
            return false;
        }
        if (n > 1)
            g_string_append(expression, " AND ");
        append_phrase(expression, &phrase);
    }
    if (n == 0)
        g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY,
                    "there is nothing to search for: type at least one letter or digit");
    return n > 0;
}
