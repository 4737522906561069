/* Lines of the log, as they arrive on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

static struct clock standing; /* at 2026-11-20T07:01:02Z */
static int kept_stderr;

static int setup(void **state)
{
    (void)state;
    return clock_init(&standing, "1795158062@0@0", NULL) ? 0 : -1;
}

/* Sends stderr into a file until the next log_end. */
static FILE *log_begin(enum log_level most, enum log_format format)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    fflush(stderr);
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    log_init(most, format, &standing);
    return file;
}

/* What was written. Returned: g_free. */
static char *log_end(FILE *file)
{
    GString *text = g_string_new(NULL);
    char part[4096];
    size_t n;

    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(file);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        g_string_append_len(text, part, (gssize)n);
    fclose(file);
    return g_string_free(text, FALSE);
}

static void a_line_has_time_level_sentence_and_pairs(void **state)
{
    (void)state;
    FILE *file = log_begin(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
    log_write(LOG_LEVEL_WARN, "The service asks for a pause", "customer", "contoso", "wait_s", "30", NULL);
    log_write(LOG_LEVEL_ERROR, "Stopped", NULL);
    log_write(LOG_LEVEL_INFO, "x", "absent", NULL, "empty", "", "path", "/a/b?c=d", NULL);
    log_write(LOG_LEVEL_DEBUG, "y", NULL);
    g_autofree char *text = log_end(file);
    assert_string_equal(
        text, "time=2026-11-20T07:01:02Z level=warn msg=\"The service asks for a pause\" customer=contoso wait_s=30\n"
              "time=2026-11-20T07:01:02Z level=error msg=Stopped\n"
              "time=2026-11-20T07:01:02Z level=info msg=x empty=\"\" path=\"/a/b?c=d\"\n"
              "time=2026-11-20T07:01:02Z level=debug msg=y\n");
}

static void a_hostile_value_cannot_break_the_line_q62(void **state)
{
    (void)state;
    FILE *file = log_begin(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_write(LOG_LEVEL_INFO, "m", "a", "x\nlevel=error msg=forged", "b", "say \"hi\"\\", "c",
              "\x1b[2J\xe2\x80\xae\xff", NULL);
    g_autofree char *text = log_end(file);
    assert_string_equal(text, "time=2026-11-20T07:01:02Z level=info msg=m a=\"x level=error msg=forged\" "
                              "b=\"say \\\"hi\\\"\\\\\" c=\"\\\\x1b[2J\\\\u202e\xef\xbf\xbd\"\n");
}

static void json_lines_are_json_and_safe_to_print(void **state)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    static const char hostile[] = "x\n\x1b[2J\"\\\xe2\x80\xae\xc2\x9b\xf3\xa0\x81\x81";
    (void)state;

    FILE *file = log_begin(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_WARN, "A sentence", "customer", "contoso", "absent", NULL, "name", hostile, "bytes", "\xff",
              NULL);
    g_autofree char *text = log_end(file);
    const struct json_node *line = json_tree_parse(tree, text, strlen(text), NULL);
    assert_non_null(line);
    assert_string_equal(json_get_string(line, "time"), "2026-11-20T07:01:02Z");
    assert_string_equal(json_get_string(line, "level"), "warn");
    assert_string_equal(json_get_string(line, "message"), "A sentence");
    assert_string_equal(json_get_string(line, "customer"), "contoso");
    assert_string_equal(json_get_string(line, "name"), hostile);
    assert_string_equal(json_get_string(line, "bytes"), "\xef\xbf\xbd");
    assert_null(json_get(line, "absent"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    for (const char *c = text; *c != '\n'; c++)
        assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strstr(text, "\xf3\xa0\x81\x81"));
}

static void lines_above_the_level_are_not_written(void **state)
{
    (void)state;
    FILE *file = log_begin(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    log_write(LOG_LEVEL_DEBUG, "no", NULL);
    log_write(LOG_LEVEL_INFO, "no", NULL);
    log_write(LOG_LEVEL_WARN, "yes", NULL);
    log_write(LOG_LEVEL_ERROR, "yes", NULL);
    assert_true(log_wants(LOG_LEVEL_ERROR) && log_wants(LOG_LEVEL_WARN));
    assert_false(log_wants(LOG_LEVEL_INFO) || log_wants(LOG_LEVEL_DEBUG));
    g_autofree char *text = log_end(file);
    assert_string_equal(
        text, "time=2026-11-20T07:01:02Z level=warn msg=yes\ntime=2026-11-20T07:01:02Z level=error msg=yes\n");
}

static void step_aside(void *user)
{
    assert_true(write(STDERR_FILENO, user, 1) == 1);
}

static void step_back(void *user)
{
    assert_true(write(STDERR_FILENO, (char *)user + 1, 1) == 1);
}

static void the_hooks_run_around_each_line_that_is_written(void **state)
{
    char marks[] = "<>";
    (void)state;

    FILE *file = log_begin(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_hooks(step_aside, step_back, marks);
    log_write(LOG_LEVEL_INFO, "one", NULL);
    log_write(LOG_LEVEL_DEBUG, "none", NULL);
    log_set_hooks(NULL, NULL, NULL);
    log_write(LOG_LEVEL_INFO, "two", NULL);
    g_autofree char *text = log_end(file);
    assert_string_equal(
        text, "<time=2026-11-20T07:01:02Z level=info msg=one\n>time=2026-11-20T07:01:02Z level=info msg=two\n");
}

enum { THREADS = 4, LINES = 200 };

static gpointer write_lines(gpointer name)
{
    for (int i = 0; i < LINES; i++)
        log_write(LOG_LEVEL_INFO, "A line", "thread", name, "value", "some text that is long enough to be cut", NULL);
    return NULL;
}

static void lines_of_several_threads_stay_whole(void **state)
{
    static char names[THREADS][8];
    GThread *threads[THREADS];
    int seen[THREADS] = {0};
    (void)state;

    FILE *file = log_begin(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    for (int i = 0; i < THREADS; i++) {
        g_snprintf(names[i], sizeof names[i], "t%d", i);
        threads[i] = g_thread_new(names[i], write_lines, names[i]);
    }
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_autofree char *text = log_end(file);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; i < THREADS * LINES; i++) {
        int thread = lines[i][strlen("time=2026-11-20T07:01:02Z level=info msg=\"A line\" thread=t")] - '0';
        g_autofree char *wanted = g_strdup_printf("time=2026-11-20T07:01:02Z level=info msg=\"A line\" thread=t%d "
                                                  "value=\"some text that is long enough to be cut\"",
                                                  thread);
        assert_string_equal(lines[i], wanted);
        assert_in_range(thread, 0, THREADS - 1);
        seen[thread]++;
    }
    assert_string_equal(lines[THREADS * LINES], "");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(seen[i], LINES);
}

static void without_a_clock_lines_carry_the_real_time(void **state)
{
    (void)state;
    FILE *file = log_begin(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, NULL);
    log_write(LOG_LEVEL_INFO, "now", NULL);
    g_autofree char *text = log_end(file);
    assert_true(g_str_has_prefix(text, "time=20"));
    assert_true(g_str_has_suffix(text, "Z level=info msg=now\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_sentence_and_pairs),
        cmocka_unit_test(a_hostile_value_cannot_break_the_line_q62),
        cmocka_unit_test(json_lines_are_json_and_safe_to_print),
        cmocka_unit_test(lines_above_the_level_are_not_written),
        cmocka_unit_test(the_hooks_run_around_each_line_that_is_written),
        cmocka_unit_test(lines_of_several_threads_stay_whole),
        cmocka_unit_test(without_a_clock_lines_carry_the_real_time),
    };
    return cmocka_run_group_tests_name("log", tests, setup, NULL);
}
