/* Restore: a backup in the place of a database, whatever state that is in, and whoever is killed meanwhile. */
#include "copy_fixture.h"
#include "old_versions.h"

#include <fcntl.h>
#include <signal.h>

/* --- calls that fail, or before which the process is killed ----------------------------------------------------------
 *
 * The linker leads the store's calls here (tests/CMakeLists.txt); SQLite's own are not concerned. */

enum { NEVER = -1 };

static struct {
    int kill_at, fail_at; /* which call; NEVER: none */
    int calls;
    bool links_fail; /* from that failure on: what was done cannot be undone */
} trap = {NEVER, NEVER, 0, false};

/* True when the call is to fail. */
static bool trapped(void)
{
    int call = trap.calls++;
    if (call == trap.kill_at)
        kill(getpid(), SIGKILL);
    if (call != trap.fail_at)
        return false;
    errno = EIO;
    return true;
}

int __real_rename(const char *from, const char *to);
int __real_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags);
int __real_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_fsync(int fd);
gboolean __real_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags);
int __wrap_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_fsync(int fd);
gboolean __wrap_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error);

int __wrap_rename(const char *from, const char *to)
{
    return trapped() ? -1 : __real_rename(from, to);
}

int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return trapped() ? -1 : __real_renameat2(from_folder, from, to_folder, to, flags);
}

int __wrap_link(const char *from, const char *to)
{
    bool fails = trap.links_fail && trap.fail_at != NEVER && trap.calls > trap.fail_at;
    if (fails)
        errno = EIO;
    return trapped() || fails ? -1 : __real_link(from, to);
}

int __wrap_unlink(const char *path)
{
    return trapped() ? -1 : __real_unlink(path);
}

int __wrap_fsync(int fd)
{
    return trapped() ? -1 : __real_fsync(fd);
}

gboolean __wrap_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error)
{
    if (!trapped())
        return __real_g_file_set_contents_full(path, text, length, flags, mode, error);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "the disk is broken");
    return FALSE;
}

/* --- a database of 30 events, and a backup of it when it had 20 ------------------------------------------------------
 */

enum { BACKED_UP = 20, BY_NOW = 30 };

