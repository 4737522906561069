/* Backup: a copy of one moment beside whoever writes, whole under its name or not there at all. */
#include "copy_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static bool back_up(struct fixture *fixture, const char *name, bool overwrite, struct store_copied *copied,
                    GError **error)
{
    g_autofree char *path = beside(fixture, name);
    return store_backup(fixture->store, path, overwrite, NULL, copied, error);
}

static void a_backup_is_a_database_with_all_that_was_there(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    struct store_copied copied;
    struct stat status;
    assert_ok(back_up(fixture, "copy.db", false, &copied, &error), error);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_int_equal(copied.bytes, status.st_size);
    assert_int_equal(copied.records, 20);
    assert_int_equal(copied.seq, 20);
    assert_int_equal(copied.version, 5);
    assert_names(fixture, "copy.db keep.db keep.db-shm keep.db-wal"); /* nothing is left beside it */
    assert_copy(path, 20);
}

static void a_store_that_only_reads_can_be_backed_up(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    struct store_copied copied;
    assert_ok(store_backup(reader, path, false, NULL, &copied, &error), error);
    assert_copy(path, 20);
}

/* --- refusals --------------------------------------------------------------------------------------------------------
 */

static void refuse(struct fixture *fixture, const char *name, bool overwrite, int code, const char *words)
{
    GError *error = NULL;
    struct store_copied copied;
    g_autofree char *before = names_in(fixture);
    assert_refused(back_up(fixture, name, overwrite, &copied, &error), &error, code, words);
    assert_names(fixture, before);
}

static void the_database_itself_is_no_place_for_its_backup(void **state)
{
    static const char *const own[] = {"keep.db",         "keep.db-wal",  "keep.db-shm",
                                      "keep.db-journal", "keep.db.lock", "keep.db.reserve"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
        refuse(fixture, own[i], false, STORE_ERROR_EXISTS, "belongs to the database");
        refuse(fixture, own[i], true, STORE_ERROR_EXISTS, "belongs to the database");
    }
    g_autofree char *link = beside(fixture, "link");
    assert_int_equal(symlink("keep.db-wal", link), 0);
    refuse(fixture, "link", true, STORE_ERROR_EXISTS, "belongs to the database");
    unlink(link);
    assert_int_equal(symlink("keep.db-journal", link), 0); /* leads to nothing yet */
    refuse(fixture, "link", false, STORE_ERROR_EXISTS, "");
    unlink(link);
}

static void another_name_of_the_database_is_the_database(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *hard = beside(fixture, "hard");
    assert_int_equal(link(fixture->path, hard), 0);
    refuse(fixture, "hard", true, STORE_ERROR_EXISTS, "belongs to the database");
}

static void what_is_there_is_not_overwritten_unless_that_was_asked_for(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    struct store_copied copied;
    assert_ok(back_up(fixture, "copy.db", false, &copied, &error), error);
    keep_events(fixture, 20, 25);
    refuse(fixture, "copy.db", false, STORE_ERROR_EXISTS, "is there already: give another path, or --force");
    assert_ok(back_up(fixture, "copy.db", true, &copied, &error), error);
    assert_copy(path, 25);
}

/* A configuration, for instance, when two words of the command line were exchanged. */
static void what_is_no_database_of_ours_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *yaml = beside(fixture, "m365keep.yaml"), *other = beside(fixture, "other.db"), *kept = NULL;
    sqlite3 *db = NULL;
    assert_true(g_file_set_contents(yaml, "customers:\n", -1, NULL));
    assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refuse(fixture, "m365keep.yaml", true, STORE_ERROR_FOREIGN, "is no database of m365keep, and is not replaced");
    refuse(fixture, "other.db", true, STORE_ERROR_FOREIGN, "is no database of m365keep, and is not replaced");
    assert_true(g_file_get_contents(yaml, &kept, NULL, NULL));
    assert_string_equal(kept, "customers:\n");
}

