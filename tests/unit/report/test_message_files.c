/* Reports as files: the page, their names, and what a disk may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/message.h"
#include "report/report.h"

static const char html[] = "<!doctype html><html><head><title>Health</title></head><body><p>Gr\u00fc\u00dfe</p>"
                           "<img src=\"cid:overview.png\" alt=\"\"></body></html>\n";

/* A report, and a folder to write it to. */
struct stage {
    char *base, *folder; /* the second is in the first, and not there yet */
    struct report_chart charts[2];
    GPtrArray *list;
    struct report_words words;
    GBytes *message;
    GPtrArray *files;
};

static int set_up(void **state)
{
    struct stage *stage = g_new0(struct stage, 1);

    stage->base = g_dir_make_tmp("m365keep-report-XXXXXX", NULL);
    stage->folder = g_build_filename(stage->base, "a", "b", NULL);
    stage->list = g_ptr_array_new();
    stage->charts[0] = (struct report_chart){.name = (char *)"overview.png", .png = g_bytes_new_static("\x89PNG", 4)};
    stage->charts[1] = (struct report_chart){.name = (char *)"exchange.png", .png = g_bytes_new_static("\x89PNX", 4)};
    for (size_t i = 0; i < G_N_ELEMENTS(stage->charts); i++)
        g_ptr_array_add(stage->list, &stage->charts[i]);
    stage->words = (struct report_words){(char *)"Service health", (char *)html, (char *)"All is well.\n"};
    stage->message = g_bytes_new_static("Date: x\r\n\r\n\r\n", 13);
    stage->files = g_ptr_array_new_with_free_func(g_free);
    *state = stage;
    return stage->base == NULL;
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);

    for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_all(child);
    }
    if (dir != NULL)
        rmdir(path);
    else
        unlink(path);
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    remove_all(stage->base);
    for (size_t i = 0; i < G_N_ELEMENTS(stage->charts); i++)
        g_bytes_unref(stage->charts[i].png);
    g_ptr_array_unref(stage->list);
    g_bytes_unref(stage->message);
    g_ptr_array_unref(stage->files);
    g_free(stage->base);
    g_free(stage->folder);
    g_free(stage);
    return 0;
}

static bool write_to(const struct stage *stage, const char *folder, GError **error)
{
    return message_write_files(folder, "contoso-2026-11-22", stage->message, &stage->words, stage->list, stage->files,
                               error);
}

static void write_well(const struct stage *stage)
{
    g_autoptr(GError) error = NULL;

    if (!write_to(stage, stage->folder, &error))
        fail_msg("%s", error->message);
}

/* Fails with REPORT_ERROR_FILE; the words have `what` and `why` in them. */
static void fail_writing(const struct stage *stage, const char *folder, const char *what, int why)
{
    g_autoptr(GError) error = NULL;

    assert_false(write_to(stage, folder, &error));
    assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_FILE));
    if (strstr(error->message, what) == NULL || !g_str_has_suffix(error->message, g_strerror(why)))
        fail_msg("not %s and %s: %s", what, g_strerror(why), error->message);
}

static guint count_entries(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    guint count = 0;

    assert_non_null(dir);
    while (g_dir_read_name(dir) != NULL)
        count++;
    return count;
}

