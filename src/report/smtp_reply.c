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
