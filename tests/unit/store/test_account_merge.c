/* What a record says anew about an account. Numbers in names are those of the list of quirks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/account_merge.h"

/* The changes as "field: old -> new", a line each. */
static char *changes_of(const struct account_merge *merge)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < merge->changes->len; i++) {
        const struct account_change *change = &g_array_index(merge->changes, struct account_change, i);
        g_string_append_printf(
            out, "%s%s: %.*s -> %.*s", i ? "\n" : "", change->field, change->old_value ? (int)change->old_length : 4,
            change->old_value ? change->old_value : "NULL", change->new_value ? (int)change->new_length : 4,
            change->new_value ? change->new_value : "NULL");
    }
    return g_string_free(out, FALSE);
}

struct row {
    const char *known, *record;
    const char *raw; /* NULL: nothing new */
    const char *changes;
};

static void check(const struct row *row)
{
    struct account_merge merge;
    g_autoptr(GError) error = NULL;
    size_t known_length = row->known ? strlen(row->known) : 0;
    if (!account_merge(&merge, row->known, known_length, row->record, strlen(row->record), &error))
        fail_msg("%s: %s", row->record, error->message);
    g_autofree char *changes = changes_of(&merge);
    g_autofree char *raw = merge.raw ? g_strndup(merge.raw, merge.length) : NULL;
    if (g_strcmp0(raw, row->raw) != 0 || strcmp(changes, row->changes) != 0)
        fail_msg("%s\n  and %s\n  give %s\n  with %s", row->known ? row->known : "(nobody)", row->record,
                 raw ? raw : "nothing new", changes);
    account_merge_clear(&merge);
}

static void check_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(&rows[i]);
}

