/* Opening, and refusing to: each refusal has its own sentence and changes nothing on disk. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/store_private.h"

/* The names, sizes and contents of a folder's files, so that a change shows. */
static char *listing(const char *folder)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *bytes = NULL;
        gsize length = 0;
        g_file_get_contents(path, &bytes, &length, NULL);
        g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)bytes, length);
        g_ptr_array_add(lines, g_strdup_printf("%s %s", name, sum));
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(lines, (GCompareFunc)(void (*)(void))g_strcmp0);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

/* All three ways of opening, or those that `modes` names, are refused and leave the folder as it was. */
static void refuse(const struct fixture *fixture, const char *modes, int code, const char *words)
{
    static const struct {
        char letter;
        enum store_mode mode;
    } all[] = {{'c', STORE_CREATE}, {'w', STORE_WRITE}, {'r', STORE_READ}};
    g_autofree char *before = listing(fixture->folder);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (!strchr(modes, all[i].letter))
            continue;
        GError *error = NULL;
        struct store *store = store_open(fixture->path, all[i].mode, &error);
        store_close(store);
        assert_refused(store != NULL, &error, code, words);
        g_autofree char *after = listing(fixture->folder);
        assert_string_equal(before, after);
    }
}

static void make(const struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(fixture->path, STORE_CREATE, &error);
    assert_ok(store != NULL, error);
    store_close(store);
}

/* --- opening well
 * ------------------------------------------------------------------------------------------------------- */

static void a_new_database_is_the_only_file_and_ours_alone(void **state)
{
    struct fixture *fixture = *state;
    mode_t mask = umask(0);
    make(fixture);
    g_autoptr(Store) store = store_open(fixture->path, STORE_WRITE, NULL);
    store_customer(store, "contoso", TENANT, NULL);
    umask(mask);
    static const char *const files[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_strconcat(fixture->path, files[i], NULL);
        struct stat status;
        assert_int_equal(stat(file, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    g_clear_pointer(&store, store_close);
    g_autofree char *left = listing(fixture->folder);
    assert_true(g_str_has_prefix(left, "keep.db ") && !strchr(left, '\n'));
}

static void an_empty_file_becomes_a_database_when_one_may_be_made(void **state)
{
    struct fixture *fixture = *state;
    assert_true(g_file_set_contents(fixture->path, "", 0, NULL));
    refuse(fixture, "wr", STORE_ERROR_NOT_FOUND, "empty file");
    make(fixture);
    assert_rows(fixture, "PRAGMA page_size", "16384");
    assert_rows(fixture, "PRAGMA auto_vacuum", "2");
    assert_rows(fixture, "PRAGMA journal_mode", "wal");
    assert_rows(fixture, "PRAGMA user_version", "5");
}

static void opening_again_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    g_autofree char *before = listing(fixture->folder);
    make(fixture);
    g_autofree char *after = listing(fixture->folder);
    assert_string_equal(before, after);
}

static void a_reader_sees_what_a_writer_beside_it_commits(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) writer = store_open(fixture->path, STORE_CREATE, &error);
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    assert_ok(writer && reader, error);
    int64_t customer = store_customer(writer, "contoso", TENANT, &error);
    assert_true(customer > 0);
    assert_int_equal(store_customer(reader, "contoso", TENANT, &error), customer);
}

/* True when this process holds a lock on the file, as another process sees it. */
static bool is_locked(const char *path)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(path, O_RDWR | O_CLOEXEC);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void opening_and_closing_another_connection_leaves_the_locks_of_the_first(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) first = store_open(fixture->path, STORE_CREATE, &error);
    assert_ok(first && store_customer(first, "contoso", TENANT, &error) > 0, error);
    assert_true(is_locked(fixture->path));
    static const enum store_mode modes[] = {STORE_CREATE, STORE_WRITE, STORE_READ};
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(Store) second = store_open(fixture->path, modes[i], &error);
        assert_ok(second != NULL, error);
        assert_true(is_locked(fixture->path));
        g_clear_pointer(&second, store_close);
        assert_true(is_locked(fixture->path));
    }
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
    assert_true(is_locked(fixture->path));
}

