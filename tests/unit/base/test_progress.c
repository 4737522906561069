/* Lines of progress, as a terminal gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/text.h"

static int kept_stderr;

/* Sends stderr into a file until the next written. */
static FILE *begin(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    fflush(stderr);
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    return file;
}

/* What was written. Returned: g_free. */
static char *written(FILE *file)
{
    GString *text = g_string_new(NULL);
    char part[4096];
    size_t n;

    fflush(stderr);
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(file);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        g_string_append_len(text, part, (gssize)n);
    fclose(file);
    return g_string_free(text, FALSE);
}

static GPtrArray *lines_of(const char *first, const char *second)
{
    GPtrArray *lines = g_ptr_array_new();

    g_ptr_array_add(lines, (gpointer)first);
    if (second)
        g_ptr_array_add(lines, (gpointer)second);
    return lines;
}

static void new_lines_take_the_place_of_the_last_ones_and_go_at_the_end(void **state)
{
    g_autoptr(GPtrArray) two = lines_of("one", "two"), three = lines_of("three", NULL);
    FILE *file = begin();
    struct progress *progress = progress_new(true);

    (void)state;
    progress_draw(progress, two);
    progress_draw(progress, three);
    progress_free(progress);
    g_autofree char *text = written(file);
    assert_string_equal(text, "one\ntwo\n\x1b[2F\x1b[Jthree\n\x1b[1F\x1b[J");
}

static void without_a_terminal_nothing_is_drawn(void **state)
{
    g_autoptr(GPtrArray) lines = lines_of("one", NULL);
    FILE *file = begin();
    struct progress *progress = progress_new(false);

    (void)state;
    assert_false(progress_due(progress));
    progress_draw(progress, lines);
    progress_free(progress);
    progress_free(NULL);
    g_autofree char *text = written(file);
    assert_string_equal(text, "");
}

static void it_is_due_at_once_and_not_again_right_after(void **state)
{
    g_autoptr(GPtrArray) lines = lines_of("one", NULL);
    FILE *file = begin();
    struct progress *progress = progress_new(true);

    (void)state;
    assert_true(progress_due(progress));
    progress_draw(progress, lines);
    assert_false(progress_due(progress));
    progress_free(progress);
    g_free(written(file));
}

static void a_line_of_the_log_steps_around_it(void **state)
{
    g_autoptr(GPtrArray) lines = lines_of("working", NULL);
    FILE *file = begin();
    struct progress *progress = progress_new(true);

    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, NULL);
    progress_draw(progress, lines);
    log_write(LOG_LEVEL_INFO, "something", NULL);
    progress_free(progress);
    log_write(LOG_LEVEL_INFO, "later", NULL);
    g_autofree char *text = written(file);
    assert_true(g_str_has_prefix(text, "working\n\x1b[1F\x1b[Jtime="));
    assert_non_null(strstr(text, "something\nworking\n\x1b[1F\x1b[Jtime="));
    assert_true(g_str_has_suffix(text, "later\n"));
}

static void lines_never_wrap_and_are_few(void **state)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    FILE *file = begin();
    struct progress *progress = progress_new(true);

    (void)state;
    for (int i = 0; i < 40; i++)
        g_ptr_array_add(lines, g_strnfill(500, 'x'));
    progress_draw(progress, lines);
    progress_free(progress);
    g_autofree char *text = written(file);
    g_auto(GStrv) drawn = g_strsplit(text, "\n", -1);
    assert_int_equal(g_strv_length(drawn), 13); /* twelve, and what clears them */
    assert_int_equal(text_width(drawn[0]), 79);
    assert_string_equal(drawn[12], "\x1b[12F\x1b[J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_lines_take_the_place_of_the_last_ones_and_go_at_the_end),
        cmocka_unit_test(without_a_terminal_nothing_is_drawn),
        cmocka_unit_test(it_is_due_at_once_and_not_again_right_after),
        cmocka_unit_test(a_line_of_the_log_steps_around_it),
        cmocka_unit_test(lines_never_wrap_and_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