static int setup_backed_up(void **state)
{
    if (setup_kept(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    g_autofree char *backup = beside(fixture, "copy.db");
    struct store_copied copied;
    if (!store_backup(fixture->store, backup, false, NULL, &copied, NULL))
        return -1;
    keep_events(fixture, BACKED_UP, BY_NOW);
    g_clear_pointer(&fixture->store, store_close);
    return 0;
}

static bool restore(struct fixture *fixture, const char *name, bool overwrite, GError **error)
{
    struct store_copied copied;
    g_autofree char *copy = beside(fixture, name);
    return store_restore(copy, fixture->path, overwrite, NULL, &copied, error);
}

static void refuse(struct fixture *fixture, const char *name, bool overwrite, int code, const char *words)
{
    GError *error = NULL;
    g_autofree char *before = names_in(fixture);
    assert_refused(restore(fixture, name, overwrite, &error), &error, code, words);
    assert_names(fixture, before);
}

static void a_backup_takes_the_place_of_the_database(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = beside(fixture, "copy.db");
    struct store_copied copied;
    struct stat status;
    refuse(fixture, "copy.db", false, STORE_ERROR_EXISTS, "keep.db is there already");
    assert_copy(fixture->path, BY_NOW);
    assert_ok(store_restore(copy, fixture->path, true, NULL, &copied, &error), error);
    assert_names(fixture, "copy.db keep.db"); /* and nothing beside the backup */
    assert_int_equal(copied.records, BACKED_UP);
    assert_int_equal(copied.seq, BACKED_UP);
    assert_int_equal(copied.version, 5);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_copy(fixture->path, BACKED_UP);
}

static void a_database_that_is_gone_needs_no_permission_to_be_replaced(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    unlink(fixture->path);
    assert_ok(restore(fixture, "copy.db", false, &error), error);
    assert_copy(fixture->path, BACKED_UP);
}

/* Whatever is in its place. */
static void a_database_that_is_damaged_is_no_obstacle(void **state)
{
    static const char *const contents[] = {"", "no database", "SQLite format 3\0 and nothing more"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_autoptr(GError) error = NULL;
        assert_true(g_file_set_contents(fixture->path, contents[i], i == 2 ? 32 : -1, NULL));
        refuse(fixture, "copy.db", false, STORE_ERROR_EXISTS, "is there already");
        assert_ok(restore(fixture, "copy.db", true, &error), error);
        assert_copy(fixture->path, BACKED_UP);
    }
}

static void a_link_to_the_database_stays_one(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *link = beside(fixture, "link.db"), *copy = beside(fixture, "copy.db");
    struct store_copied copied;
    assert_int_equal(symlink("keep.db", link), 0);
    assert_ok(store_restore(copy, link, true, NULL, &copied, &error), error);
    assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    assert_copy(fixture->path, BACKED_UP);
}

static void a_backup_of_an_older_version_is_brought_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *old = beside(fixture, "old.db");
    struct store_copied copied;
    write_version(old, 1, rows_of_1);
    g_autofree char *before = rows_in(old, "PRAGMA user_version");
    assert_ok(store_restore(old, fixture->path, true, NULL, &copied, &error), error);
    assert_int_equal(copied.version, 1);
    assert_rows(fixture, "PRAGMA user_version", "5");
    assert_rows(fixture, "SELECT id FROM events", "e");
    assert_names(fixture, "copy.db keep.db old.db");
    g_autofree char *after = rows_in(old, "PRAGMA user_version"); /* the backup itself is left alone */
    assert_string_equal(after, before);
}

/* It is no backup, but as good as one: what its log holds belongs to it. */
static void a_database_in_use_can_be_restored_from(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = beside(fixture, "copy.db");
    struct fixture other = {
        .path = copy, .store = store_open(copy, STORE_WRITE, &error), .customer = fixture->customer};
    assert_ok(other.store != NULL, error);
    keep_events(&other, 50, 55);
    assert_ok(restore(fixture, "copy.db", true, &error), error);
    store_close(other.store);
    assert_copy(fixture->path, BACKED_UP + 5);
}

/* --- refusals --------------------------------------------------------------------------------------------------------
 */

static void what_is_no_backup_of_ours_is_refused(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *empty = beside(fixture, "empty"), *text = beside(fixture, "text"),
                    *other = beside(fixture, "other"), *newer = beside(fixture, "newer"),
                    *folder = beside(fixture, "folder");
    assert_true(g_file_set_contents(empty, "", 0, NULL));
    assert_true(g_file_set_contents(text, "no database at all", -1, NULL));
    assert_int_equal(g_mkdir(folder, 0700), 0);
    write_version(other, 0, "PRAGMA application_id = 7; CREATE TABLE x (y)");
    write_version(newer, 5, "PRAGMA user_version = 99");
    refuse(fixture, "missing", true, STORE_ERROR_NOT_FOUND, "there is no backup to be read at");
    refuse(fixture, "empty", true, STORE_ERROR_FOREIGN, "is an empty file, no backup");
    refuse(fixture, "text", true, STORE_ERROR_FOREIGN, "is not an SQLite database");
    refuse(fixture, "other", true, STORE_ERROR_FOREIGN, "of another program (application id 0x00000007");
    refuse(fixture, "newer", true, STORE_ERROR_NEWER, "written by a newer m365keep (schema 99");
    refuse(fixture, "folder", true, STORE_ERROR_FOREIGN, "is a folder");
    assert_copy(fixture->path, BY_NOW);
}

static void a_database_is_no_backup_of_itself(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *hard = beside(fixture, "hard"), *soft = beside(fixture, "soft");
    assert_int_equal(link(fixture->path, hard), 0);
    assert_int_equal(symlink("keep.db", soft), 0);
    refuse(fixture, "keep.db", true, STORE_ERROR_EXISTS, "is the database itself");
    refuse(fixture, "hard", true, STORE_ERROR_EXISTS, "is the database itself");
    refuse(fixture, "soft", true, STORE_ERROR_EXISTS, "is the database itself");
}

static void a_damaged_backup_leaves_the_database_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *copy = beside(fixture, "copy.db");
    g_autofree char *root = rows_in(copy, "SELECT rootpage FROM sqlite_schema WHERE name = 'customer'");
    int fd = open(copy, O_WRONLY);
    off_t page = ((off_t)g_ascii_strtoll(root, NULL, 10) - 1) * 16384;
    assert_int_equal(pwrite(fd, "\377\377\377\377\377\377\377\377", 8, page), 8);
    close(fd);
    refuse(fixture, "copy.db", true, STORE_ERROR_CORRUPT, "copy.db is not sound");
    assert_int_equal(truncate(copy, page), 0);
    refuse(fixture, "copy.db", true, STORE_ERROR_CORRUPT, "copy.db");
    assert_copy(fixture->path, BY_NOW);
}

