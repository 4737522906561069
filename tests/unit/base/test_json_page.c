/* The page: records cut out as the exact bytes received, and bodies that are no page refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "json_examples.h"

enum { MEGABYTE = 1024 * 1024 };

/* A page fed with `bytes`, `chunk` at a time (0: at once), and finished. On failure *code is the error's, else -1. */
static struct json_page *page_of(bool array, const char *bytes, size_t length, size_t chunk, int *code)
{
    struct json_page *page = json_page_new(array, 64 * MEGABYTE);
    g_autoptr(GError) error = NULL;
    bool good = true;

    for (size_t at = 0; at < length && good; at += chunk) {
        if (chunk == 0)
            chunk = length;
        g_autofree char *exact = g_memdup2(bytes + at, MIN(chunk, length - at));
        good = json_page_feed(page, exact, MIN(chunk, length - at), &error);
    }
    good = good && json_page_finish(page, &error);
    assert_true(good == (error == NULL));
    *code = error != NULL ? error->code : -1;
    return page;
}

static struct json_page *good_page(bool array, const char *text)
{
    int code;
    struct json_page *page = page_of(array, text, strlen(text), 0, &code);

    assert_int_equal(code, -1);
    return page;
}

static bool feed(struct json_page *page, const char *text, GError **error)
{
    return json_page_feed(page, text, strlen(text), error);
}

static int refusal_of(bool array, const char *text)
{
    int code;
    json_page_free(page_of(array, text, strlen(text), 0, &code));
    return code;
}

static void assert_record(const struct json_page *page, size_t index, const char *bytes, enum json_fault fault)
{
    struct json_slice slice = json_page_record(page, index);

    assert_int_equal(slice.length, strlen(bytes));
    assert_memory_equal(slice.bytes, bytes, slice.length);
    assert_int_equal(slice.fault, fault);
}

static void records_are_the_exact_bytes_received(void **state)
{
    g_autoptr(JsonPage) page =
        good_page(false, "{ \"@odata.context\" : \"c\", \"value\" : [ { \"id\" : 1.0 }\n,{\"id\":"
                         "9007199254740993 , \"id\":\"\\u0000\"},  {}\t] }\n");
    (void)state;

    assert_int_equal(json_page_count(page), 3);
    assert_record(page, 0, "{ \"id\" : 1.0 }", JSON_FAULT_NONE);
    assert_record(page, 1, "{\"id\":9007199254740993 , \"id\":\"\\u0000\"}", JSON_FAULT_NONE); /* q44, q52, q53 */
    assert_record(page, 2, "{}", JSON_FAULT_NONE);
}

static void a_bare_array_is_cut_as_well(void **state)
{
    g_autoptr(JsonPage) page = good_page(true, " [{\"a\":[{\"value\":[1]}]},{}] ");
    (void)state;

    assert_int_equal(json_page_count(page), 2);
    assert_record(page, 0, "{\"a\":[{\"value\":[1]}]}", JSON_FAULT_NONE);
    assert_record(page, 1, "{}", JSON_FAULT_NONE);
}

static void elements_that_are_no_objects_are_cut_too(void **state)
{
    g_autoptr(JsonPage) page = good_page(true, "[1, \"a\\\"b\",[],[[2]],true,null,-1e5,\"\",false]");
    static const char *const records[] = {"1", "\"a\\\"b\"", "[]", "[[2]]", "true", "null", "-1e5", "\"\"", "false"};
    (void)state;

    assert_int_equal(json_page_count(page), G_N_ELEMENTS(records));
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
        assert_record(page, i, records[i], JSON_FAULT_NONE);
}

static void an_empty_page_is_a_page_q1(void **state)
{
    g_autoptr(JsonPage) page = good_page(false, "{\"value\":[],\"@odata.nextLink\":\"https://graph.example/next\"}");
    g_autoptr(JsonPage) array = good_page(true, "[]");
    (void)state;

    assert_int_equal(json_page_count(page), 0);
    assert_string_equal(json_page_member(page, "@odata.nextLink"), "https://graph.example/next");
    assert_int_equal(json_page_count(array), 0);
}