/* An empty file, what a killed restore left, a backup that is damaged, and one of a program newer than this one. */
static void what_was_ours_is_overwritten_in_whatever_state_it_is(void **state)
{
    static const char note[] = "m365keep restore\n\ncopy.db was about to be replaced\n\ncopy.db.old-00000000\n";
    struct fixture *fixture = *state;
    g_autofree char *path = beside(fixture, "copy.db"), *whole = NULL;
    gsize bytes;
    assert_true(g_file_get_contents(fixture->path, &whole, &bytes, NULL));
    assert_true(bytes > 100);
    memcpy(whole + 60, "\x00\x00\x00\x63", 4); /* user_version 99 */
    const struct {
        const char *bytes;
        gssize length;
    } contents[] = {{"", 0}, {note, -1}, {whole, 100}, {whole, (gssize)bytes}};
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_autoptr(GError) error = NULL;
        struct store_copied copied;
        assert_true(g_file_set_contents(path, contents[i].bytes, contents[i].length, NULL));
        assert_ok(back_up(fixture, "copy.db", true, &copied, &error), error);
        assert_copy(path, 20);
    }
}

static void what_is_no_file_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *folder = beside(fixture, "folder"), *pipe = beside(fixture, "pipe");
    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    refuse(fixture, "folder", false, STORE_ERROR_FOREIGN, "is a folder");
    refuse(fixture, "folder", true, STORE_ERROR_FOREIGN, "is a folder");
    refuse(fixture, "pipe", true, STORE_ERROR_FOREIGN, "no regular file");
}

static void a_folder_that_is_missing_is_told_of(void **state)
{
    struct fixture *fixture = *state;
    refuse(fixture, "missing/copy.db", false, STORE_ERROR_NOT_FOUND, "there is no folder");
    refuse(fixture, "keep.db/copy.db", false, STORE_ERROR_NOT_FOUND, "there is no folder");
}

static void a_backup_that_somebody_has_open_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    struct store_copied copied;
    assert_ok(back_up(fixture, "copy.db", false, &copied, &error), error);
    g_autoptr(Store) user = store_open(path, STORE_WRITE, &error);
    g_autofree char *who = g_strdup_printf("process %ld (", (long)getpid());
    refuse(fixture, "copy.db", true, STORE_ERROR_BUSY, who);
    g_clear_pointer(&user, store_close);
    assert_ok(back_up(fixture, "copy.db", true, &copied, &error), error);
}

/* SQLite would play it into the copy. */
static void a_log_without_its_database_is_in_the_way(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db"), *log = beside(fixture, "copy.db-wal");
    struct store_copied copied;
    assert_true(g_file_set_contents(log, "frames", -1, NULL));
    refuse(fixture, "copy.db", false, STORE_ERROR_EXISTS, "copy.db-wal of a database, but not the database");
    assert_ok(back_up(fixture, "copy.db", true, &copied, &error), error);
    assert_copy(path, 20);
    g_clear_pointer(&fixture->store, store_close);
    assert_names(fixture, "copy.db keep.db");
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
}