static void a_folder_that_is_missing_is_told_of(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct store_copied copied;
    g_autofree char *copy = beside(fixture, "copy.db"), *path = beside(fixture, "missing/keep.db"),
                    *folder = beside(fixture, "folder");
    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_refused(store_restore(copy, path, true, NULL, &copied, &error), &error, STORE_ERROR_NOT_FOUND,
                   "there is no folder");
    assert_refused(store_restore(copy, folder, true, NULL, &copied, &error), &error, STORE_ERROR_FOREIGN,
                   "is a folder");
}

/* Opens the database and says so with a byte; holds it until the pipe is closed. */
struct user {
    const char *path;
    enum store_mode mode;
    int ready[2], end[2];
};

static pid_t use(struct user *user)
{
    assert_int_equal(pipe(user->ready), 0);
    assert_int_equal(pipe(user->end), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte = 0;
        close(user->end[1]);
        struct store *store = store_open(user->path, user->mode, NULL);
        if (store && write(user->ready[1], "r", 1) == 1 && read(user->end[0], &byte, 1) == 0)
            store_close(store);
        _exit(0);
    }
    char byte;
    close(user->end[0]);
    assert_int_equal(read(user->ready[0], &byte, 1), 1);
    return pid;
}

static void end_use(struct user *user, pid_t pid)
{
    close(user->end[1]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(user->ready[0]);
    close(user->ready[1]);
}

static void a_database_that_anybody_has_open_is_not_replaced_and_who_is_named(void **state)
{
    static const enum store_mode modes[] = {STORE_WRITE, STORE_READ};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        struct user user = {.path = fixture->path, .mode = modes[i]};
        pid_t pid = use(&user);
        g_autofree char *who = g_strdup_printf("process %ld (", (long)pid);
        refuse(fixture, "copy.db", true, STORE_ERROR_BUSY, who);
        refuse(fixture, "copy.db", true, STORE_ERROR_BUSY, "end it, and run again; nothing was changed");
        end_use(&user, pid);
    }
    g_autoptr(GError) error = NULL;
    assert_ok(restore(fixture, "copy.db", true, &error), error);
    assert_copy(fixture->path, BACKED_UP);
}

/* Asking must not end the locks of this process: the next one to close the database would take its log away. */
static void a_database_that_this_process_has_open_keeps_its_locks(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    keep_events(fixture, 40, 45);
    refuse(fixture, "copy.db", true, STORE_ERROR_BUSY, "has ");
    struct user user = {.path = fixture->path, .mode = STORE_WRITE};
    end_use(&user, use(&user));
    g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
    assert_true(g_file_test(log, G_FILE_TEST_EXISTS));
    keep_events(fixture, 45, 50);
    assert_rows(fixture, "SELECT count(*) FROM events", "40");
}

/* --- watched ---------------------------------------------------------------------------------------------------------
 */

static bool stop_at(const char *doing, int64_t done, int64_t of, void *user)
{
    (void)done, (void)of;
    return !g_str_equal(doing, user);
}

static void it_stops_when_told_to_and_the_database_is_as_it_was(void **state)
{
    static const char *const phrases[] = {"copying pages", "checking the copy", "bringing the copy up to date"};
    struct fixture *fixture = *state;
    g_autofree char *old = beside(fixture, "old.db");
    write_version(old, 2, rows_of_1);
    g_autofree char *before = names_in(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        GError *error = NULL;
        struct store_copied copied;
        g_autofree char *words = g_strdup_printf("stopped while %s", phrases[i]);
        const struct store_watch watch = {stop_at, (void *)phrases[i]};
        assert_refused(store_restore(old, fixture->path, true, &watch, &copied, &error), &error, STORE_ERROR_STOPPED,
                       words);
        assert_names(fixture, before);
    }
    assert_copy(fixture->path, BY_NOW);
}

/* --- killed, and failing calls ---------------------------------------------------------------------------------------
 */

/* What lies in the folder before each attempt. */
struct scene {
    char *database, *log; /* bytes; log NULL: none */
    gsize database_bytes, log_bytes;
};