static void an_account_that_nobody_knows_is_kept_as_received(void **state)
{
    static const struct row rows[] = {
        {NULL, "{ \"id\" : \"a\",\t\"n\":9007199254740993 }", "{ \"id\" : \"a\",\t\"n\":9007199254740993 }", ""},
        {NULL, "{}", "{}", ""},
        {NULL, "{\"id\":\"a\",\"id\":\"b\"}", "{\"id\":\"a\",\"id\":\"b\"}", ""},
        {NULL, "{\"id\":\"a\",\"mail\":null}", "{\"id\":\"a\",\"mail\":null}", ""},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void what_belongs_to_the_answer_is_left_out(void **state)
{
    static const struct row rows[] = {
        {NULL, "{\"@odata.id\":\"x\",\"id\":\"a\",\"n\": [ 1 ]}", "{\"id\":\"a\",\"n\":[ 1 ]}", ""},
        {NULL, "{\"@removed\":{\"reason\":\"changed\"}}", "{}", ""},
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"@removed\":{\"reason\":\"changed\"}}", NULL, ""},
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"\\u0040odata.etag\":1}", NULL, ""},
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"@odata.type\":\"#user\",\"b\":1}", "{\"id\":\"a\",\"b\":1}",
         "b: NULL -> 1"},
        /* Not all that holds the sign is the answer's. */
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"manager@delta\":[1]}", "{\"id\":\"a\",\"manager@delta\":[1]}",
         "manager@delta: NULL -> [1]"},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void the_same_again_says_nothing_new(void **state)
{
    static const struct row rows[] = {
        {"{\"id\":\"a\",\"n\":1}", "{\"id\":\"a\",\"n\":1}", NULL, ""},
        {"{\"id\":\"a\",\"n\":1}", "{ \"id\" : \"a\", \"n\" : 1 }", NULL, ""},
        {"{\"id\":\"a\",\"n\":1}", "{\"n\":1,\"id\":\"a\"}", NULL, ""},
        {"{\"id\":\"a\",\"n\":{\"x\":1,\"y\":[]}}", "{\"id\":\"a\",\"n\":{\"y\":[ ],\"x\":1}}", NULL, ""},
        {"{\"id\":\"a\",\"n\":\"\xc3\xa9\"}", "{\"id\":\"a\",\"n\":\"\\u00e9\"}", NULL, ""},
        {"{\"id\":\"a\",\"n\":1}", "{\"id\":\"a\"}", NULL, ""},
        {"{\"id\":\"a\",\"n\":1}", "{}", NULL, ""},
        {"{\"id\":\"a\",\"n\":1}", "{\"n\":2,\"n\":1}", NULL, ""},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void quirk_89_absent_keeps_the_known_value_and_null_clears_it(void **state)
{
    static const struct row rows[] = {
        {"{\"id\":\"a\",\"b\":1,\"c\":2}", "{\"id\":\"a\",\"b\":3}", "{\"id\":\"a\",\"b\":3,\"c\":2}", "b: 1 -> 3"},
        {"{\"id\":\"a\",\"b\":1,\"c\":2}", "{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\",\"b\":null,\"c\":2}",
         "b: 1 -> NULL"},
        {"{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\",\"b\":1}", "{\"id\":\"a\",\"b\":1}", "b: NULL -> 1"},
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"b\":null}", NULL, ""},
        {"{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\"}", NULL, ""},
        {"{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\",\"b\": null }", NULL, ""},
        /* Deeper down, absent and null are two things. */
        {"{\"id\":\"a\",\"b\":{}}", "{\"id\":\"a\",\"b\":{\"c\":null}}", "{\"id\":\"a\",\"b\":{\"c\":null}}",
         "b: {} -> {\"c\":null}"},
        /* Cleared is not empty. */
        {"{\"id\":\"a\",\"b\":\"\"}", "{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\",\"b\":null}", "b: \"\" -> NULL"},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void quirk_89_an_empty_list_is_the_same_as_none(void **state)
{
    static const struct row rows[] = {
        {"{\"id\":\"a\",\"b\":[]}", "{\"id\":\"a\",\"b\":null}", NULL, ""},
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"b\":[]}", NULL, ""},
        {"{\"id\":\"a\",\"b\":[]}", "{\"id\":\"a\",\"b\":[ \n]}", NULL, ""},
        {"{\"id\":\"a\",\"b\":[ ]}", "{\"id\":\"a\",\"b\":null}", NULL, ""},
        {"{\"id\":\"a\",\"b\":[[]]}", "{\"id\":\"a\",\"b\":null}", "{\"id\":\"a\",\"b\":null}", "b: [[]] -> NULL"},
        {"{\"id\":\"a\",\"b\":[1]}", "{\"id\":\"a\",\"b\":[]}", "{\"id\":\"a\",\"b\":[]}", "b: [1] -> []"},
        {"{\"id\":\"a\",\"b\":[]}", "{\"id\":\"a\",\"b\":[1]}", "{\"id\":\"a\",\"b\":[1]}", "b: [] -> [1]"},
        {"{\"id\":\"a\",\"b\":[null]}", "{\"id\":\"a\",\"b\":[]}", "{\"id\":\"a\",\"b\":[]}", "b: [null] -> []"},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void a_record_that_names_every_known_member_is_kept_byte_for_byte(void **state)
{
    static const struct row rows[] = {
        {"{\"id\":\"a\",\"b\":1}", "{ \"b\" : 2,\n \"id\" : \"a\" }", "{ \"b\" : 2,\n \"id\" : \"a\" }", "b: 1 -> 2"},
        {"{\"id\":\"a\"}", "{\"c\":[ 1 ],\"id\":\"a\"}", "{\"c\":[ 1 ],\"id\":\"a\"}", "c: NULL -> [ 1 ]"},
        {"{}", "{\"id\":\"a\"}", "{\"id\":\"a\"}", "id: NULL -> \"a\""},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void merged_members_keep_their_order_and_the_bytes_they_were_last_received_with(void **state)
{
    static const struct row rows[] = {
        {"{ \"id\" : \"a\", \"b\" : 1.50, \"c\" : { \"x\" : 1 } }",
         "{\"c\":{ \"x\":2 },\"d\":\"\\u00e9\",\"id\":\"a\"}",
         "{\"id\":\"a\",\"b\":1.50,\"c\":{ \"x\":2 },\"d\":\"\\u00e9\"}",
         "c: { \"x\" : 1 } -> { \"x\":2 }\nd: NULL -> \"\\u00e9\""},
        {"{\"id\":\"a\",\"z\":1,\"y\":2,\"x\":3}", "{\"x\":4,\"new2\":1,\"new1\":2}",
         "{\"id\":\"a\",\"z\":1,\"y\":2,\"x\":4,\"new2\":1,\"new1\":2}", "x: 3 -> 4\nnew2: NULL -> 1\nnew1: NULL -> 2"},
        /* The key's own bytes stay, too. */
        {"{\"caf\\u00e9\":1,\"b\":2}", "{\"caf\xc3\xa9\":3}", "{\"caf\\u00e9\":3,\"b\":2}", "caf\xc3\xa9: 1 -> 3"},
        {"{\"a\":1,\"a\":2,\"b\":0}", "{\"b\":1,\"b\":3}", "{\"a\":2,\"b\":3}", "b: 0 -> 3"},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void sign_in_activity_is_merged_without_a_history(void **state)
{
    static const struct row rows[] = {
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"signInActivity\":{\"n\":1}}", "{\"id\":\"a\",\"signInActivity\":{\"n\":1}}",
         ""},
        {"{\"id\":\"a\",\"signInActivity\":{\"n\":1},\"b\":1}", "{\"id\":\"a\",\"signInActivity\":{\"n\":2}}",
         "{\"id\":\"a\",\"signInActivity\":{\"n\":2},\"b\":1}", ""},
        {"{\"id\":\"a\",\"signInActivity\":{\"n\":1}}", "{\"id\":\"a\",\"signInActivity\":{\"n\":1}}", NULL, ""},
        {"{\"id\":\"a\",\"signInActivity\":{\"n\":1}}", "{\"id\":\"a\",\"b\":1}",
         "{\"id\":\"a\",\"signInActivity\":{\"n\":1},\"b\":1}", "b: NULL -> 1"},
        {"{\"id\":\"a\",\"signInActivity\":null}", "{\"id\":\"a\"}", NULL, ""},
        /* Another case is another member. */
        {"{\"id\":\"a\"}", "{\"id\":\"a\",\"SignInActivity\":1}", "{\"id\":\"a\",\"SignInActivity\":1}",
         "SignInActivity: NULL -> 1"},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void known_json_that_cannot_be_read_is_replaced(void **state)
{
    static const struct row rows[] = {
        {"no JSON", "{\"id\":\"a\"}", "{\"id\":\"a\"}", "id: NULL -> \"a\""},
        {"[]", "{\"id\":\"a\"}", "{\"id\":\"a\"}", "id: NULL -> \"a\""},
        {"", "{\"id\":\"a\"}", "{\"id\":\"a\"}", "id: NULL -> \"a\""},
    };
    (void)state;
    check_all(rows, G_N_ELEMENTS(rows));
}

static void a_record_that_is_no_object_is_refused(void **state)
{
    static const char *const records[] = {"", "[]", "null", "{", "{\"id\":\"a\"", "{\"id\":\"a\"} {}", "{\"id\":}"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        struct account_merge merge;
        g_autoptr(GError) error = NULL;
        assert_false(account_merge(&merge, "{\"id\":\"a\"}", 10, records[i], strlen(records[i]), &error));
        assert_non_null(error);
        assert_null(merge.raw);
        account_merge_clear(&merge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_that_nobody_knows_is_kept_as_received),
        cmocka_unit_test(what_belongs_to_the_answer_is_left_out),
        cmocka_unit_test(the_same_again_says_nothing_new),
        cmocka_unit_test(quirk_89_absent_keeps_the_known_value_and_null_clears_it),
        cmocka_unit_test(quirk_89_an_empty_list_is_the_same_as_none),
        cmocka_unit_test(a_record_that_names_every_known_member_is_kept_byte_for_byte),
        cmocka_unit_test(merged_members_keep_their_order_and_the_bytes_they_were_last_received_with),
        cmocka_unit_test(sign_in_activity_is_merged_without_a_history),
        cmocka_unit_test(known_json_that_cannot_be_read_is_replaced),
        cmocka_unit_test(a_record_that_is_no_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
