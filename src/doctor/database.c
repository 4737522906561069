#include "doctor/database.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base.h"
#include "doctor/retention.h"

enum {
    QUICK_CHECK_S = 60, /* about 30 GB from a fast disk */
    DAY_S = 86400,
    WEEKS_DAYS = 28,
    BACKUP_DAYS = 30,   /* a backup that is older is worth a word */
    COUNT_CAP = 1000000 /* events that are counted to tell how fast the database grows */
};

static const int64_t mebibyte = INT64_C(1) << 20;

struct database_check {
    char *path, *folder;
    const struct config *config;
    int64_t now;
    struct section *database, *disk;
    gint stopped; /* atomic */
    pthread_mutex_t mutex;
    struct store *store; /* under the mutex; NULL: not open */
    struct disk_facts facts;
};

struct database_check *database_check_new(const char *path, const struct config *config, int64_t now,
                                          struct section *database, struct section *disk)
{
    struct database_check *check = g_new0(struct database_check, 1);

    check->path = g_canonicalize_filename(path, NULL);
    check->folder = g_path_get_dirname(check->path);
    check->config = config;
    check->now = now;
    check->database = database;
    check->disk = disk;
    pthread_mutex_init(&check->mutex, NULL);
    return check;
}

static void check_free(void *data)
{
    struct database_check *check = data;

    pthread_mutex_destroy(&check->mutex);
    g_free(check->path);
    g_free(check->folder);
    g_free(check);
}

static void check_stop(void *data)
{
    struct database_check *check = data;

    g_atomic_int_set(&check->stopped, 1);
    pthread_mutex_lock(&check->mutex);
    if (check->store)
        store_interrupt(check->store);
    pthread_mutex_unlock(&check->mutex);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static void say_absent(struct database_check *check)
{
    if (!g_file_test(check->folder, G_FILE_TEST_IS_DIR))
        section_fail(check->database, "database", "Make the folder, writable for the user that m365keep runs as.",
                     "There is no folder %s for the database %s.", check->folder, check->path);
    else if (euidaccess(check->folder, W_OK | X_OK) != 0)
        section_fail(check->database, "database",
                     "Make the folder writable for the user that m365keep runs as, or name another database.",
                     "There is no database yet, and none can be made in %s: %s.", check->folder, g_strerror(errno));
    else
        section_note(check->database, "database", "There is no database at %s yet: the first collect makes it.",
                     check->path);
}

/* Other people's records are in there: nobody but the owner is to read them. */
static void judge_mode(struct database_check *check, const char *path, mode_t mode)
{
    g_autofree char *mend = g_strdup_printf("chmod 600 %s", path);

    if (mode & (S_IRWXG | S_IRWXO))
        section_warn(check->database, "database", mend, "%s has mode %04o: others than its owner may open it.", path,
                     mode & 07777);
}

/* SQLite writes files beside the database, so the folder counts too. */
static void judge_writable(struct database_check *check)
{
    const char *paths[] = {check->path, check->folder};
    const int how[] = {W_OK, W_OK | X_OK};

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        if (euidaccess(paths[i], how[i]) != 0) {
            section_fail(check->database, "database",
                         "Run m365keep as the owner of the database, or give file and folder to the user that it "
                         "runs as.",
                         "%s cannot be written: %s.", paths[i], g_strerror(errno));
            return;
        }
}

static void say_holders(struct database_check *check)
{
    static const struct {
        enum store_lock_kind kind;
        const char *doing;
    } locks[] = {{STORE_LOCK_COLLECT, "collecting into it"},
                 {STORE_LOCK_HEALTH, "scanning service health into it"},
                 {STORE_LOCK_MAIL, "sending its mails"},
                 {STORE_LOCK_MAINTENANCE, "maintaining it"}};

    for (size_t i = 0; i < G_N_ELEMENTS(locks); i++) {
        g_autofree char *holder = store_lock_holder(check->path, locks[i].kind);
        if (holder)
            section_note(check->database, "database", "Now %s is %s.", holder, locks[i].doing);
    }
}

/* --- what is in it ------------------------------------------------------------------------------------------------ */

static void say_error(struct database_check *check, const GError *error)
{
    const char *mend = "Name the right file with --db or database: in m365keep.yaml.";

    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_OLDER)) {
        section_note(check->database, "database", "%s.", error->message);
        return;
    }
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_CORRUPT))
        mend = "Stop what writes to it, keep a copy of it and of its -wal, and restore a backup, or save what can be "
               "read with: sqlite3 FILE .recover";
    else if (g_error_matches(error, STORE_ERROR, STORE_ERROR_NEWER))
        mend = "Install the newer m365keep.";
    else if (g_error_matches(error, STORE_ERROR, STORE_ERROR_READ_ONLY))
        mend = "Run doctor as the user that m365keep runs as.";
    else if (g_error_matches(error, STORE_ERROR, STORE_ERROR_BUSY))
        mend = "Run doctor again; find what keeps the database locked if it lasts.";
    else if (!g_error_matches(error, STORE_ERROR, STORE_ERROR_FOREIGN) &&
             !g_error_matches(error, STORE_ERROR, STORE_ERROR_NOT_FOUND))
        mend = "Look at the file system and at what the system log says of the disk.";
    section_fail(check->database, "database", mend, "%s.", error->message);
}