static void keep_more_and_die(void *data)
{
    struct fixture *fixture = data;
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
    keep_events(fixture, BY_NOW, BY_NOW + 10);
    kill(getpid(), SIGKILL);
}

static void read_scene(const struct fixture *fixture, struct scene *scene)
{
    g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
    assert_true(g_file_get_contents(fixture->path, &scene->database, &scene->database_bytes, NULL));
    g_file_get_contents(log, &scene->log, &scene->log_bytes, NULL);
}

static void remove_others(const struct fixture *fixture)
{
    g_autofree char *names = names_in(fixture);
    g_auto(GStrv) each = g_strsplit(names, " ", -1);
    for (char **name = each; *name; name++) {
        g_autofree char *path = beside(fixture, *name);
        if (!g_str_equal(*name, "copy.db"))
            unlink(path);
    }
}

static void set_scene(const struct fixture *fixture, const struct scene *scene)
{
    g_autofree char *log = g_strconcat(fixture->path, "-wal", NULL);
    remove_others(fixture);
    assert_true(g_file_set_contents_full(fixture->path, scene->database, (gssize)scene->database_bytes,
                                         G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    assert_true(!scene->log || g_file_set_contents_full(log, scene->log, (gssize)scene->log_bytes,
                                                        G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static void clear_scene(struct scene *scene)
{
    g_free(scene->database);
    g_free(scene->log);
}

static void restore_trapped(void *data)
{
    struct fixture *fixture = data;
    trap.calls = 0;
    _exit(restore(fixture, "copy.db", true, NULL) ? 0 : 1);
}

/* Gives the old database the names again that the note tells of. */
static void follow_note(const struct fixture *fixture)
{
    g_autofree char *note = NULL;
    assert_true(g_file_get_contents(fixture->path, &note, NULL, NULL));
    g_strchomp(note);
    g_autofree char *old = beside(fixture, strrchr(note, '\n') + 1), *old_log = g_strconcat(old, "-wal", NULL),
                    *log = g_strconcat(fixture->path, "-wal", NULL);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(rename(old_log, log), 0);
    assert_int_equal(rename(old, fixture->path), 0);
}

enum left { OLD, NEW, NOTED };

/* The old one whole, the new one, or a note that says what to do. */
static enum left assert_old_new_or_noted(const struct fixture *fixture, int events)
{
    GError *error = NULL;
    struct store *store = store_open(fixture->path, STORE_CREATE, &error);
    bool noted = !store;
    store_close(store);
    if (noted) {
        assert_refused(false, &error, STORE_ERROR_FOREIGN, "was cut short: run it again");
        follow_note(fixture);
    }
    g_autofree char *count = rows_in(fixture->path, "SELECT count(*) FROM events");
    int64_t counted = g_ascii_strtoll(count, NULL, 10);
    assert_true(counted == events || (counted == BACKED_UP && !noted));
    assert_copy(fixture->path, (int)counted);
    return noted ? NOTED : counted == events ? OLD : NEW;
}

static void remove_second_names(const struct fixture *fixture)
{
    g_autofree char *names = names_in(fixture);
    g_auto(GStrv) each = g_strsplit(names, " ", -1);
    for (char **name = each; *name; name++) {
        g_autofree char *path = beside(fixture, *name);
        if (g_str_has_prefix(*name, "keep.db.old-"))
            unlink(path);
    }
}

/* One attempt, killed before the call `call`; *left: what was then there. False when there was no such call. */
static bool attempt(struct fixture *fixture, const struct scene *scene, int call, int events, enum left *left)
{
    set_scene(fixture, scene);
    trap.kill_at = call;
    int status = run_apart(restore_trapped, fixture);
    trap.kill_at = NEVER;
    *left = assert_old_new_or_noted(fixture, events);

    set_scene(fixture, scene);
    trap.kill_at = call;
    assert_int_equal(run_apart(restore_trapped, fixture), status);
    trap.kill_at = NEVER;
    g_autoptr(GError) error = NULL;
    bool again = restore(fixture, "copy.db", true, &error);
    assert_ok(again, error);
    assert_copy(fixture->path, BACKED_UP);
    if (*left == NEW) /* the old one may have its second name still */
        remove_second_names(fixture);
    assert_names(fixture, "copy.db keep.db");
    return WIFSIGNALED(status);
}

static void kill_everywhere(struct fixture *fixture, int events, int notes_at_least)
{
    struct scene scene = {0};
    read_scene(fixture, &scene);
    int call = 0, notes = 0;
    for (bool killed = true; killed; call++) {
        enum left left;
        killed = attempt(fixture, &scene, call, events, &left);
        notes += left == NOTED;
    }
    assert_in_range(call, 8, 60);
    assert_in_range(notes, notes_at_least, call);
    clear_scene(&scene);
}

static void whoever_is_killed_leaves_the_old_one_or_the_new_one(void **state)
{
    kill_everywhere(*state, BY_NOW, 0);
}

static void with_a_log_beside_the_old_one_too_or_a_note_that_says_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    int status = run_apart(keep_more_and_die, fixture);
    assert_true(WIFSIGNALED(status));
    kill_everywhere(fixture, BY_NOW + 10, 3);
}

static void a_call_that_fails_leaves_the_database_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct scene scene = {0};
    assert_true(WIFSIGNALED(run_apart(keep_more_and_die, fixture)));
    read_scene(fixture, &scene);
    int call = 0, failures = 0;
    for (; call < 60; call++) {
        set_scene(fixture, &scene);
        trap.fail_at = call;
        trap.calls = 0;
        g_autoptr(GError) error = NULL;
        bool restored = restore(fixture, "copy.db", true, &error);
        trap.fail_at = NEVER;
        if (!restored)
            failures++;
        if (trap.calls <= call)
            break;
        g_autofree char *names = names_in(fixture);
        if (!restored)
            assert_string_equal(names, "copy.db keep.db keep.db-wal");
        assert_copy(fixture->path, restored ? BACKED_UP : BY_NOW + 10);
    }
    assert_in_range(failures, 4, call);
    clear_scene(&scene);
}

/* The old database must never have its name without its log: what was committed last would be missing. */
static void a_failure_that_cannot_be_undone_leaves_the_old_one_whole_under_its_second_names(void **state)
{
    struct fixture *fixture = *state;
    struct scene scene = {0};
    assert_true(WIFSIGNALED(run_apart(keep_more_and_die, fixture)));
    read_scene(fixture, &scene);
    int call = 0, told = 0;
    trap.links_fail = true;
    for (bool reached = true; reached && call < 60; call++) {
        g_autoptr(GError) error = NULL;
        set_scene(fixture, &scene);
        trap.fail_at = call;
        trap.calls = 0;
        bool restored = restore(fixture, "copy.db", true, &error);
        reached = trap.calls > call;
        trap.fail_at = NEVER;
        enum left left = assert_old_new_or_noted(fixture, BY_NOW + 10);
        assert_int_equal(left == NEW, restored);
        assert_int_equal(left == NOTED, error && strstr(error->message, "could not be given its name again (link: "));
        told += left == NOTED;
    }
    trap.links_fail = false;
    assert_in_range(told, 1, call);
    clear_scene(&scene);
}

/* A restore that was killed after its last rename leaves a whole database; one that was killed before the first, a
 * second name of the database. */
static void what_a_killed_restore_left_is_named_and_a_second_name_goes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *left = beside(fixture, "keep.db.old-00000001"), *second = beside(fixture, "keep.db.old-00000002");
    assert_true(g_file_set_contents(left, "another database", -1, NULL));
    assert_int_equal(__real_link(fixture->path, second), 0);
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_MAINTENANCE, &error);
    assert_ok(lock != NULL, error);
    assert_names(fixture, "copy.db keep.db keep.db.maintain.lock keep.db.old-00000001");
    assert_copy(fixture->path, BY_NOW);
}

/* Else nobody could restore what is damaged. */
static void the_locks_of_a_database_can_be_taken_whatever_has_become_of_it(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
    assert_true(g_file_set_contents(fixture->path, "m365keep restore\nkeep.db was about to be replaced", -1, NULL));
    g_autoptr(StoreLock) other = store_lock_take(fixture->path, STORE_LOCK_MAINTENANCE, &error);
    assert_ok(other != NULL, error);
    g_autofree char *elsewhere = beside(fixture, "else.db");
    assert_true(g_file_set_contents(elsewhere, "no database", -1, NULL));
    struct store_lock *none = store_lock_take(elsewhere, STORE_LOCK_MAINTENANCE, &error);
    assert_refused(none != NULL, &error, STORE_ERROR_FOREIGN, "is not an SQLite database");
}

/* A database that was removed by hand, but not its log: nothing may be made beside that. */
static void a_log_without_its_database_is_never_taken_for_that_of_another(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    assert_true(WIFSIGNALED(run_apart(keep_more_and_die, fixture)));
    unlink(fixture->path);
    struct store *store = store_open(fixture->path, STORE_CREATE, &error);
    assert_refused(store != NULL, &error, STORE_ERROR_FOREIGN, "but not the database: restore a backup");
    refuse(fixture, "copy.db", false, STORE_ERROR_EXISTS, "keep.db-wal of a database, but not the database");
    assert_ok(restore(fixture, "copy.db", true, &error), error);
    assert_copy(fixture->path, BACKED_UP);
}

/* Restoring is what the user is told to do there; collecting begins with no lock beside it. */
static void where_only_a_log_is_left_the_locks_for_restoring_can_be_taken(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    assert_true(WIFSIGNALED(run_apart(keep_more_and_die, fixture)));
    unlink(fixture->path);
    g_autofree char *before = names_in(fixture);
    struct store_lock *none = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_refused(none != NULL, &error, STORE_ERROR_FOREIGN, "but not the database: restore a backup");
    assert_names(fixture, before);
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_MAINTENANCE, &error);
    assert_ok(lock != NULL, error);
    g_autoptr(StoreLock) collecting = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(collecting != NULL, error);
    assert_ok(restore(fixture, "copy.db", true, &error), error);
    assert_copy(fixture->path, BACKED_UP);
}