static char *content_of(const char *folder, const char *name, gsize *length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *content = NULL;

    if (!g_file_get_contents(path, &content, length, NULL))
        fail_msg("%s cannot be read", path);
    return content;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void a_page_has_its_pictures_inside(void **state)
{
    const struct stage *stage = *state;
    g_autofree char *page = message_page(&stage->words, stage->list);

    assert_string_equal(page, "<!doctype html><html><head><meta charset=\"utf-8\"><meta http-equiv="
                              "\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
                              "'unsafe-inline'\"><title>Health</title></head><body><p>Gr\u00fc\u00dfe</p><img "
                              "src=\"data:image/png;base64,iVBORw==\" alt=\"\"></body></html>\n");
}

static void a_page_names_its_character_set_once(void **state)
{
    static const struct {
        const char *html, *head; /* head: what comes before the policy */
    } rows[] = {
        {"", "<meta charset=\"utf-8\">"},
        {"x", "<meta charset=\"utf-8\">"},
        {"<head>x", "<head><meta charset=\"utf-8\">"},
        {"<head\n>x", "<head\n><meta charset=\"utf-8\">"},
        {"<header>x", "<meta charset=\"utf-8\">"},
        {"<!DOCTYPE html><header>x", "<!DOCTYPE html><meta charset=\"utf-8\">"},
        {"<head><meta charset=\"utf-8\">", "<head>"},
        {"<head><META HTTP-EQUIV=content-type CONTENT='text/html; CharSet=utf-8'>", "<head>"},
        {"<head><meta name=x>charset", "<head><meta charset=\"utf-8\">"},
        {"<head", "<meta charset=\"utf-8\">"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct report_words words = {.html = (char *)rows[i].html};
        g_autofree char *page = message_page(&words, NULL);
        g_autofree char *head = g_strconcat(rows[i].head, "<meta http-equiv=\"Content-Security-Policy\"", NULL);
        if (!g_str_has_prefix(page, head))
            fail_msg("%s: %s", rows[i].html, page);
    }
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void a_customer_and_its_days_make_a_file_name(void **state)
{
    static const struct {
        const char *customer, *first, *last, *stem;
    } rows[] = {
        {"contoso", "2026-11-22", "2026-11-22", "contoso-2026-11-22"},
        {"contoso", "2026-11-01", "2026-11-30", "contoso-2026-11-01_2026-11-30"},
        {"contoso-ltd", "2026-11-22", "2026-11-22", "contoso-ltd-2026-11-22"},
        {"Contoso", "2026-11-22", "2026-11-22", "contoso-bc650a04-2026-11-22"},
        {"M\u00fcller & S\u00f6hne/..", "2026-11-22", "2026-11-22", "muller-sohne-6cf9fa42-2026-11-22"},
        {"\u5065", "2026-11-22", "2026-11-22", "customer-0ce4a038-2026-11-22"},
        {"..", "2026-11-22", "2026-11-22", "customer-411e1b03-2026-11-22"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *stem = message_stem(rows[i].customer, rows[i].first, rows[i].last);
        assert_string_equal(stem, rows[i].stem);
    }
}

static void different_customers_have_different_files(void **state)
{
    static const char *const names[] = {
        "contoso",
        "Contoso",
        "contoso ",
        "cont\u00f6so",
        "contoso-",
        "contoso.",
        "-contoso",
        "\u5065",
        "\u5eb7",
        "/",
        "\\",
        "customer",
        "\xff",
        "\xfe",
        "a very long name of a customer, that nobody would ever read to its end in the list of files A",
        "a very long name of a customer, that nobody would ever read to its end in the list of files B"};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        char *stem = message_stem(names[i], "2026-11-22", "2026-11-22");
        assert_true(strspn(stem, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(stem) && strlen(stem) < 100);
        g_hash_table_add(seen, stem);
    }
    assert_int_equal(g_hash_table_size(seen), G_N_ELEMENTS(names));
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void a_report_is_written_with_its_folder(void **state)
{
    struct stage *stage = *state;
    static const char *const names[] = {"contoso-2026-11-22-overview.png", "contoso-2026-11-22-exchange.png",
                                        "contoso-2026-11-22.html", "contoso-2026-11-22.eml"};
    gsize length;

    write_well(stage);
    assert_int_equal(stage->files->len, G_N_ELEMENTS(names));
    for (guint i = 0; i < stage->files->len; i++) {
        g_autofree char *path = g_build_filename(stage->folder, names[i], NULL);
        assert_string_equal(g_ptr_array_index(stage->files, i), path);
    }
    assert_int_equal(count_entries(stage->folder), G_N_ELEMENTS(names));
    g_autofree char *picture = content_of(stage->folder, names[1], &length);
    assert_int_equal(length, 4);
    assert_memory_equal(picture, "\x89PNX", 4);
    g_autofree char *page = content_of(stage->folder, names[2], NULL),
                    *expected = message_page(&stage->words, stage->list);
    assert_string_equal(page, expected);
    g_autofree char *message = content_of(stage->folder, names[3], NULL);
    assert_string_equal(message, "Date: x\r\n\r\n\r\n");
}

static void a_report_without_a_mail_has_no_eml(void **state)
{
    struct stage *stage = *state;

    g_clear_pointer(&stage->message, g_bytes_unref);
    write_well(stage);
    stage->message = g_bytes_new_static("", 0);
    assert_int_equal(stage->files->len, 3);
    assert_int_equal(count_entries(stage->folder), 3);
}

static int mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return (int)(info.st_mode & 0777);
}

static void files_are_the_owners_and_the_groups_less_the_umask(void **state)
{
    struct stage *stage = *state;
    static const struct {
        mode_t mask;
        int file, folder;
    } rows[] = {{022, 0640, 0750}, {077, 0600, 0700}, {0, 0640, 0750}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        mode_t before = umask(rows[i].mask);
        write_well(stage);
        umask(before);
        assert_int_equal(mode_of(g_ptr_array_index(stage->files, stage->files->len - 1)), rows[i].file);
        assert_int_equal(mode_of(stage->folder), rows[i].folder);
        remove_all(stage->folder);
    }
}

static void what_an_earlier_run_wrote_is_replaced(void **state)
{
    struct stage *stage = *state;

    write_well(stage);
    g_bytes_unref(stage->message);
    stage->message = g_bytes_new_static("another", 7);
    write_well(stage);
    g_autofree char *message = content_of(stage->folder, "contoso-2026-11-22.eml", NULL);
    assert_string_equal(message, "another");
    assert_int_equal(count_entries(stage->folder), 4);
}

static void a_symbolic_link_is_replaced_and_not_followed(void **state)
{
    struct stage *stage = *state;
    g_autofree char *target = g_build_filename(stage->base, "target", NULL);
    g_autofree char *link = g_build_filename(stage->folder, "contoso-2026-11-22.eml", NULL);

    assert_true(g_file_set_contents(target, "kept", -1, NULL));
    assert_int_equal(g_mkdir_with_parents(stage->folder, 0700), 0);
    assert_int_equal(symlink(target, link), 0);
    write_well(stage);
    assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_autofree char *kept = content_of(stage->base, "target", NULL);
    assert_string_equal(kept, "kept");
}

static void a_file_in_the_place_of_the_folder_is_named(void **state)
{
    struct stage *stage = *state;
    g_autofree char *parent = g_build_filename(stage->base, "a", NULL);

    assert_true(g_file_set_contents(parent, "a file", -1, NULL));
    fail_writing(stage, stage->folder, stage->folder, ENOTDIR);
    fail_writing(stage, parent, parent, ENOTDIR);
    assert_int_equal(stage->files->len, 0);
}

static void a_folder_in_the_place_of_a_file_is_named(void **state)
{
    struct stage *stage = *state;
    g_autofree char *place = g_build_filename(stage->folder, "contoso-2026-11-22.html", NULL);

    assert_int_equal(g_mkdir_with_parents(place, 0700), 0);
    fail_writing(stage, stage->folder, place, EISDIR);
    assert_int_equal(stage->files->len, 2); /* the pictures before it */
    assert_int_equal(count_entries(stage->folder), 3);
}

static void a_folder_that_takes_no_files_is_named(void **state)
{
    struct stage *stage = *state;

    /* Not even root makes files there. */
    fail_writing(stage, "/proc/self/fd", "/proc/self/fd/contoso-2026-11-22-overview.png", ENOENT);
    fail_writing(stage, "/proc/self/reports", "/proc/self/reports", ENOENT);
    if (geteuid() != 0) {
        assert_int_equal(g_mkdir_with_parents(stage->folder, 0700), 0);
        assert_int_equal(chmod(stage->folder, 0500), 0);
        fail_writing(stage, stage->folder, stage->folder, EACCES);
    }
}

static void a_disk_that_is_full_leaves_the_file_of_before(void **state)
{
    struct stage *stage = *state;
    struct rlimit before, little = {.rlim_cur = 64};

    write_well(stage);
    g_ptr_array_set_size(stage->files, 0);
    g_bytes_unref(stage->message);
    stage->message = g_bytes_new_static("another", 7);
    /* The nearest to a full disk that needs no rights: no file may grow beyond this, the page does. */
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    fail_writing(stage, stage->folder, "contoso-2026-11-22.html", EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(stage->files->len, 2);
    assert_int_equal(count_entries(stage->folder), 4); /* nothing half is left */
    g_autofree char *page = content_of(stage->folder, "contoso-2026-11-22.html", NULL);
    g_autofree char *expected = message_page(&stage->words, stage->list);
    assert_string_equal(page, expected);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_page_has_its_pictures_inside),
        cmocka_unit_test(a_page_names_its_character_set_once),
        cmocka_unit_test(a_customer_and_its_days_make_a_file_name),
        cmocka_unit_test(different_customers_have_different_files),
        STAGED(a_report_is_written_with_its_folder),
        STAGED(a_report_without_a_mail_has_no_eml),
        STAGED(files_are_the_owners_and_the_groups_less_the_umask),
        STAGED(what_an_earlier_run_wrote_is_replaced),
        STAGED(a_symbolic_link_is_replaced_and_not_followed),
        STAGED(a_file_in_the_place_of_the_folder_is_named),
        STAGED(a_folder_in_the_place_of_a_file_is_named),
        STAGED(a_folder_that_takes_no_files_is_named),
        STAGED(a_disk_that_is_full_leaves_the_file_of_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