static void members_are_found_before_and_after_the_records(void **state)
{
    g_autoptr(JsonPage) page =
        good_page(false, "{\"a\":\"1\",\"value\":[{\"n\":\"inner\"}],\"b\":\"2\",\"o\":{\"n\":\"nested\"},"
                         "\"l\":[\"n\"],\"number\":3,\"empty\":\"\"}");
    (void)state;

    assert_string_equal(json_page_member(page, "a"), "1");
    assert_string_equal(json_page_member(page, "b"), "2");
    assert_string_equal(json_page_member(page, "empty"), "");
    assert_null(json_page_member(page, "n"));
    assert_null(json_page_member(page, "o"));
    assert_null(json_page_member(page, "l"));
    assert_null(json_page_member(page, "number"));
    assert_null(json_page_member(page, "value"));
    assert_null(json_page_member(page, "absent"));
}

static void members_are_decoded_and_their_case_counts_q13_q63(void **state)
{
    g_autoptr(JsonPage) page =
        good_page(false, "{\"value\":[],\"\\u0040odata.nextLink\":\"https:\\/\\/h\\/p?$skiptoken=a%2bb\\u0026c\","
                         "\"@Odata.nextlink\":\"other\"}");
    (void)state;

    assert_string_equal(json_page_member(page, "@odata.nextLink"), "https://h/p?$skiptoken=a%2bb&c");
    assert_string_equal(json_page_member(page, "@Odata.nextlink"), "other");
}

static void of_a_doubled_member_the_last_one_counts_q53(void **state)
{
    g_autoptr(JsonPage) page =
        good_page(false, "{\"a\":\"1\",\"value\":[],\"a\":\"2\",\"b\":\"1\",\"b\":null,\"c\":{},\"c\":\"2\"}");
    (void)state;

    assert_string_equal(json_page_member(page, "a"), "2");
    assert_null(json_page_member(page, "b"));
    assert_string_equal(json_page_member(page, "c"), "2");
}

static void a_link_is_a_string_or_null_and_given_once(void **state)
{
    static const char *const refused[] = {
        "{\"value\":[],\"@odata.nextLink\":123}",
        "{\"value\":[],\"@odata.nextLink\":true}",
        "{\"value\":[],\"@odata.nextLink\":false}",
        "{\"value\":[],\"@odata.nextLink\":{\"a\":1}}",
        "{\"@odata.nextLink\":[\"https://h/p\"],\"value\":[]}",
        "{\"value\":[],\"@odata.deltaLink\":0}",
        "{\"value\":[],\"nextLink\":{}}",
        "{\"value\":[],\"\\u0040odata.next\\u004cink\":1}",
        "{\"value\":[],\"@odata.nextLink\":\"https://h/p\",\"@odata.nextLink\":null}",
        "{\"@odata.nextLink\":null,\"value\":[],\"@odata.nextLink\":\"https://h/p\"}",
        "{\"@odata.nextLink\":\"https://h/p\",\"value\":[],\"@odata.nextLink\":\"https://h/p\"}",
        "{\"@odata.nextLink\":null,\"value\":[],\"@odata.nextLink\":null}",
        "{\"@odata.nextLink\":\"https://h/p\",\"value\":[],\"@odata.next\\u004cink\":null}",
    };
    static const char *const taken[] = {
        "{\"value\":[],\"@odata.nextLink\":null}",
        "{\"value\":[],\"@odata.nextLink\":null,\"@odata.deltaLink\":\"https://h/d\"}",
        "{\"value\":[{\"@odata.nextLink\":1,\"siteLink\":{},\"siteLink\":[]}]}",
        "{\"value\":[],\"o\":{\"@odata.nextLink\":1},\"Linked\":7,\"Linked\":8}",
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_int_equal(refusal_of(false, refused[i]), JSON_ERROR_SHAPE);
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
        g_autoptr(JsonPage) page = good_page(false, taken[i]);
        assert_null(json_page_member(page, "@odata.nextLink"));
    }
}

