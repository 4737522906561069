/* A mail composed from any bytes: subject, from, to, cc, HTML and text, each ended by a NUL. What is checked beyond the
 * sanitizers:
 *
 * - a mail has its nine headers or ten, each once and in their order, and a body of as many parts as were put in;
 * - every line of it is ASCII, ends with CRLF and has at most 998 bytes;
 * - the same comes out the second time;
 * - an address that is refused gives a sentence; one that is taken is ASCII in one piece and is taken again;
 * - a page is UTF-8 and longer than what went in. */
#include "fuzz.h"
#include "report/message.h"
#include "report/report.h"

enum { FIELDS = 6, LINE_MAX_BYTES = 998 };

static const char *const header_names[] = {
    "Date",         "From",        "To", "Cc", "Subject", "Message-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
    "MIME-Version", "Content-Type"};

static void check_lines(char **lines)
{
    for (char **line = lines; *line != NULL; line++) {
        g_assert(strlen(*line) <= LINE_MAX_BYTES && strpbrk(*line, "\r\n") == NULL);
        g_assert(g_str_is_ascii(*line));
    }
}

/* `lines` up to the empty one are the headers, no more and no less. */
static void check_headers(char **lines)
{
    size_t next = 0;

    for (char **line = lines; **line != '\0'; line++) {
        if (**line == ' ' || **line == '\t')
            continue;
        g_assert(next < G_N_ELEMENTS(header_names));
        g_assert(g_str_has_prefix(*line, header_names[next]) && (*line)[strlen(header_names[next])] == ':');
        next++;
    }
    g_assert(next == G_N_ELEMENTS(header_names));
}

/* Two parts, and in the second one two where it shows the picture. */
static void check_parts(char **lines)
{
    int outer = 0, inner = 0;

    for (char **line = lines; *line != NULL; line++) {
        outer += g_str_has_prefix(*line, "--=_1_");
        inner += g_str_has_prefix(*line, "--=_2_");
    }
    g_assert(outer == 3 && (inner == 0 || inner == 3));
}

static void check_address(const char *mailbox)
{
    g_autofree char *address = message_address(mailbox);

    if (address == NULL)
        return;
    g_autofree char *again = message_address(address);
    g_assert(g_str_is_ascii(address) && strpbrk(address, " \t\r\n<>,;") == NULL);
    g_assert(g_strcmp0(address, again) == 0);
}

static void check_mail(const struct report_words *words, const GPtrArray *charts,
                       const struct report_envelope *envelope)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL, *id_again = NULL;
    g_autoptr(GBytes) bytes = message_compose(words, charts, envelope, &id, &error);

    if (bytes == NULL) {
        g_assert(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_FAILED));
        fuzz_check_message(error);
        return;
    }
    g_autoptr(GBytes) again = message_compose(words, charts, envelope, &id_again, NULL);
    g_assert(g_bytes_equal(bytes, again) && g_str_equal(id, id_again));
    g_assert(memchr(g_bytes_get_data(bytes, NULL), '\0', g_bytes_get_size(bytes)) == NULL);
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    check_lines(lines);
    check_headers(lines);
    check_parts(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report_chart chart = {.name = (char *)"a.png", .png = g_bytes_new_static("\x89PNG", 4)};
    g_autoptr(GPtrArray) charts = g_ptr_array_new();
    g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
    char *fields[FIELDS];

    for (size_t i = 0, at = 0; i < FIELDS; i++) {
        fields[i] = g_strndup((const char *)data + at, size - at);
        at = MIN(size, at + strlen(fields[i]) + 1);
    }
    g_ptr_array_add(charts, &chart);
    const struct report_words words = {.subject = fields[0], .html = fields[4], .text = fields[5]};
    const char *const to[] = {fields[2], NULL}, *const cc[] = {fields[3], NULL};
    const struct report_envelope envelope = {
        .from = fields[1], .to = to, .cc = cc, .date = 1763640000, .zone = zone, .identity = fields[0]};
    check_mail(&words, charts, &envelope);
    for (size_t i = 1; i <= 3; i++)
        check_address(fields[i]);
    g_autofree char *page = message_page(&words, charts);
    g_assert(g_utf8_validate(page, -1, NULL) && strlen(page) > strlen(fields[4]));
    for (size_t i = 0; i < FIELDS; i++)
        g_free(fields[i]);
    g_bytes_unref(chart.png);
    return 0;
}
