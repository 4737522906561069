#include "report/message.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/base.h"
#include "report/mailbox.h"
#include "report/picture.h"
#include "report/report.h"

/* GMime does not do this itself. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeStream, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeDataWrapper, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMessage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeFormatOptions, g_mime_format_options_free)

/* RFC 2047: an encoded word has at most 75 characters, 12 of them "=?utf-8?B?" and "?=", and never half a letter. Plain
 * words that are longer than `WORD_MAX` are encoded as well: a line cannot be folded inside of one. */
enum { ENCODED_BYTES = 45, WORD_MAX = 60 };

enum { HASH_DIGITS = 2 * HASH_KEY_BYTES };

/* Once for the program: what GMime allocates for itself is for its lifetime. */
static void start_gmime(void)
{
    static bool started;

    if (!started)
        g_mime_init();
    started = true;
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

static bool breaks_line(gunichar c)
{
    return g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029;
}

/* One line without control characters: each run of them is one blank. Returned: g_free. */
static char *one_line(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *line = g_string_new(NULL);
    bool broken = false;

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (!breaks_line(c))
            g_string_append_unichar(line, c);
        else if (!broken)
            g_string_append_c(line, ' ');
        broken = breaks_line(c);
    }
    return g_strstrip(g_string_free(line, FALSE));
}

/* True when it can stand in a header as it is: GMime then folds, and quotes where that is needed. `whole`: it cannot be
 * folded, as what stands between quotes. */
static bool is_plain(const char *line, bool whole)
{
    size_t word = 0;

    if (!g_str_is_ascii(line) || strstr(line, "  ") != NULL || strstr(line, "=?") != NULL ||
        (whole && strlen(line) > WORD_MAX))
        return false;
    for (const char *p = line; *p != '\0'; p++) {
        word = *p == ' ' ? 0 : word + 1;
        if (word > WORD_MAX)
            return false;
    }
    return true;
}

/* A text for GMime to put into a header. Its own choice of what to encode leaves outsiders' "=?utf-8?...?=" as it is,
 * loses doubled blanks and makes words of 170 characters, so it gets encoded words, which it only folds. Returned:
 * g_free. */
static char *header_text(const char *text, bool whole)
{
    g_autofree char *line = one_line(text);
    GString *words = g_string_new(NULL);

    if (is_plain(line, whole)) {
        g_string_append(words, line);
        return g_string_free(words, FALSE);
    }
    for (const char *p = line; *p != '\0';) {
        const char *end = p;
        while (*end != '\0' && g_utf8_next_char(end) - p <= ENCODED_BYTES)
            end = g_utf8_next_char(end);
        g_autofree char *base64 = g_base64_encode((const guchar *)p, (gsize)(end - p));
        g_string_append_printf(words, "%s=?utf-8?B?%s?=", p > line ? " " : "", base64);
        p = end;
    }
    return g_string_free(words, FALSE);
}

/* GMime takes punycode apart, and leaves what it cannot put together again (its library is stricter than registries of
 * domains are: "xn--e28h.ws", a smiling face) as UTF-8. It does not know the prefix in capitals, which means the same.
 */
static void set_address(InternetAddressMailbox *mailbox, const char *address)
{
    internet_address_mailbox_set_addr(mailbox, address);
    if (g_strcmp0(internet_address_mailbox_get_idn_addr(mailbox), address) == 0)
        return;
    GString *kept = g_string_new(strrchr(address, '@'));
    g_string_replace(kept, "xn--", "XN--", 0);
    g_string_prepend_len(kept, address, strrchr(address, '@') - address);
    internet_address_mailbox_set_addr(mailbox, kept->str);
    g_string_free(kept, TRUE);
}