/* --- somebody opens it at that moment --------------------------------------------------------------------------------
 *
 * SQLite calls an automatic extension when it has opened the file, and before its first lock on it. */

static struct {
    struct fixture *fixture;
    int opened; /* files so far */
    bool restored;
} meanwhile;

static int restore_meanwhile(sqlite3 *db, const char **message, const struct sqlite3_api_routines *api)
{
    (void)db;
    (void)message;
    (void)api;
    if (meanwhile.opened++ == 1) /* the first one is the look at its header */
        meanwhile.restored = restore(meanwhile.fixture, "copy.db", true, NULL);
    return SQLITE_OK;
}

static void who_opens_the_database_while_it_is_replaced_never_has_the_old_one(void **state)
{
    static const enum store_mode modes[] = {STORE_CREATE, STORE_WRITE, STORE_READ};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        GError *error = NULL;
        meanwhile.fixture = fixture;
        meanwhile.opened = 0;
        meanwhile.restored = false;
        assert_int_equal(sqlite3_auto_extension((void (*)(void))restore_meanwhile), SQLITE_OK);
        struct store *store = store_open(fixture->path, modes[i], &error);
        sqlite3_reset_auto_extension();
        assert_true(meanwhile.restored);
        assert_refused(store != NULL, &error, STORE_ERROR_BUSY, "another database was put in the place of");
        assert_copy(fixture->path, BACKED_UP);
        assert_names(fixture, "copy.db keep.db");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_takes_the_place_of_the_database, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_database_that_is_gone_needs_no_permission_to_be_replaced, setup_backed_up,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_database_that_is_damaged_is_no_obstacle, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_link_to_the_database_stays_one, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_backup_of_an_older_version_is_brought_up_to_date, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_database_in_use_can_be_restored_from, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_backup_of_ours_is_refused, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_database_is_no_backup_of_itself, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_backup_leaves_the_database_as_it_was, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_is_told_of, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_database_that_anybody_has_open_is_not_replaced_and_who_is_named,
                                        setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_database_that_this_process_has_open_keeps_its_locks, setup_backed_up,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(it_stops_when_told_to_and_the_database_is_as_it_was, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(whoever_is_killed_leaves_the_old_one_or_the_new_one, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(with_a_log_beside_the_old_one_too_or_a_note_that_says_what_to_do,
                                        setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(a_call_that_fails_leaves_the_database_as_it_was, setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(the_locks_of_a_database_can_be_taken_whatever_has_become_of_it, setup_backed_up,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_log_without_its_database_is_never_taken_for_that_of_another, setup_backed_up,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failure_that_cannot_be_undone_leaves_the_old_one_whole_under_its_second_names,
                                        setup_backed_up, teardown),
        cmocka_unit_test_setup_teardown(what_a_killed_restore_left_is_named_and_a_second_name_goes, setup_backed_up,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_only_a_log_is_left_the_locks_for_restoring_can_be_taken, setup_backed_up,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_opens_the_database_while_it_is_replaced_never_has_the_old_one,
                                        setup_backed_up, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