static void judge_soundness(struct database_check *check, struct store *store, int64_t bytes, int64_t wal)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *size = text_bytes(bytes), *log = text_bytes(wal);

    if (store_quick_check(store, &error))
        section_ok(check->database, "database", "%s is sound: %s%s%s.", check->path, size,
                   wal ? ", and in its log " : "", wal ? log : "");
    else if (g_atomic_int_get(&check->stopped) && g_error_matches(error, STORE_ERROR, STORE_ERROR_LIMIT))
        section_note(check->database, "database",
                     "%s is too large (%s) to be checked in %d s: sqlite3 %s 'PRAGMA quick_check' does it in its own "
                     "time.",
                     check->path, size, QUICK_CHECK_S, check->path);
    else
        say_error(check, error);
}

/* Records of the last days stand for the disk that these days cost. More than the cap in a week, and a day is enough
 * to tell. 0 when it cannot be told. */
static int64_t growth_per_day(struct store *store, const struct store_status *status, int64_t now, int64_t bytes)
{
    static const int days[] = {7, 1};
    int64_t records = 0;

    for (guint i = 0; i < status->sources->len; i++) {
        const struct store_status_source *source = g_ptr_array_index(status->sources, i);
        records += source->newest ? source->records : 0; /* of events */
    }
    for (size_t i = 0; records > 0 && i < G_N_ELEMENTS(days); i++) {
        const struct store_query query = {.has_start = true, .start = now - (int64_t)days[i] * DAY_S};
        int64_t recent = store_search_count(store, &query, COUNT_CAP, NULL);
        if (recent >= 0 && recent <= COUNT_CAP)
            return (int64_t)((double)bytes * (double)MIN(recent, records) / (double)records / days[i]);
    }
    return 0;
}

static void say_backup(struct database_check *check, const struct store_status *status)
{
    int64_t at = 0;

    for (guint i = 0; i < status->tasks->len; i++) {
        const struct store_status_task *task = g_ptr_array_index(status->tasks, i);
        at = g_str_equal(task->task, "backup") ? task->finished_at : at;
    }
    int64_t days = (check->now - at) / DAY_S;
    if (at == 0)
        section_note(check->database, "database",
                     "m365keep maintain backup has never copied it; whether something else does is not known here.");
    else if (days > BACKUP_DAYS)
        section_note(check->database, "database",
                     "m365keep maintain backup last copied it %" G_GINT64_FORMAT " days ago.", days);
}

static void judge_forgetting(struct database_check *check, struct store *store)
{
    bool due = false;

    if (store_rewrite_due(store, &due, NULL) && due)
        section_warn(check->database, "database",
                     "Run m365keep maintain optimize, where about twice the file's size is free.",
                     "A customer was forgotten, and bytes of it are still in %s: it was not written anew to its end.",
                     check->path);
}

/* What the status tells of growth, and of what retention makes of it. */
static void judge_growth(struct database_check *check, struct store *store)
{
    const struct store_status_options options = {
        .now = check->now, .since = check->now, .max_gap_s = DAY_S, .samples = 1};
    g_autoptr(StoreStatus) status = store_status_read(store, &options, NULL);
    struct disk_facts *facts = &check->facts;

    if (!status) /* what is wrong has been told */
        return;
    facts->per_day = growth_per_day(store, status, check->now, facts->database);
    say_backup(check, status);
    judge_forgetting(check, store);
    if (!check->config)
        return;
    const struct retention_facts retention = {.used = status->database_bytes - status->free_bytes + status->wal_bytes,
                                              .max_size = check->config->retention.max_size_bytes,
                                              .per_day = facts->per_day};
    facts->most = retention_most(check->config, facts->per_day);
    retention_judge_size(check->database, &retention);
}