static void a_bad_link_is_forgotten_with_its_page(void **state)
{
    g_autoptr(JsonPage) page = json_page_new(false, MEGABYTE);
    static const char good[] = "{\"value\":[],\"@odata.nextLink\":\"https://h/p\"}";
    (void)state;

    assert_true(feed(page, "{\"value\":[],\"@odata.nextLink\":1}", NULL));
    assert_false(json_page_finish(page, NULL));
    json_page_reset(page);
    assert_true(feed(page, good, NULL));
    assert_true(json_page_finish(page, NULL));
    assert_string_equal(json_page_member(page, "@odata.nextLink"), "https://h/p");
}

static void a_link_of_ten_kilobytes_is_kept_whole_q12(void **state)
{
    g_autofree char *long_text = g_strnfill(10240, 'x');
    g_autofree char *text = g_strdup_printf("{\"value\":[],\"@odata.nextLink\":\"%s\"}", long_text);
    g_autoptr(JsonPage) page = good_page(false, text);
    (void)state;

    assert_string_equal(json_page_member(page, "@odata.nextLink"), long_text);
}

static void a_name_spelled_with_escapes_is_still_value(void **state)
{
    g_autoptr(JsonPage) page = good_page(false, "{\"v\\u0061lue\":[7]}");
    (void)state;

    assert_int_equal(json_page_count(page), 1);
    assert_record(page, 0, "7", JSON_FAULT_NONE);
}

static void bodies_of_another_shape_are_refused_q3(void **state)
{
    static const char *const no_page[] = {
        "{}",
        "[]",
        "null",
        "\"value\"",
        "12",
        "[{\"value\":[]}]",
        "{\"Value\":[]}",
        "{\"d\":{\"value\":[]}}",
        "{\"value\":null}",
        "{\"value\":{}}",
        "{\"value\":{\"value\":[]}}",
        "{\"value\":\"[]\"}",
        "{\"value\":[],\"value\":{}}",
        "{\"value\":[1],\"value\":[2]}",
        "{\"error\":{\"code\":\"UnknownError\",\"message\":\"\"}}",
        "{\"error\":\"invalid_client\",\"error_description\":\"no\"}",
        "{\"value\":[{}],\"error\":{\"code\":\"timeout\"}}",
        "{\"Message\":\"Authorization has been denied for this request.\"}", /* q113 */
    };
    static const char *const no_array[] = {"{}", "null", "{\"value\":[]}", "\"[]\"",
                                           "{\"error\":{\"code\":\"AF50000\"}}"};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(no_page); i++)
        assert_int_equal(refusal_of(false, no_page[i]), JSON_ERROR_SHAPE);
    for (size_t i = 0; i < G_N_ELEMENTS(no_array); i++)
        assert_int_equal(refusal_of(true, no_array[i]), JSON_ERROR_SHAPE);
}

static void an_error_that_is_null_is_none(void **state)
{
    g_autoptr(JsonPage) page = good_page(false, "{\"error\":null,\"value\":[{}]}");
    (void)state;

    assert_int_equal(json_page_count(page), 1);
}

static void an_empty_body_and_a_web_page_are_no_json_q49(void **state)
{
    (void)state;
    assert_int_equal(refusal_of(false, ""), JSON_ERROR_TRUNCATED);
    assert_int_equal(refusal_of(true, ""), JSON_ERROR_TRUNCATED);
    assert_int_equal(refusal_of(false, "  \r\n"), JSON_ERROR_TRUNCATED);
    assert_int_equal(refusal_of(false, "<!DOCTYPE html><html></html>"), JSON_ERROR_SYNTAX);
}

static void a_body_cut_anywhere_is_never_a_page_q50(void **state)
{
    static const char text[] = "{\"value\":[{\"a\":1},{\"b\":[2,3]}],\"@odata.nextLink\":\"x\"}";
    (void)state;

    for (size_t length = 0; length < sizeof text - 1; length++) {
        int code;
        json_page_free(page_of(false, text, length, 0, &code));
        assert_int_equal(code, JSON_ERROR_TRUNCATED);
    }
}

static void a_byte_order_mark_belongs_to_no_record_q48(void **state)
{
    g_autoptr(JsonPage) page = good_page(true, "\xef\xbb\xbf[{\"a\":1}]");
    (void)state;

    assert_int_equal(json_page_bytes(page), 12);
    assert_record(page, 0, "{\"a\":1}", JSON_FAULT_NONE);
}

