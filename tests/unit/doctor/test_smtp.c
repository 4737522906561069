/* Replies of mail servers, whole and in pieces. */
#include "told.h"

#include <string.h>

#include "doctor/smtp.h"

static void a_reply_is_taken_once_it_is_whole(void **state)
{
    static const struct {
        const char *text;
        int code; /* 0: not whole */
        size_t taken;
    } rows[] = {
        {"", 0, 0},
        {"220 mail.example ESMTP", 0, 0},
        {"220 mail.example ESMTP\r\n", 220, 24},
        {"220\r\n", 220, 5},
        {"220\n", 220, 4},
        {"220-mail.example\r\n220-welcomes\r\n", 0, 0},
        {"220-mail.example\r\n220 welcomes\r\n250 next", 220, 32},
        {"554 no\r\n", 554, 8},
        {"\x16\x03\x01\n", -1, 4},
        {"HTTP/1.1 400 Bad Request\r\n", -1, 26},
        {"22 x\r\n", -1, 6},
        {"2200 x\r\n", -1, 8},
        {"\n", -1, 1},
        {"250-a\r\noops\r\n", -1, 13},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t taken = 0;
        int code = 0;
        bool whole = smtp_reply(rows[i].text, strlen(rows[i].text), &code, &taken);
        if (whole != (rows[i].code != 0) || code != rows[i].code || taken != rows[i].taken)
            fail_msg("%s: %d, %d, %zu", rows[i].text, whole, code, taken);
    }
}

static void an_extension_is_offered_on_a_line_of_its_own(void **state)
{
    static const char reply[] =
        "250-AUTH.example greets STARTTLS\r\n250-size 1000\r\n250-starttls\r\n250-AUTH=LOGIN\r\n"
        "250-XCLIENT AUTHORITY\r\n250 HELP\r\n";
    static const struct {
        const char *reply, *extension;
        bool offered;
    } rows[] = {
        {reply, "STARTTLS", true},
        {reply, "SIZE", true},
        {reply, "AUTH", true},
        {reply, "HELP", true},
        {reply, "XCLIENT", true},
        {reply, "greets", false},
        {reply, "AUTHORITY", false},
        {reply, "HEL", false},
        {"250 AUTH LOGIN\r\n", "AUTH", false},
        {"250-x\r\n250\r\n", "A", false},
        {"", "AUTH", false},
        {"250-x\n250 AUTH PLAIN\n", "AUTH", true},
        {"250-x\n250 AUTH\n", "AUTH", true},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (smtp_offers(rows[i].reply, rows[i].extension) != rows[i].offered)
            fail_msg("%s in %s", rows[i].extension, rows[i].reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_taken_once_it_is_whole),
        cmocka_unit_test(an_extension_is_offered_on_a_line_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
