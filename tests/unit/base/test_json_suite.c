/* The reader against JSONTestSuite's test_parsing folder (https://github.com/nst/JSONTestSuite), where it is at hand:
 * y_ files must be accepted, n_ files refused, i_ files may be either. M365KEEP_JSON_TEST_SUITE names the folder; else
 * it is looked for beside the source tree. Without it the tests are skipped; test_json_reader proves the rules with
 * examples of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

enum { EVERY_SPLIT_BYTES = 2048, SPLITS_OF_LARGE = 12 };

struct file {
    char *name, *bytes;
    gsize length;
};

static void free_file(gpointer data)
{
    struct file *file = data;

    g_free(file->name);
    g_free(file->bytes);
    g_free(file);
}

static int setup(void **state)
{
    const char *folder = g_getenv("M365KEEP_JSON_TEST_SUITE");
    g_autofree char *beside =
        g_build_filename(M365KEEP_SOURCE_DIR, "..", "shared", "data", "json-test-suite", "test_parsing", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder != NULL ? folder : beside, 0, NULL);
    GPtrArray *files = g_ptr_array_new_with_free_func(free_file);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder != NULL ? folder : beside, name, NULL);
        struct file *file = g_new0(struct file, 1);
        g_ptr_array_add(files, file);
        file->name = g_strdup(name);
        if (!g_file_get_contents(path, &file->bytes, &file->length, NULL))
            return -1;
    }
    if (files->len == 0)
        print_message("JSONTestSuite is not at hand: set M365KEEP_JSON_TEST_SUITE to its test_parsing folder\n");
    *state = files;
    return 0;
}

static int teardown(void **state)
{
    g_ptr_array_unref(*state);
    return 0;
}

/* All that the reader says of the bytes [0, length), seen first up to `split`. */
static GString *verdict(const struct file *file, size_t split)
{
    GString *tokens = g_string_new(NULL);
    struct json_reader reader;
    enum json_token token;
    g_autofree char *first = g_memdup2(file->bytes, split); /* exact blocks: a byte too far is seen */
    g_autofree char *whole = g_memdup2(file->bytes, file->length);

    json_reader_init(&reader);
    json_reader_input(&reader, first, split, false);
    for (bool finished = false;; finished = true) {
        while ((token = json_reader_next(&reader)) > JSON_TOKEN_END)
            g_string_append_printf(tokens, "%d:%zu-%zu ", token, reader.start, reader.end);
        if (token != JSON_TOKEN_MORE || finished)
            break;
        json_reader_input(&reader, whole, file->length, true);
    }
    assert_int_not_equal(token, JSON_TOKEN_MORE);
    g_string_append(tokens, token == JSON_TOKEN_END ? "accepted" : reader.error->message);
    json_reader_clear(&reader);
    return tokens;
}

static bool accepts(const struct file *file)
{
    g_autoptr(GString) tokens = verdict(file, 0);
    return g_str_has_suffix(tokens->str, "accepted");
}

/* Before anything that is freed at the end of a scope: skip() jumps out of the test. */
static void skip_without_files(const GPtrArray *files)
{
    if (files->len == 0)
        skip();
}

static unsigned check(const GPtrArray *files, char kind, bool accepted)
{
    unsigned n = 0;

    for (guint i = 0; i < files->len; i++) {
        const struct file *file = g_ptr_array_index(files, i);
        if (file->name[0] != kind || file->name[1] != '_')
            continue;
        if (accepts(file) != accepted)
            fail_msg("%s: %s", accepted ? "refused" : "accepted", file->name);
        n++;
    }
    return n;
}

static void every_y_file_is_accepted(void **state)
{
    skip_without_files(*state);
    assert_true(check(*state, 'y', true) > 50);
}

static void every_n_file_is_refused(void **state)
{
    skip_without_files(*state);
    assert_true(check(*state, 'n', false) > 100);
}

static void no_i_file_does_harm(void **state)
{
    const GPtrArray *files = *state;
    unsigned accepted = 0, n = 0;

    skip_without_files(files);
    for (guint i = 0; i < files->len; i++) {
        const struct file *file = g_ptr_array_index(files, i);
        if (!g_str_has_prefix(file->name, "i_"))
            continue;
        n++;
        accepted += accepts(file);
    }
    print_message("implementation-defined: %u of %u accepted\n", accepted, n);
    assert_true(n > 10);
}

static void where_a_file_is_split_makes_no_difference(void **state)
{
    const GPtrArray *files = *state;

    skip_without_files(files);
    for (guint i = 0; i < files->len; i++) {
        const struct file *file = g_ptr_array_index(files, i);
        g_autoptr(GString) whole = verdict(file, 0);
        size_t step = file->length <= EVERY_SPLIT_BYTES ? 1 : file->length / SPLITS_OF_LARGE;
        for (size_t split = 1; split <= file->length; split += step) {
            g_autoptr(GString) parts = verdict(file, split);
            if (!g_string_equal(whole, parts))
                fail_msg("%s differs when split at %zu", file->name, split);
        }
    }
}

static void the_tree_agrees_with_the_reader(void **state)
{
    const GPtrArray *files = *state;

    skip_without_files(files);
    g_autoptr(JsonTree) tree = json_tree_new();
    for (guint i = 0; i < files->len; i++) {
        const struct file *file = g_ptr_array_index(files, i);
        g_autoptr(GError) error = NULL;
        bool parsed = json_tree_parse(tree, file->bytes, file->length, &error) != NULL;
        bool deep = error != NULL && error->code == JSON_ERROR_SHAPE;
        if (parsed != accepts(file) && !deep)
            fail_msg("%s: reader and tree differ", file->name);
    }
}

/* In a page, each accepted file is one record, byte for byte but for the white space and the mark around it. */
static void every_y_file_is_a_record_of_a_page(void **state)
{
    const GPtrArray *files = *state;

    skip_without_files(files);
    for (guint i = 0; i < files->len; i++) {
        const struct file *file = g_ptr_array_index(files, i);
        if (!g_str_has_prefix(file->name, "y_"))
            continue;
        g_autoptr(JsonPage) page = json_page_new(false, 1024 * 1024);
        assert_true(json_page_feed(page, "{\"value\":[", 10, NULL));
        assert_true(json_page_feed(page, file->bytes, file->length, NULL));
        assert_true(json_page_feed(page, "]}", 2, NULL));
        if (!json_page_finish(page, NULL) || json_page_count(page) != 1)
            fail_msg("no record: %s", file->name);
        struct json_slice slice = json_page_record(page, 0);
        g_autofree char *trimmed = g_strndup(file->bytes, file->length);
        g_strstrip(trimmed);
        assert_int_equal(slice.length, strlen(trimmed));
        assert_memory_equal(slice.bytes, trimmed, slice.length);
        assert_int_equal(slice.fault, JSON_FAULT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_y_file_is_accepted),
        cmocka_unit_test(every_n_file_is_refused),
        cmocka_unit_test(no_i_file_does_harm),
        cmocka_unit_test(where_a_file_is_split_makes_no_difference),
        cmocka_unit_test(the_tree_agrees_with_the_reader),
        cmocka_unit_test(every_y_file_is_a_record_of_a_page),
    };
    return cmocka_run_group_tests_name("JSONTestSuite", tests, setup, teardown);
}