static void bad_text_marks_its_record_and_no_other_q47(void **state)
{
    g_autoptr(JsonPage) page = good_page(
        false, "{\"x\xff\":\"y\xff\",\"value\":[{\"a\":\"\xc3\xa9\"},{\"a\":{\"b\":\"\xc3(\"}},[1],{\"\x80\":1},"
               "\"\xed\xa0\x80\",\"\x01\",\"fine\",{\"c\":[\"a\nb\",\"c\"]},{}]}");
    static const enum json_fault faults[] = {
        JSON_FAULT_NONE, JSON_FAULT_TEXT, JSON_FAULT_NONE, JSON_FAULT_TEXT, JSON_FAULT_TEXT,
        JSON_FAULT_TEXT, JSON_FAULT_NONE, JSON_FAULT_TEXT, JSON_FAULT_NONE,
    };
    (void)state;

    assert_int_equal(json_page_count(page), G_N_ELEMENTS(faults));
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
        assert_int_equal(json_page_record(page, i).fault, faults[i]);
    assert_record(page, 1, "{\"a\":{\"b\":\"\xc3(\"}}", JSON_FAULT_TEXT);
    assert_record(page, 4, "\"\xed\xa0\x80\"", JSON_FAULT_TEXT);
    assert_string_equal(json_page_member(page, "x\xef\xbf\xbd"), "y\xef\xbf\xbd");
}

static char *nested_record(size_t levels)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < levels; i++)
        g_string_append(text, i % 2 == 0 ? "{\"a\":" : "[");
    g_string_append_c(text, '1');
    for (size_t i = levels; i > 0; i--)
        g_string_append_c(text, i % 2 == 1 ? '}' : ']');
    return g_string_free(text, FALSE);
}

static void a_record_nested_too_deep_is_cut_out_whole_and_marked_q55(void **state)
{
    static const size_t levels[] = {1, JSON_DEPTH_MAX - 1, JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 1000, 100000};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        g_autofree char *record = nested_record(levels[i]);
        g_autofree char *bare = g_strdup_printf("[%s,{}]", record);
        g_autofree char *whole = g_strdup_printf("{\"value\":%s}", bare);
        g_autoptr(JsonPage) array = good_page(true, bare);
        g_autoptr(JsonPage) page = good_page(false, whole);
        enum json_fault fault = levels[i] > JSON_DEPTH_MAX ? JSON_FAULT_DEPTH : JSON_FAULT_NONE;

        assert_record(array, 0, record, fault);
        assert_record(array, 1, "{}", JSON_FAULT_NONE);
        assert_record(page, 0, record, fault);
        assert_record(page, 1, "{}", JSON_FAULT_NONE);
    }
}

static void large_records_and_strings_are_taken_q56(void **state)
{
    g_autofree char *string = g_strnfill(70000, 's');
    g_autoptr(GString) text = g_string_new("{\"value\":[{\"long\":\"");
    (void)state;

    g_string_append_printf(text, "%s\",\"targetResources\":[", string);
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(text, "%s{\"id\":\"%08d\",\"modifiedProperties\":[{\"oldValue\":null}]}",
                               i > 0 ? "," : "", i);
    g_string_append(text, "]}]}");
    g_autoptr(JsonPage) page = good_page(false, text->str);
    assert_int_equal(json_page_count(page), 1);
    assert_true(json_page_record(page, 0).length > MEGABYTE);
    assert_int_equal(json_page_record(page, 0).length, text->len - strlen("{\"value\":[]}"));
}

/* All that can be asked of a page, as one text. */
static GString *everything(const struct json_page *page, int code)
{
    GString *all = g_string_new(NULL);

    g_string_append_printf(all, "%d %zu ", code, json_page_bytes(page));
    g_string_append_len(all, json_page_body(page), (gssize)json_page_bytes(page));
    for (size_t i = 0; i < json_page_count(page); i++) {
        struct json_slice slice = json_page_record(page, i);
        g_string_append_printf(all, "\n%zu %d ", (size_t)(slice.bytes - json_page_body(page)), slice.fault);
        g_string_append_len(all, slice.bytes, (gssize)slice.length);
    }
    g_string_append_printf(all, "\n%s", json_page_member(page, "a") != NULL ? json_page_member(page, "a") : "-");
    return all;
}