static void publish(struct database_check *check, struct store *store)
{
    pthread_mutex_lock(&check->mutex);
    check->store = store;
    pthread_mutex_unlock(&check->mutex);
}

static void look_inside(struct database_check *check, int64_t wal)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(check->path, STORE_READ, &error);

    if (!store) {
        say_error(check, error);
        return;
    }
    publish(check, store);
    judge_soundness(check, store, check->facts.database, wal);
    if (!g_atomic_int_get(&check->stopped))
        judge_growth(check, store);
    publish(check, NULL);
    store_close(store);
}

/* Bytes of a file beside the database; 0 without one. */
static int64_t judge_log(struct database_check *check)
{
    g_autofree char *path = g_strconcat(check->path, "-wal", NULL);
    struct stat status;

    if (stat(path, &status) != 0)
        return 0;
    judge_mode(check, path, status.st_mode);
    return status.st_size;
}

/* --- the disk ----------------------------------------------------------------------------------------------------- */

void disk_judge(struct section *section, const char *folder, const struct disk_facts *facts)
{
    /* The write-ahead log may grow to a quarter of a GiB before it is written back; beside a program that reads for
     * long, to STORE_LOG_MOST. */
    const int64_t least = 256 * mebibyte, comfortable = MAX(STORE_LOG_MOST + facts->per_day, facts->database / 10);
    g_autofree char *room = text_bytes(facts->free), *needed = text_bytes(facts->free < least ? least : comfortable);
    bool ends = facts->most > 0 && facts->most - facts->database <= facts->free; /* retention holds it before */
    int64_t days = facts->per_day > 0 && !ends ? facts->free / facts->per_day : INT64_MAX;
    g_autofree char *lasts =
        days < 3650 ? g_strdup_printf(", which lasts %" G_GINT64_FORMAT " days at the present growth", days) : NULL;
    const char *mend = "Free some room, or move the database to a larger disk.";

    if (facts->free < least)
        section_fail(section, "disk", mend, "%s is free in %s%s: less than the %s that writing needs.", room, folder,
                     lasts ? lasts : "", needed);
    else if (facts->free < comfortable)
        section_warn(section, "disk", mend, "%s is free in %s%s: less than the %s that a database of this size wants.",
                     room, folder, lasts ? lasts : "", needed);
    else if (days < WEEKS_DAYS)
        section_warn(section, "disk", mend, "%s is free in %s%s.", room, folder, lasts);
    else
        section_ok(section, "disk", "%s is free in %s%s.", room, folder, lasts ? lasts : "");
}

static void look_at_disk(struct database_check *check)
{
    struct statvfs status;

    if (statvfs(check->folder, &status) != 0) /* no folder: that has been told */
        return;
    if (status.f_flag & ST_RDONLY) {
        section_fail(check->disk, "disk", "Mount it for writing, or put the database elsewhere.",
                     "The file system of %s is mounted read-only.", check->folder);
        return;
    }
    check->facts.free = (int64_t)(status.f_bavail * status.f_frsize);
    disk_judge(check->disk, check->folder, &check->facts);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void check_run(void *data)
{
    struct database_check *check = data;
    struct stat status;

    if (stat(check->path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        say_absent(check);
    } else {
        bool file = stat(check->path, &status) == 0 && S_ISREG(status.st_mode);
        int64_t wal = file ? judge_log(check) : 0;
        check->facts.database = file ? status.st_size : 0;
        if (file) {
            judge_mode(check, check->path, status.st_mode);
            judge_writable(check);
        }
        if (file && !status.st_size)
            section_note(check->database, "database", "%s is an empty file: the first collect makes a database of it.",
                         check->path);
        else
            look_inside(check, wal);
        say_holders(check);
    }
    look_at_disk(check);
}

const struct task_kind database_check_kind = {
    .limit_s = QUICK_CHECK_S, .run = check_run, .stop = check_stop, .free = check_free};
