/* Answers of a mail server, over any bytes; the first byte says where the rest is cut. What is checked beyond the
 * sanitizers:
 *
 * - an answer that is read takes whole lines, has a code of three digits and is read again from its own bytes alone;
 * - what follows it, and where it was cut, change nothing;
 * - mechanisms are upper case and hold no blank;
 * - mended answers say the same, keep their length, make the same of any cut, and offer nothing that is taken out. */
#include "fuzz.h"
#include "report/smtp_reply.h"

static void check_mechanisms(const char *text)
{
    g_auto(GStrv) mechanisms = smtp_reply_mechanisms(text);

    for (char **each = mechanisms; each != NULL && *each != NULL; each++) {
        g_autofree char *upper = g_ascii_strup(*each, -1);
        g_assert(g_str_equal(*each, upper) && strpbrk(*each, " =\n") == NULL);
    }
}

static void check_answer(const char *bytes, size_t length)
{
    g_autofree char *text = NULL, *again = NULL;
    size_t taken = 0, taken_again = 0;
    int code, code_again;

    if (!smtp_reply_read(bytes, length, &code, &text, &taken)) {
        g_assert((code == 0 || code == -1) && text == NULL);
        return;
    }
    g_assert(code >= 0 && code <= 999 && taken >= 4 && taken <= length && bytes[taken - 1] == '\n');
    g_assert(smtp_reply_read(bytes, taken, &code_again, &again, &taken_again));
    g_assert(code == code_again && taken == taken_again && g_str_equal(text, again));
    check_mechanisms(text);
}

static void check_words(const char *bytes, size_t length)
{
    static const char *const words[] = {"PIPELINING", "CHUNKING", "XUSR", "ENHANCEDSTATUSCODES"};

    for (size_t i = 0; i < length; i++)
        for (size_t j = 0; j < G_N_ELEMENTS(words) && (i == 0 || bytes[i - 1] == '\n') && bytes[i] != '3'; j++) {
            const char *end = memchr(bytes + i, '\n', length - i);
            g_autofree char *line = g_strndup(bytes + i, end ? (size_t)(end - bytes) - i : length - i);
            g_autofree char *upper = g_ascii_strup(line, -1);
            g_assert(strstr(upper, words[j]) == NULL);
        }
}

static void check_mended(const char *bytes, size_t length, size_t cut)
{
    g_autofree char *whole = g_memdup2(bytes, length), *pieces = g_memdup2(bytes, length), *text = NULL, *mended = NULL;
    struct smtp_mender one = {0}, two = {0};
    int code, code_mended;
    size_t taken, taken_mended;

    smtp_reply_mend(&one, whole, length);
    smtp_reply_mend(&two, pieces, cut);
    smtp_reply_mend(&two, pieces + cut, length - cut);
    g_assert(length == 0 || memcmp(whole, pieces, length) == 0);
    check_words(whole, length);
    bool read = smtp_reply_read(bytes, length, &code, &text, &taken);
    g_assert(read == smtp_reply_read(whole, length, &code_mended, &mended, &taken_mended));
    g_assert(code == code_mended && (!read || taken == taken_mended));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *bytes = (const char *)data + 1;

    check_answer(bytes, size - 1);
    check_mended(bytes, size - 1, MIN(data[0], size - 1));
    return 0;
}
