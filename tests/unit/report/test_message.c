/* Mails as bytes: what a server gets, what cannot be in a header, who cannot be written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "report/message.h"
#include "report/report.h"

static const char page[] = "<!doctype html><html><head><title>Health</title></head><body><p>Gr\u00fc\u00dfe</p>"
                           "<img src=\"cid:overview.png\" alt=\"\"></body></html>\n";

static const char *const nobody[] = {NULL};

/* A mail's ingredients; a test changes what it is about. */
struct stage {
    struct report_chart chart;
    GPtrArray *charts;
    struct report_words words;
    struct report_envelope envelope;
    const char *to[2];
};

static int set_up(void **state)
{
    struct stage *stage = g_new0(struct stage, 1);

    stage->chart = (struct report_chart){.name = (char *)"overview.png", .png = g_bytes_new_static("\x89PNG", 4)};
    stage->charts = g_ptr_array_new();
    g_ptr_array_add(stage->charts, &stage->chart);
    stage->words = (struct report_words){(char *)"Service health", (char *)page, (char *)"All is well.\n"};
    stage->to[0] = "ada@contoso.example";
    stage->envelope = (struct report_envelope){.from = "Health desk <desk@example.org>",
                                               .to = stage->to,
                                               .cc = nobody,
                                               .date = 1763640000,
                                               .zone = g_time_zone_new_identifier("Europe/Warsaw"),
                                               .identity = "contoso 2026-11-22"};
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    g_time_zone_unref(stage->envelope.zone);
    g_ptr_array_unref(stage->charts);
    g_bytes_unref(stage->chart.png);
    g_free(stage);
    return 0;
}

/* The message as text. Returned: g_free. */
static char *composed(const struct stage *stage)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    g_autoptr(GBytes) bytes = message_compose(&stage->words, stage->charts, &stage->envelope, &id, &error);

    if (bytes == NULL)
        fail_msg("%s", error->message);
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static char *refused(const struct stage *stage)
{
    g_autoptr(GError) error = NULL;
    char *id = NULL;

    assert_null(message_compose(&stage->words, stage->charts, &stage->envelope, &id, &error));
    assert_null(id);
    assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_FAILED));
    return g_strdup(error->message);
}

/* --- what a server gets ------------------------------------------------------------------------------------------- */

static void a_mail_is_these_bytes(void **state)
{
    static const char expected[] = "Date: Thu, 20 Nov 2025 13:00:00 +0100\r\n"
                                   "From: Health desk <desk@example.org>\r\n"
                                   "To: ada@contoso.example\r\n"
                                   "Subject: Service health\r\n"
                                   "Message-Id: <HASH@example.org>\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "X-Auto-Response-Suppress: All\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: multipart/alternative;\r\n"
                                   "\tboundary=\"=_1_HASH\"\r\n"
                                   "\r\n"
                                   "--=_1_HASH\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "All is well.\r\n"
                                   "\r\n"
                                   "--=_1_HASH\r\n"
                                   "Content-Type: multipart/related; boundary=\"=_2_HASH\";\r\n"
                                   "\ttype=\"text/html\"\r\n"
                                   "\r\n"
                                   "--=_2_HASH\r\n"
                                   "Content-Type: text/html; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "<!doctype html><html><head><title>Health</title></head><body><p>Gr=C3=BC=C3=\r\n"
                                   "=9Fe</p><img src=3D\"cid:overview.png@HASH\" alt=\r\n"
                                   "=3D\"\"></body></html>\r\n"
                                   "\r\n"
                                   "--=_2_HASH\r\n"
                                   "Content-Type: image/png; name=overview.png\r\n"
                                   "Content-Disposition: inline; filename=overview.png\r\n"
                                   "Content-Id: <overview.png@HASH>\r\n"
                                   "Content-Transfer-Encoding: base64\r\n"
                                   "\r\n"
                                   "iVBORw==\r\n"
                                   "\r\n"
                                   "--=_2_HASH--\r\n"
                                   "\r\n"
                                   "--=_1_HASH--\r\n";
    g_autofree char *message = composed(*state);
    const char *hash = strstr(message, "Message-Id: <") + strlen("Message-Id: <");
    g_autofree char *digits = g_strndup(hash, 32);
    g_auto(GStrv) parts = g_strsplit(message, digits, -1);
    g_autofree char *constant = g_strjoinv("HASH", parts);

    assert_string_equal(constant, expected);
}