static bool add_address(GMimeMessage *message, GMimeAddressType type, const char *text, GError **error)
{
    g_auto(Mailbox) mailbox = {0};

    if (!mailbox_parse(text, &mailbox, error))
        return false;
    g_autofree char *name = mailbox.name != NULL ? header_text(mailbox.name, true) : NULL;
    InternetAddress *address = internet_address_mailbox_new(name != NULL && *name != '\0' ? name : NULL, "");
    set_address(INTERNET_ADDRESS_MAILBOX(address), mailbox.address);
    internet_address_list_add(g_mime_message_get_addresses(message, type), address);
    g_object_unref(address);
    return true;
}

static bool add_addresses(GMimeMessage *message, GMimeAddressType type, const char *const *list, GError **error)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        if (!add_address(message, type, list[i], error))
            return false;
    return true;
}

static bool add_date(GMimeMessage *message, const struct report_envelope *envelope, GError **error)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(envelope->date);
    g_autoptr(GDateTime) date = utc != NULL ? g_date_time_to_timezone(utc, envelope->zone) : NULL;

    if (date == NULL) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED,
                    "the mail cannot be dated: %" G_GINT64_FORMAT " is no moment that a calendar has; set the clock",
                    envelope->date);
        return false;
    }
    g_mime_message_set_date(message, date);
    return true;
}

/* `message_id`: LOCAL@DOMAIN. */
static bool add_headers(GMimeMessage *message, const char *subject, const struct report_envelope *envelope,
                        const char *message_id, GError **error)
{
    g_autofree char *line = header_text(subject, false);

    if (!add_date(message, envelope, error) || !add_address(message, GMIME_ADDRESS_TYPE_FROM, envelope->from, error) ||
        !add_addresses(message, GMIME_ADDRESS_TYPE_TO, envelope->to, error) ||
        !add_addresses(message, GMIME_ADDRESS_TYPE_CC, envelope->cc, error))
        return false;
    g_mime_message_set_subject(message, line, "utf-8");
    g_mime_message_set_message_id(message, message_id);
    /* RFC 3834, section 5; the second is what Exchange heeds: neither side's holiday notes answer the other's. */
    g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-generated", NULL);
    g_mime_object_set_header(GMIME_OBJECT(message), "X-Auto-Response-Suppress", "All", NULL);
    return true;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static void set_content(GMimePart *part, const char *bytes, size_t length, GMimeContentEncoding encoding)
{
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(bytes, length);
    g_autoptr(GMimeDataWrapper) wrapper = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, wrapper);
    g_mime_part_set_content_encoding(part, encoding);
}

/* Valid UTF-8 whose lines end with `newline`. Returned: g_free. */
static char *with_newlines(const char *text, const char *newline)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_sized_new(strlen(valid));

    for (const char *p = valid; *p != '\0'; p++) {
        if (*p == '\r' && p[1] == '\n')
            continue;
        if (*p == '\r' || *p == '\n')
            g_string_append(out, newline);
        else
            g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

/* A text part in UTF-8. Quoted-printable stays legible in the source; where it would be the larger one by far (most
 * letters beyond ASCII), base64, of lines that end with CRLF as they must inside of it (RFC 2045, section 6.8). */
static GMimeObject *new_text(const char *subtype, const char *text)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    g_autofree char *lines = with_newlines(text, "\n");

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    set_content(part, lines, strlen(lines), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    if (g_mime_part_get_best_content_encoding(part, GMIME_ENCODING_CONSTRAINT_7BIT) == GMIME_CONTENT_ENCODING_BASE64) {
        g_autofree char *canonical = with_newlines(lines, "\r\n");
        set_content(part, canonical, strlen(canonical), GMIME_CONTENT_ENCODING_BASE64);
    }
    return GMIME_OBJECT(part);
}

/* "exchange.png@HASH": unlike the names of the pictures, no other mail has it. */
static char *content_id(const struct report_chart *chart, const char *hash)
{
    return g_strdup_printf("%s@%s", chart->name, hash);
}

static char *content_address(const struct report_chart *chart, const void *hash)
{
    g_autofree char *id = content_id(chart, hash);

    return g_strconcat("cid:", id, NULL);
}

static GMimeObject *new_picture(const struct report_chart *chart, const char *hash)
{
    GMimePart *part = g_mime_part_new_with_type("image", "png");
    g_autofree char *id = content_id(chart, hash);
    gsize length;
    const char *bytes = g_bytes_get_data(chart->png, &length);

    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_INLINE);
    g_mime_part_set_filename(part, chart->name);
    g_mime_part_set_content_id(part, id);
    set_content(part, bytes, length, GMIME_CONTENT_ENCODING_BASE64);
    return GMIME_OBJECT(part);
}