static void a_damaged_database_gives_no_backup(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct store_copied copied;
    g_autofree char *root = rows_in(fixture->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'customer'");
    store_close(fixture->store);
    int fd = open(fixture->path, O_WRONLY);
    assert_int_equal(
        pwrite(fd, "\377\377\377\377\377\377\377\377", 8, ((off_t)g_ascii_strtoll(root, NULL, 10) - 1) * 16384), 8);
    close(fd);
    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    g_autofree char *words = g_strdup_printf("the copy of %s is not sound", fixture->path);
    assert_refused(back_up(fixture, "copy.db", false, &copied, &error), &error, STORE_ERROR_CORRUPT, words);
    assert_names(fixture, "keep.db keep.db-shm keep.db-wal");
}

/* --- full disks ------------------------------------------------------------------------------------------------------
 */

/* The largest file of this process is as large as the database is not. */
static void back_up_with_little_room(void *data)
{
    struct fixture *fixture = data;
    const struct rlimit limit = {300 * 1024, 300 * 1024};
    g_autoptr(GError) error = NULL;
    struct store_copied copied;
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    bool done = back_up(fixture, "copy.db", false, &copied, &error);
    bool told = g_error_matches(error, STORE_ERROR, STORE_ERROR_FULL) && strstr(error->message, "copy.db");
    if (done || !told)
        fprintf(stderr, "%s\n", error ? error->message : "done");
    g_clear_error(&error);
    store_close(fixture->store);
    _exit(done || !told);
}

static void a_disk_without_room_is_told_of_and_nothing_is_left(void **state)
{
    struct fixture *fixture = *state;
    g_clear_pointer(&fixture->store, store_close);
    assert_int_equal(run_apart(back_up_with_little_room, fixture), 0);
    assert_names(fixture, "keep.db");
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
}

/* --- watched ---------------------------------------------------------------------------------------------------------
 */

struct onlooker {
    const char *stop_at;
    bool copied_all;
    int64_t of;
};

static bool look_on(const char *doing, int64_t done, int64_t of, void *user)
{
    struct onlooker *onlooker = user;
    if (g_str_equal(doing, "copying pages")) {
        onlooker->copied_all = of > 0 && done == of;
        onlooker->of = of;
    }
    return !onlooker->stop_at || !g_str_equal(doing, onlooker->stop_at);
}

static void it_tells_how_far_it_is_and_stops_when_told_to(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    struct onlooker onlooker = {0};
    const struct store_watch watch = {look_on, &onlooker};
    struct store_copied copied;
    static const char *const phrases[] = {"copying pages", "checking the copy"};
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        g_autofree char *words = g_strdup_printf("stopped while %s", phrases[i]);
        onlooker.stop_at = phrases[i];
        assert_refused(store_backup(fixture->store, path, false, &watch, &copied, &error), &error, STORE_ERROR_STOPPED,
                       words);
        assert_names(fixture, "keep.db keep.db-shm keep.db-wal");
    }
    onlooker.stop_at = NULL;
    assert_ok(store_backup(fixture->store, path, false, &watch, &copied, &error), error);
    assert_true(onlooker.copied_all);
    assert_int_equal(onlooker.of * 16384, copied.bytes);
}

/* --- beside a writer -------------------------------------------------------------------------------------------------
 */

struct writer {
    const struct fixture *fixture;
    gint end;        /* atomic */
    gint64 commits;  /* of the thread */
    GError *refusal; /* likewise */
};

/* Commits again and again: each transaction adds an event and steps a mark that says how many there are. */
static void *write_on(void *data)
{
    struct writer *writer = data;
    struct fixture fixture = {.path = writer->fixture->path, .customer = writer->fixture->customer};
    fixture.store = store_open(fixture.path, STORE_WRITE, &writer->refusal);
    for (int i = 100; fixture.store && !writer->refusal && !g_atomic_int_get(&writer->end); i++) {
        g_autofree char *id = g_strdup_printf("w%d", i), *when = timestamp_format_seconds(AT + i);
        g_autofree char *raw = raw_of(id, "written meanwhile");
        struct store_page *page = page_new(fixture.customer, AT + i, AT + i + 1), *pages[] = {page};
        page_add(page, document_of(id, when, raw, "written meanwhile"));
        if (store_commit_pages(fixture.store, pages, 1, &writer->refusal))
            writer->commits++;
        page_free(page);
    }
    store_close(fixture.store);
    return NULL;
}

/* Between two steps of the copy the writer has committed. */
struct patience {
    struct writer *writer;
    int64_t waits;
};

static bool wait_for_commits(const char *doing, int64_t done, int64_t of, void *user)
{
    struct patience *patience = user;
    (void)done, (void)of;
    if (!g_str_equal(doing, "copying pages"))
        return true;
    g_autofree char *before = rows_in(patience->writer->fixture->path, "SELECT value FROM counter WHERE name = 'seq'");
    for (bool same = true; same; g_thread_yield()) {
        g_autofree char *now = rows_in(patience->writer->fixture->path, "SELECT value FROM counter WHERE name = 'seq'");
        same = g_str_equal(before, now);
    }
    patience->waits++;
    return true;
}

