#include "report/smtp_reply.h"

#include <string.h>

/* The code of a line that is followed by a blank, a hyphen or the line's end; -1: there is none. */
static int code_of(const char *line, const char *end)
{
    if (end - line < 3 || !g_ascii_isdigit(line[0]) || !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]) ||
        !strchr(" -\r\n", line[3]) || line[3] == '\0')
        return -1;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

bool smtp_reply_read(const char *bytes, size_t length, int *code, char **text, size_t *taken)
{
    g_autoptr(GString) words = g_string_new(NULL);
    int first = 0;

    *code = 0;
    for (const char *line = bytes, *end; (end = memchr(line, '\n', length - (size_t)(line - bytes))); line = end + 1) {
        int here = code_of(line, end);
        if (here < 0 || (first && here != first)) {
            *code = -1;
            return false;
        }
        first = here;
        if (end - line > 4)
            g_string_append_len(words, line + 4, end - line - 4);
        if (line[3] == '-') {
            g_string_append_c(words, '\n');
            continue;
        }
        *code = here;
        *text = g_strchomp(g_strndup(words->str, words->len));
        *taken = (size_t)(end - bytes) + 1;
        return true;
    }
    return false;
}

/* A word is taken out by its last letter. Each is an end of the offer's name whose first letter comes once, so that a
 * match that fails begins anew at the present letter, if at all. */
static void spoil(struct smtp_mender *mender, char *byte)
{
    static const char *const words[G_N_ELEMENTS(mender->matched)] = {"PELINING", "CHUNKING", "XUSR",
                                                                     "HANCEDSTATUSCODES"};
    char letter = g_ascii_toupper(*byte);

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        size_t *matched = &mender->matched[i];
        *matched = letter == words[i][*matched] ? *matched + 1 : letter == words[i][0];
        if (words[i][*matched] != '\0')
            continue;
        *byte = '-';
        *matched = 0;
    }
}

void smtp_reply_mend(struct smtp_mender *mender, char *bytes, size_t length)
{
    enum { CODE_DIGITS = 3 };

    for (size_t i = 0; i < length; i++) {
        char *byte = &bytes[i];
        if (*byte == '\n') {
            *mender = (struct smtp_mender){0};
            continue;
        }
        if (mender->column == 0)
            mender->challenge = *byte == '3';
        if (mender->column == CODE_DIGITS && mender->digits == CODE_DIGITS && *byte == '\r')
            *byte = ' ';
        if (!mender->challenge)
            spoil(mender, byte);
        mender->digits += mender->column < CODE_DIGITS && g_ascii_isdigit(*byte);
        mender->column++;
    }
}

char **smtp_reply_mechanisms(const char *offer)
{
    g_auto(GStrv) lines = g_strsplit(offer ? offer : "", "\n", -1);

    /* The first line is the server's name. Old servers write AUTH=LOGIN. */
    for (char **line = lines; *line && line[1]; line++) {
        if (g_ascii_strncasecmp(line[1], "AUTH", 4) != 0 || !line[1][4] || !strchr(" =", line[1][4]))
            continue;
        g_autofree char *upper = g_ascii_strup(g_strstrip(line[1] + 5), -1);
        return g_strsplit_set(upper, " =", -1);
    }
    return NULL;
}