static void assert_chunks_make_no_difference(bool array, const char *text, size_t length)
{
    static const size_t sizes[] = {1, 2, 3, 5, 7, 8, 13, 64};
    int code;
    g_autoptr(JsonPage) whole = page_of(array, text, length, 0, &code);
    g_autoptr(GString) wanted = everything(whole, code);

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(JsonPage) page = page_of(array, text, length, sizes[i], &code);
        g_autoptr(GString) found = everything(page, code);
        if (code == -1 || code == JSON_ERROR_SHAPE)
            assert_string_equal(found->str, wanted->str);
        else /* the error shows as soon as its byte is there, perhaps before the rest of the body */
            assert_int_equal(found->str[0], wanted->str[0]);
    }
}

static void chunks_make_no_difference(void **state)
{
    static const char page[] =
        "\xef\xbb\xbf{\"a\":\"x\\u00e9y\",\"value\":[{\"b\":\"\xf0\x9f\x9a\x80 long enough to span\"},"
        "12,\"s\xff\",[[]],{}],\"c\":1}";
    static const char array[] = "[{\"a\":1},\"b\\\\\",-1.5e+10,{\"c\":{\"d\":[true,false,null]}}]";
    static const char *const texts[] = {page, array, "{\"error\":{\"code\":\"x\"}}"};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_chunks_make_no_difference(false, texts[i], strlen(texts[i]));
        assert_chunks_make_no_difference(true, texts[i], strlen(texts[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(json_valid); i++)
        assert_chunks_make_no_difference(true, json_valid[i].bytes, json_valid[i].length);
    for (size_t i = 0; i < G_N_ELEMENTS(json_invalid); i++)
        assert_chunks_make_no_difference(true, json_invalid[i].bytes, json_invalid[i].length);
}

static void records_can_be_taken_while_the_body_still_arrives(void **state)
{
    g_autoptr(JsonPage) page = json_page_new(false, MEGABYTE);
    (void)state;

    assert_true(feed(page, "{\"value\":[{\"a\":1},{\"b\"", NULL));
    assert_int_equal(json_page_count(page), 1);
    assert_record(page, 0, "{\"a\":1}", JSON_FAULT_NONE);
    assert_true(feed(page, ":2}]}", NULL));
    assert_int_equal(json_page_count(page), 2);
    assert_true(json_page_finish(page, NULL));
    assert_true(json_page_finish(page, NULL)); /* asking twice changes nothing */
    assert_record(page, 1, "{\"b\":2}", JSON_FAULT_NONE);
}

static void a_body_above_the_cap_is_an_error_never_a_shorter_page_q51(void **state)
{
    static const char text[] = "[{\"a\":1},{\"b\":2}]";
    (void)state;

    for (size_t cap = 0; cap < sizeof text - 1; cap++) {
        g_autoptr(JsonPage) page = json_page_new(true, cap);
        g_autoptr(GError) error = NULL;
        assert_false(json_page_feed(page, text, sizeof text - 1, &error));
        assert_true(g_error_matches(error, JSON_ERROR, JSON_ERROR_TOO_LARGE));
        assert_int_equal(json_page_bytes(page), cap);
        assert_memory_equal(json_page_body(page), text, cap);
        assert_false(json_page_finish(page, NULL));
    }
    g_autoptr(JsonPage) page = json_page_new(true, sizeof text - 1);
    assert_true(json_page_feed(page, text, sizeof text - 1, NULL));
    assert_true(json_page_finish(page, NULL));
    assert_int_equal(json_page_count(page), 2);
}

static void after_an_error_the_body_goes_on_for_the_error_text_q114(void **state)
{
    g_autoptr(JsonPage) page = json_page_new(false, 40);
    g_autoptr(GError) first = NULL, second = NULL, third = NULL;
    (void)state;

    assert_false(feed(page, "<html>", &first));
    assert_false(feed(page, "Service unavailable", &second));
    assert_string_equal(json_page_body(page), "<html>Service unavailable");
    assert_string_equal(first->message, second->message);
    assert_false(feed(page, "and far more than the cap allows", &third));
    assert_int_equal(third->code, JSON_ERROR_SYNTAX); /* the first reason stays the reason */
    assert_int_equal(json_page_bytes(page), 40);
    assert_int_equal(strlen(json_page_body(page)), 40);
    assert_false(json_page_finish(page, NULL));
}

static void the_body_of_an_error_object_stays_readable(void **state)
{
    static const char text[] = "{\"error\":{\"code\":\"UnknownError\"}}";
    int code;
    g_autoptr(JsonPage) page = page_of(false, text, sizeof text - 1, 5, &code);
    (void)state;

    assert_int_equal(code, JSON_ERROR_SHAPE);
    assert_string_equal(json_page_body(page), text);
}

static void a_page_that_was_reset_is_as_new(void **state)
{
    g_autoptr(JsonPage) page = json_page_new(false, 16 * MEGABYTE);
    g_autofree char *large = g_strnfill(6 * MEGABYTE, ' ');
    (void)state;

    assert_string_equal(json_page_body(page), "");
    assert_true(feed(page, "{\"a\":\"old\",\"value\":[\"\xff", NULL));
    json_page_reset(page); /* in the middle of a record */
    assert_int_equal(json_page_bytes(page), 0);
    assert_int_equal(json_page_count(page), 0);
    assert_string_equal(json_page_body(page), "");
    assert_null(json_page_member(page, "a"));
    assert_false(feed(page, "{\"error\":1]", NULL));
    json_page_reset(page); /* after an error */
    assert_true(json_page_feed(page, large, 6 * MEGABYTE, NULL));
    json_page_reset(page); /* with much memory */
    assert_true(feed(page, "{\"value\":[{}]}", NULL));
    assert_true(json_page_finish(page, NULL));
    assert_record(page, 0, "{}", JSON_FAULT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_the_exact_bytes_received),
        cmocka_unit_test(a_bare_array_is_cut_as_well),
        cmocka_unit_test(elements_that_are_no_objects_are_cut_too),
        cmocka_unit_test(an_empty_page_is_a_page_q1),
        cmocka_unit_test(members_are_found_before_and_after_the_records),
        cmocka_unit_test(members_are_decoded_and_their_case_counts_q13_q63),
        cmocka_unit_test(of_a_doubled_member_the_last_one_counts_q53),
        cmocka_unit_test(a_link_is_a_string_or_null_and_given_once),
        cmocka_unit_test(a_bad_link_is_forgotten_with_its_page),
        cmocka_unit_test(a_link_of_ten_kilobytes_is_kept_whole_q12),
        cmocka_unit_test(a_name_spelled_with_escapes_is_still_value),
        cmocka_unit_test(bodies_of_another_shape_are_refused_q3),
        cmocka_unit_test(an_error_that_is_null_is_none),
        cmocka_unit_test(an_empty_body_and_a_web_page_are_no_json_q49),
        cmocka_unit_test(a_body_cut_anywhere_is_never_a_page_q50),
        cmocka_unit_test(a_byte_order_mark_belongs_to_no_record_q48),
        cmocka_unit_test(bad_text_marks_its_record_and_no_other_q47),
        cmocka_unit_test(a_record_nested_too_deep_is_cut_out_whole_and_marked_q55),
        cmocka_unit_test(large_records_and_strings_are_taken_q56),
        cmocka_unit_test(chunks_make_no_difference),
        cmocka_unit_test(records_can_be_taken_while_the_body_still_arrives),
        cmocka_unit_test(a_body_above_the_cap_is_an_error_never_a_shorter_page_q51),
        cmocka_unit_test(after_an_error_the_body_goes_on_for_the_error_text_q114),
        cmocka_unit_test(the_body_of_an_error_object_stays_readable),
        cmocka_unit_test(a_page_that_was_reset_is_as_new),
    };
    return cmocka_run_group_tests_name("json page", tests, NULL, NULL);
}