static void beside_a_writer_a_backup_is_of_one_moment_and_nobody_is_refused(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = beside(fixture, "copy.db");
    execute(fixture, "CREATE TABLE ballast (x)"); /* several steps of copying */
    execute(fixture, "INSERT INTO ballast VALUES (zeroblob(12000000))");
    struct writer writer = {.fixture = fixture};
    struct patience patience = {.writer = &writer};
    const struct store_watch watch = {wait_for_commits, &patience};
    struct store_copied copied;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    bool done = store_backup(fixture->store, path, false, &watch, &copied, &error);
    g_atomic_int_set(&writer.end, 1);
    pthread_join(thread, NULL);
    assert_ok(done, error);
    assert_ok(!writer.refusal, writer.refusal);
    assert_in_range(patience.waits, 3, 5); /* it was never begun anew */
    assert_in_range(writer.commits, patience.waits, G_MAXINT);
    assert_copy(path, (int)copied.records);
    assert_int_equal(copied.records, copied.seq); /* each event took one change */
    assert_in_range(copied.records, 20, 20 + (int)writer.commits);
    execute(fixture, "DROP TABLE ballast");
}

/* --- killed ----------------------------------------------------------------------------------------------------------
 */

static bool die(const char *doing, int64_t done, int64_t of, void *user)
{
    (void)done, (void)of;
    if (g_str_equal(doing, user))
        kill(getpid(), SIGKILL);
    return true;
}

struct killing {
    const struct fixture *fixture;
    const char *doing;
};

static void back_up_and_die(void *data)
{
    struct killing *killing = data;
    g_autofree char *path = beside(killing->fixture, "copy.db");
    const struct store_watch watch = {die, (void *)killing->doing};
    struct store_copied copied;
    struct store *store = store_open(killing->fixture->path, STORE_WRITE, NULL);
    store_backup(store, path, false, &watch, &copied, NULL);
}

static void what_a_killed_backup_left_is_removed_by_the_next_one(void **state)
{
    static const char *const phrases[] = {"copying pages", "checking the copy"};
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *kept = beside(fixture, "copy.db.partial-of-mine");
    struct store_copied copied;
    assert_true(g_file_set_contents(kept, "", 0, NULL));
    g_clear_pointer(&fixture->store, store_close);
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        struct killing killing = {fixture, phrases[i]};
        int status = run_apart(back_up_and_die, &killing);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        g_autofree char *names = names_in(fixture);
        assert_non_null(strstr(names, "copy.db.partial-"));
        assert_null(strstr(names, "copy.db "));
    }
    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    assert_ok(back_up(fixture, "copy.db", false, &copied, &error), error);
    assert_names(fixture, "copy.db copy.db.partial-of-mine keep.db keep.db-shm keep.db-wal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_is_a_database_with_all_that_was_there, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(a_store_that_only_reads_can_be_backed_up, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(the_database_itself_is_no_place_for_its_backup, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(another_name_of_the_database_is_the_database, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_overwritten_unless_that_was_asked_for, setup_kept,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(what_is_no_database_of_ours_is_never_overwritten, setup_kept,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(what_was_ours_is_overwritten_in_whatever_state_it_is, setup_kept,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_never_overwritten, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_is_told_of, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(a_backup_that_somebody_has_open_is_not_replaced, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(a_log_without_its_database_is_in_the_way, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(a_damaged_database_gives_no_backup, setup_kept, teardown),
        cmocka_unit_test_setup_teardown(a_disk_without_room_is_told_of_and_nothing_is_left, setup_kept,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(it_tells_how_far_it_is_and_stops_when_told_to, setup_kept, teardown_verified),
        cmocka_unit_test_setup_teardown(beside_a_writer_a_backup_is_of_one_moment_and_nobody_is_refused, setup_kept,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(what_a_killed_backup_left_is_removed_by_the_next_one, setup_kept,
                                        teardown_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