static void the_message_id_is_that_of_the_header(void **state)
{
    const struct stage *stage = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    g_autoptr(GBytes) bytes = message_compose(&stage->words, stage->charts, &stage->envelope, &id, &error);
    g_autofree char *line = g_strdup_printf("\r\nMessage-Id: <%s>\r\n", id);

    assert_non_null(g_strstr_len(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), line));
    assert_true(g_str_has_suffix(id, "@example.org"));
}

static void the_same_is_the_same_and_another_is_another(void **state)
{
    struct stage *stage = *state;
    g_autofree char *first = composed(stage), *again = composed(stage);

    stage->envelope.identity = "contoso 2026-11-22, sent again";
    g_autofree char *other = composed(stage);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void lists_that_are_empty_or_absent_have_no_header(void **state)
{
    struct stage *stage = *state;

    stage->envelope.to = nobody;
    stage->envelope.cc = NULL;
    g_autofree char *message = composed(stage);
    assert_null(strstr(message, "\r\nTo:"));
    assert_null(strstr(message, "\r\nCc:"));
    stage->charts->len = 0;
    g_autofree char *bare = composed(stage);
    assert_null(strstr(bare, "multipart/related"));
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

static void assert_headers(const char *message, const char *subject)
{
    const char *end = strstr(message, "\r\n\r\n");
    g_autofree char *head = g_strndup(message, (size_t)(end - message));
    g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
    guint headers = 0;

    for (char **line = lines; *line != NULL; line++) {
        assert_true(g_str_is_ascii(*line) && strpbrk(*line, "\r\n") == NULL && strlen(*line) <= 998);
        headers += **line != ' ' && **line != '\t';
    }
    if (headers != 9)
        fail_msg("%u headers:\n%s", headers, head);
    if (subject != NULL && strstr(head, subject) == NULL)
        fail_msg("no %s in\n%s", subject, head);
}

static void no_text_begins_a_header_of_its_own_q131(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *text, *subject; /* NULL: any */
    } rows[] = {
        {"a\r\nBcc: eve@evil.example", "\r\nSubject: a Bcc: eve@evil.example\r\n"},
        {"a\nBcc: eve@evil.example", "\r\nSubject: a Bcc: eve@evil.example\r\n"},
        {"a\rBcc: eve@evil.example", "\r\nSubject: a Bcc: eve@evil.example\r\n"},
        {"a\r\n\r\n<p>body</p>", "\r\nSubject: a <p>body</p>\r\n"},
        {"\r\nBcc: x", "\r\nSubject: Bcc: x\r\n"},
        {"a\r\n", "\r\nSubject: a\r\n"},
        {"a\x0b\x0c\x1b\x7f\x01z", "\r\nSubject: a z\r\n"},
        {"a\xc2\x85"
         "Bcc: x",
         "\r\nSubject: a Bcc: x\r\n"},
        {"a\u2028Bcc: x\u2029y", "\r\nSubject: a Bcc: x y\r\n"},
        {"\xff\xfe\r\nBcc: x\xc3", NULL},
        {"\xc0\x8d\xc0\x8a", NULL}, /* a CR and LF that are too long */
        {"=?utf-8?q?=0D=0ABcc:_x?=", "\r\nSubject: =?UTF-8?B?PT91dGYtOD9xPz0wRD0wQUJjYzpfeD89?=\r\n"},
        {"", "\r\nSubject: \r\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *mailbox = g_strdup_printf("%s <ada@contoso.example>", rows[i].text);
        stage->words.subject = (char *)rows[i].text;
        stage->to[0] = stage->envelope.from = mailbox;
        g_autofree char *message = composed(stage);
        assert_headers(message, rows[i].subject);
    }
}

static void an_address_with_a_line_break_is_refused_q131(void **state)
{
    struct stage *stage = *state;

    stage->to[0] = "Eve <eve@evil.example\r\nBcc: x@y.example>";
    g_autofree char *words = refused(stage);
    assert_string_equal(words, "\"eve@evil.example\r\nBcc: x@y.example\" is no mail address: before the @ stands a "
                               "character that none has there");
}

static void a_text_that_is_no_utf8_is_mended(void **state)
{
    struct stage *stage = *state;

    stage->words = (struct report_words){(char *)"a\xff", (char *)"<p>All is well with it\xff</p>", (char *)"\xc3\n"};
    g_autofree char *message = composed(stage);
    assert_headers(message, "=?UTF-8?B?Ye+/vQ==?=");
    assert_non_null(strstr(message, "\r\n\r\n<p>All is well with it=EF=BF=BD</p>"));
}

static void a_date_that_is_none_is_refused(void **state)
{
    struct stage *stage = *state;

    stage->envelope.date = INT64_MAX;
    g_autofree char *words = refused(stage);
    assert_non_null(strstr(words, "9223372036854775807 is no moment that a calendar has"));
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void an_address_is_written_for_the_wire_or_is_none(void **state)
{
    static const struct {
        const char *mailbox, *address;
    } rows[] = {
        {"desk@example.org", "desk@example.org"},
        {"  desk@example.org ", "desk@example.org"},
        {"Health desk <desk@example.org>", "desk@example.org"},
        {"a <b@c.example> <desk@example.org>", "desk@example.org"},
        {"\"Desk, 1st\" <Desk@Example.org>", "Desk@Example.org"},
        {"<desk@example.org>", "desk@example.org"},
        {"desk@m\u00fcller.example", "desk@xn--mller-kva.example"},
        {"desk@M\u00dcLLER.example", "desk@xn--mller-kva.example"},
        {"desk@\u4f8b\u3048\u3002jp", "desk@xn--r8jz45g.jp"},
        {"desk@[192.0.2.1]", "desk@[192.0.2.1]"},
        {"desk@[IPv6:::1]", "desk@[IPv6:::1]"},
        {"a..b@example.org", "\"a..b\"@example.org"},
        {"\"a..b\"@example.org", "\"a..b\"@example.org"},
        {"\"ab\"@example.org", "ab@example.org"},
        {"", NULL},
        {"desk", NULL},
        {"desk@", NULL},
        {"@example.org", NULL},
        {"Health desk <>", NULL},
        {"Health desk <desk>", NULL},
        {"<desk@example.org", NULL},
        {"desk@example.org>", NULL},
        {"desk@example.org, eve@evil.example", NULL},
        {"\"\"@example.org", NULL},
        {"d\u00e9sk@example.org", NULL},
        {"desk@example..org", NULL},
        {"desk@-example.org", NULL},
        {"desk@example.org\n", "desk@example.org"}, /* blanks around it */
        {"desk@exam\nple.org", NULL},
        {"desk@m\u00fcl\u200dler.example", NULL},
        {"desk@[192.0.2.1]x", NULL},
        {"desk@[::1]", NULL},
        {"desk@\xff.example", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *address = message_address(rows[i].mailbox);
        if (g_strcmp0(address, rows[i].address) != 0)
            fail_msg("%s: %s", rows[i].mailbox, address);
    }
}

static void the_address_that_cannot_be_used_is_named_wherever_it_stands(void **state)
{
    struct stage *stage = *state;
    static const char *const list[] = {"ada@contoso.example", "J\u00fcrgen <j\u00fcrgen@contoso.example>", NULL};
    static const char fault[] = "\"j\u00fcrgen@contoso.example\" has letters beyond ASCII before the @, which only "
                                "servers with SMTPUTF8 take: write another address of that mailbox";

    for (int place = 0; place < 3; place++) {
        stage->envelope.to = place == 0 ? list : stage->to;
        stage->envelope.cc = place == 1 ? list : NULL;
        stage->envelope.from = place == 2 ? list[1] : "desk@example.org";
        g_autofree char *words = refused(stage);
        assert_string_equal(words, fault);
    }
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_mail_is_these_bytes),
        STAGED(the_message_id_is_that_of_the_header),
        STAGED(the_same_is_the_same_and_another_is_another),
        STAGED(lists_that_are_empty_or_absent_have_no_header),
        STAGED(no_text_begins_a_header_of_its_own_q131),
        STAGED(an_address_with_a_line_break_is_refused_q131),
        STAGED(a_text_that_is_no_utf8_is_mended),
        STAGED(a_date_that_is_none_is_refused),
        cmocka_unit_test(an_address_is_written_for_the_wire_or_is_none),
        STAGED(the_address_that_cannot_be_used_is_named_wherever_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
