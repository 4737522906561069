/* The reserve: a file that is there when the disk is full, and nothing else. */
#include <fcntl.h>
#include <sys/stat.h>

#include "fixture.h"

static char *reserve_of(const struct fixture *fixture)
{
    return g_strconcat(fixture->path, ".reserve", NULL);
}

/* Makes the database so many bytes larger. */
static void grow(const struct fixture *fixture, int bytes)
{
    g_autofree char *sql = g_strdup_printf("CREATE TABLE ballast AS SELECT zeroblob(%d) AS bytes", bytes);
    execute(fixture, sql);
    execute(fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static int setup_large(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    grow(*state, 5 * STORE_RESERVE_BYTES);
    return 0;
}

static struct stat status_of(const char *file)
{
    struct stat status;
    assert_int_equal(lstat(file, &status), 0);
    return status;
}

static void it_is_made_whole_and_for_its_owner_alone(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    assert_true(store_reserve_make(fixture->store));
    struct stat status = status_of(file);
    assert_int_equal(status.st_size, STORE_RESERVE_BYTES);
    assert_true((int64_t)status.st_blocks * 512 >= STORE_RESERVE_BYTES); /* no file of holes: the disk has it */
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void it_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    assert_true(store_reserve_make(fixture->store));
    struct stat first = status_of(file);
    assert_true(store_reserve_make(fixture->store));
    struct stat second = status_of(file);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_int_equal(first.st_mtim.tv_nsec, second.st_mtim.tv_nsec);
}

static void one_that_was_begun_is_finished(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    assert_true(store_reserve_make(fixture->store));
    assert_int_equal(status_of(file).st_size, STORE_RESERVE_BYTES);
}

static void one_of_holes_is_filled(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, STORE_RESERVE_BYTES), 0);
    close(fd);
    assert_true(store_reserve_make(fixture->store));
    assert_true((int64_t)status_of(file).st_blocks * 512 >= STORE_RESERVE_BYTES);
}

static void it_is_given_back_once(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    assert_false(store_reserve_release(fixture->path));
    assert_true(store_reserve_make(fixture->store));
    assert_true(store_reserve_release(fixture->path));
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    assert_false(store_reserve_release(fixture->path));
}

static void a_small_database_gets_none(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    assert_false(store_reserve_make(fixture->store));
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}

static void it_lies_beside_the_database_itself_and_not_beside_a_link(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture), *folder = g_build_filename(fixture->folder, "links", NULL),
                    *link = g_build_filename(folder, "link.db", NULL), *beside = g_strconcat(link, ".reserve", NULL);
    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_int_equal(symlink(fixture->path, link), 0);
    g_autoptr(Store) store = store_open(link, STORE_WRITE, NULL);
    assert_non_null(store);
    assert_true(store_reserve_make(store));
    assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    assert_false(g_file_test(beside, G_FILE_TEST_EXISTS));
    assert_true(store_reserve_release(link));
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}

/* What lies there under its name and is none is left alone. */
static void what_is_no_reserve_is_neither_written_nor_removed(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture), *other = g_build_filename(fixture->folder, "other", NULL);
    assert_true(g_file_set_contents(other, "mine", 4, NULL));
    assert_int_equal(symlink(other, file), 0);
    assert_false(store_reserve_make(fixture->store));
    assert_false(store_reserve_release(fixture->path));
    assert_int_equal(status_of(other).st_size, 4);
    assert_int_equal(g_unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_false(store_reserve_make(fixture->store));
    assert_false(store_reserve_release(fixture->path));
    assert_int_equal(g_unlink(file), 0);
    assert_int_equal(g_mkdir(file, 0700), 0);
    assert_false(store_reserve_make(fixture->store));
    assert_false(store_reserve_release(fixture->path));
    assert_int_equal(g_rmdir(file), 0);
}

static void a_larger_file_of_that_name_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = reserve_of(fixture);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 2 * STORE_RESERVE_BYTES), 0);
    close(fd);
    assert_false(store_reserve_make(fixture->store));
    assert_false(store_reserve_release(fixture->path));
    assert_int_equal(status_of(file).st_size, 2 * STORE_RESERVE_BYTES);
}

int main(void)
{
#define SMALL(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
#define LARGE(test) cmocka_unit_test_setup_teardown(test, setup_large, teardown)
    static const struct CMUnitTest tests[] = {
        LARGE(it_is_made_whole_and_for_its_owner_alone),
        LARGE(it_is_made_once),
        LARGE(one_that_was_begun_is_finished),
        LARGE(one_of_holes_is_filled),
        LARGE(it_is_given_back_once),
        SMALL(a_small_database_gets_none),
        LARGE(it_lies_beside_the_database_itself_and_not_beside_a_link),
        LARGE(what_is_no_reserve_is_neither_written_nor_removed),
        LARGE(a_larger_file_of_that_name_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