static void the_connection_is_set_for_safety(void **state)
{
    static const struct {
        const char *pragma;
        int value;
    } settings[] = {{"foreign_keys", 1},
                    {"synchronous", 2},
                    {"cache_size", -16000},
                    {"wal_autocheckpoint", 4000},
                    {"journal_size_limit", 67108864},
                    {"temp_store", 2}};
    struct fixture *fixture = *state;
    g_autoptr(Store) store = store_open(fixture->path, STORE_CREATE, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autofree char *sql = g_strconcat("PRAGMA ", settings[i].pragma, NULL);
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(statement, 0), settings[i].value);
        sqlite3_finalize(statement);
    }
}

static void many_programs_that_make_the_database_at_once_get_one(void **state)
{
    struct fixture *fixture = *state;
    enum { PROGRAMS = 6 };
    pid_t pids[PROGRAMS];
    for (int i = 0; i < PROGRAMS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct store *store = store_open(fixture->path, STORE_CREATE, NULL);
            int64_t customer = store ? store_customer(store, "contoso", TENANT, NULL) : 0;
            store_close(store);
            _exit(customer == 1 ? 0 : 1);
        }
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_rows(fixture, "SELECT count(*) FROM customer", "1");
    g_autofree char *left = listing(fixture->folder);
    assert_null(strstr(left, ".new-"));
}

/* --- refusals
 * ------------------------------------------------------------------------------------------------------------- */

static void a_missing_file_is_not_found(void **state)
{
    refuse(*state, "wr", STORE_ERROR_NOT_FOUND, "there is no database at");
}

static void a_missing_folder_is_named(void **state)
{
    struct fixture *fixture = *state;
    g_free(fixture->path);
    fixture->path = g_build_filename(fixture->folder, "gone", "keep.db", NULL);
    refuse(fixture, "cwr", STORE_ERROR_NOT_FOUND, "there is no folder");
    g_free(fixture->path);
    fixture->path = g_build_filename(fixture->folder, "file", "keep.db", NULL);
    g_autofree char *file = g_build_filename(fixture->folder, "file", NULL);
    assert_true(g_file_set_contents(file, "x", 1, NULL));
    refuse(fixture, "cwr", STORE_ERROR_NOT_FOUND, "there is no folder");
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    static const struct {
        const char *bytes;
        gssize length;
    } files[] = {{"hello\n", 6}, {"SQLite format 3", 16}, {"SQLite format 3 but not quite ...", -1}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        assert_true(g_file_set_contents(fixture->path, files[i].bytes, files[i].length, NULL));
        refuse(fixture, "cwr", STORE_ERROR_FOREIGN, "is not an SQLite database");
    }
}

static void the_database_of_another_program_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a); PRAGMA application_id = 252006674",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    refuse(fixture, "cwr", STORE_ERROR_FOREIGN, "of another program (application id 0x0f055112");
}

static void a_folder_or_a_pipe_is_no_database(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(g_mkdir(fixture->path, 0700), 0);
    refuse(fixture, "cwr", STORE_ERROR_FOREIGN, "is a folder");
    g_rmdir(fixture->path);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    GError *error = NULL;
    struct store *store = store_open(fixture->path, STORE_READ, &error); /* must not wait for a writer */
    assert_refused(store != NULL, &error, STORE_ERROR_FOREIGN, "no regular file");
}

static void a_newer_database_is_refused(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    execute(fixture, "PRAGMA user_version = 99");
    refuse(fixture, "cwr", STORE_ERROR_NEWER, "schema 99, this program knows 5");
}

static void an_older_database_is_not_read_but_said_to_be_older(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    execute(fixture, "PRAGMA user_version = 0");
    refuse(fixture, "r", STORE_ERROR_OLDER, "written by an older m365keep");
}