/* "=_" is in no quoted-printable and no base64 text, so a boundary that begins so is not either. */
static GMimeMultipart *new_multipart(const char *subtype, const char *hash, int number)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);
    g_autofree char *boundary = g_strdup_printf("=_%d_%s", number, hash);

    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

static void take_part(GMimeMultipart *multipart, GMimeObject *part)
{
    g_mime_multipart_add(multipart, part);
    g_object_unref(part);
}

/* The HTML, with its pictures where it shows any. */
static GMimeObject *new_html(const char *html, const GPtrArray *charts, const char *hash)
{
    g_autoptr(GPtrArray) shown = g_ptr_array_new();
    g_autofree char *addressed = picture_replace(html, charts, content_address, hash, shown);

    if (shown->len == 0)
        return new_text("html", addressed);
    GMimeMultipart *related = new_multipart("related", hash, 2);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(related), "type", "text/html"); /* RFC 2387, section 3.1 */
    take_part(related, new_text("html", addressed));
    for (guint i = 0; i < shown->len; i++)
        take_part(related, new_picture(g_ptr_array_index(shown, i), hash));
    return GMIME_OBJECT(related);
}

static void add_body(GMimeMessage *message, const struct report_words *words, const GPtrArray *charts, const char *hash)
{
    GMimeMultipart *alternative = new_multipart("alternative", hash, 1);

    take_part(alternative, new_text("plain", words->text));
    take_part(alternative, new_html(words->html, charts, hash));
    g_mime_message_set_mime_part(message, GMIME_OBJECT(alternative));
    g_object_unref(alternative);
}

/* --- the message -------------------------------------------------------------------------------------------------- */

static GBytes *write_message(GMimeMessage *message)
{
    g_autoptr(GMimeStream) stream = g_mime_stream_mem_new();
    g_autoptr(GMimeFormatOptions) options = g_mime_format_options_new();
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));

    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_object_write_to_stream(GMIME_OBJECT(message), options, stream);
    return g_bytes_new(bytes->data, bytes->len);
}

static void hash_identity(const char *identity, char hex[HASH_DIGITS + 1])
{
    const char *const parts[] = {"mail", identity};
    uint8_t key[HASH_KEY_BYTES];

    hash_key(parts, G_N_ELEMENTS(parts), key);
    hash_hex(key, sizeof key, hex);
}

GBytes *message_compose(const struct report_words *words, const GPtrArray *charts,
                        const struct report_envelope *envelope, char **message_id, GError **error)
{
    g_auto(Mailbox) from = {0};
    char hash[HASH_DIGITS + 1];

    if (!mailbox_parse(envelope->from, &from, error))
        return NULL;
    start_gmime();
    hash_identity(envelope->identity, hash);
    g_autofree char *id = g_strconcat(hash, strrchr(from.address, '@'), NULL);
    g_autoptr(GMimeMessage) message = g_mime_message_new(FALSE);
    if (!add_headers(message, words->subject, envelope, id, error))
        return NULL;
    add_body(message, words, charts, hash);
    *message_id = g_steal_pointer(&id);
    return write_message(message);
}

char *message_address(const char *mailbox)
{
    g_auto(Mailbox) parsed = {0};

    return mailbox_parse(mailbox, &parsed, NULL) ? g_steal_pointer(&parsed.address) : NULL;
}