static void a_migration_that_fails_leaves_the_database_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    execute(fixture, "PRAGMA user_version = 0"); /* so that 0001 runs into the tables that are there */
    refuse(fixture, "cw", STORE_ERROR_FAILED, "0001_initial.sql");
    assert_rows(fixture, "PRAGMA user_version", "0");
}

static void a_damaged_database_is_said_to_be_damaged(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    int fd = open(fixture->path, O_WRONLY | O_CLOEXEC);
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 100), sizeof noise); /* the root of the schema */
    close(fd);
    GError *error = NULL;
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    int64_t customer = store ? store_customer(store, "contoso", TENANT, &error) : 0;
    store_close(store);
    assert_refused(customer > 0, &error, STORE_ERROR_CORRUPT, "is damaged");
}

/* Runs `check` as somebody who owns nothing here: root may write everywhere. */
static void as_nobody(void (*check)(struct fixture *), struct fixture *fixture)
{
    bool root = geteuid() == 0;
    assert_true(!root || seteuid(65534) == 0);
    check(fixture);
    assert_true(!root || seteuid(0) == 0);
}

static void cannot_write_file(struct fixture *fixture)
{
    refuse(fixture, "cw", STORE_ERROR_READ_ONLY, "cannot be written");
}

static void a_file_that_cannot_be_written_is_refused_for_writing(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0777), 0);
    as_nobody(cannot_write_file, fixture);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    assert_int_equal(chmod(fixture->path, 0666), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    as_nobody(cannot_write_file, fixture);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
}

static void cannot_create(struct fixture *fixture)
{
    refuse(fixture, "c", STORE_ERROR_READ_ONLY, "cannot make a database in");
}

static void a_database_cannot_be_made_where_nothing_may_be_written(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    as_nobody(cannot_create, fixture);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
}

static void cannot_read(struct fixture *fixture)
{
    refuse(fixture, "r", STORE_ERROR_READ_ONLY, "cannot read");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    assert_int_equal(chmod(fixture->path, 0), 0);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    as_nobody(cannot_read, fixture);
}

static void cannot_read_without_shm(struct fixture *fixture)
{
    refuse(fixture, "r", STORE_ERROR_READ_ONLY, "the folder cannot be written");
}

static void reading_from_a_folder_without_room_for_shm_says_why_it_fails(void **state)
{
    struct fixture *fixture = *state;
    make(fixture);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    as_nobody(cannot_read_without_shm, fixture);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
}

/* --- the lock
 * ------------------------------------------------------------------------------------------------------------- */

static void quirk_119_a_second_collector_is_told_who_holds_the_lock(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
    g_autofree char *who = g_strdup_printf("process %ld is already collecting", (long)getpid());
    struct store_lock *second = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, who);

    g_clear_pointer(&lock, store_lock_release);
    lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
}

static void scans_keep_off_scans_and_not_a_collector(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(StoreLock) collect = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(collect != NULL, error);
    g_autoptr(StoreLock) health = store_lock_take(fixture->path, STORE_LOCK_HEALTH, &error);
    assert_ok(health != NULL, error);
    g_autofree char *who = g_strdup_printf("process %ld is already scanning service health", (long)getpid());
    struct store_lock *second = store_lock_take(fixture->path, STORE_LOCK_HEALTH, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, who);
    g_clear_pointer(&collect, store_lock_release);
    second = store_lock_take(fixture->path, STORE_LOCK_HEALTH, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, "keep.db.health.lock");
}

static void who_sends_mail_keeps_off_who_sends_mail_alone(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(StoreLock) collect = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    g_autoptr(StoreLock) health = store_lock_take(fixture->path, STORE_LOCK_HEALTH, &error);
    g_autoptr(StoreLock) mail = store_lock_take(fixture->path, STORE_LOCK_MAIL, &error);
    assert_ok(collect && health && mail, error);
    g_autofree char *who = g_strdup_printf("process %ld is already sending the mails of this database (it holds %s",
                                           (long)getpid(), fixture->folder);
    struct store_lock *second = store_lock_take(fixture->path, STORE_LOCK_MAIL, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, who);
    second = store_lock_take(fixture->path, STORE_LOCK_MAIL, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, "keep.db.mail.lock");
    g_autofree char *holder = store_lock_holder(fixture->path, STORE_LOCK_MAIL);
    assert_non_null(holder);
    g_clear_pointer(&mail, store_lock_release);
    assert_null(store_lock_holder(fixture->path, STORE_LOCK_MAIL));
}

static void quirk_119_the_lock_ends_with_its_process(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        static struct store_lock *held; /* and never released */
        held = store_lock_take(fixture->path, STORE_LOCK_COLLECT, NULL);
        _exit(held ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
}

static void two_names_of_one_database_share_the_lock(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    make(fixture);
    g_autofree char *name = g_build_filename(fixture->folder, "link.db", NULL);
    assert_int_equal(symlink(fixture->path, name), 0);
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
    struct store_lock *second = store_lock_take(name, STORE_LOCK_COLLECT, &error);
    assert_refused(second != NULL, &error, STORE_ERROR_BUSY, "already collecting");
}

static void no_lock_is_left_beside_what_is_not_ours(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    assert_true(g_file_set_contents(fixture->path, "A diary.", -1, NULL));
    struct store_lock *lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_refused(lock != NULL, &error, STORE_ERROR_FOREIGN, "not an SQLite database");
    g_autofree char *file = g_strconcat(fixture->path, ".lock", NULL);
    assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}

static void a_lock_in_a_missing_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *path = g_build_filename(fixture->folder, "gone", "keep.db", NULL);
    struct store_lock *lock = store_lock_take(path, STORE_LOCK_COLLECT, &error);
    assert_refused(lock != NULL, &error, STORE_ERROR_NOT_FOUND, "there is no folder");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup_folder, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_new_database_is_the_only_file_and_ours_alone),
        IN_FOLDER(an_empty_file_becomes_a_database_when_one_may_be_made),
        IN_FOLDER(opening_again_changes_nothing),
        IN_FOLDER(a_reader_sees_what_a_writer_beside_it_commits),
        IN_FOLDER(opening_and_closing_another_connection_leaves_the_locks_of_the_first),
        IN_FOLDER(the_connection_is_set_for_safety),
        IN_FOLDER(many_programs_that_make_the_database_at_once_get_one),
        IN_FOLDER(a_missing_file_is_not_found),
        IN_FOLDER(a_missing_folder_is_named),
        IN_FOLDER(a_file_that_is_no_database_is_left_alone),
        IN_FOLDER(the_database_of_another_program_is_left_alone),
        IN_FOLDER(a_folder_or_a_pipe_is_no_database),
        IN_FOLDER(a_newer_database_is_refused),
        IN_FOLDER(an_older_database_is_not_read_but_said_to_be_older),
        IN_FOLDER(a_migration_that_fails_leaves_the_database_as_it_was),
        IN_FOLDER(a_damaged_database_is_said_to_be_damaged),
        IN_FOLDER(a_file_that_cannot_be_written_is_refused_for_writing),
        IN_FOLDER(a_folder_that_cannot_be_written_is_named),
        IN_FOLDER(a_database_cannot_be_made_where_nothing_may_be_written),
        IN_FOLDER(a_file_that_cannot_be_read_is_named),
        IN_FOLDER(reading_from_a_folder_without_room_for_shm_says_why_it_fails),
        IN_FOLDER(quirk_119_a_second_collector_is_told_who_holds_the_lock),
        IN_FOLDER(scans_keep_off_scans_and_not_a_collector),
        IN_FOLDER(who_sends_mail_keeps_off_who_sends_mail_alone),
        IN_FOLDER(quirk_119_the_lock_ends_with_its_process),
        IN_FOLDER(two_names_of_one_database_share_the_lock),
        IN_FOLDER(a_lock_in_a_missing_folder_is_refused),
        IN_FOLDER(no_lock_is_left_beside_what_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
