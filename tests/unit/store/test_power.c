/* The power is cut after each thing that a run does to its files. What is on disk then is what was synced, and of what
 * was only written, nothing, all, a part, or all with the last write torn. Whatever is left:
 *
 * - the database opens and is sound;
 * - it holds what it held after the last commit that the program was told of, or after the one under way: pages and
 *   cursors agree, and nothing acknowledged is lost. Where the program had asked for less (synchronous=NORMAL, which
 *   prune sets while it deletes), commits since may be lost, but none before a later one, and none when it has ended;
 * - going on from there gives what a run without a power cut gives.
 *
 * Each run happens once, on a file system that remembers; the disk of each power cut is then made from what it
 * remembers. A part of the cuts is made, most of it beside syncs, names and acknowledged commits; with
 * M365KEEP_TORTURE=all, all are. What is left to chance is drawn from M365KEEP_SEED, 1 by default. A table at the end
 * tells what was found. */
#include "steps.h"

#include "old_versions.h"
#include "power_vfs.h"
#include "state.h"

enum { CUTS_MOST = 30, CUTS_UNDER_VALGRIND = 2 }; /* of one scenario, about; unless all are made */
enum { GOING_ON_EVERY = 4 };

struct scenario {
    const char *name;
    bool closed; /* begins with the database closed */
    int version; /* begins with a database of this version; 0: with the template */
    bool absent; /* begins without a file */
    step_fn steps[STEPS_MOST];
};

/* What the database held when the program had been told that something lasts. */
struct state {
    char *text;
    guint step; /* that led to it */
    bool last;  /* the step had nothing more to do */
};

static struct fixture *template_fixture;
static GPtrArray *states; /* struct state *, of the run under way */
static guint recorded_step;
static guint captured; /* changes when the database was last looked at */
static bool thorough;
static guint32 seed = 1;
static char *context; /* of the cut under way, for whoever reads of a failure */

/* --- what a database holds ---------------------------------------------------------------------------------------- */

static void state_free(void *data)
{
    struct state *state = data;
    g_free(state->text);
    g_free(state);
}

/* As a plain connection sees it. Returned: g_free. */
static char *text_of(const char *path)
{
    static struct look look;
    GString *out = g_string_new(NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return g_string_free(g_string_append(out, "no database"), FALSE);
    look_open(&look, path);
    for (int i = 0; i < look.n; i++)
        look_append_table(&look, out, i);
    look_close(&look);
    return g_string_free(out, FALSE);
}

/* What lies in the folder when the power is cut after the first `n` changes. Returned: disk_free. */
static struct disk *disk_after(const GPtrArray *changes, guint n)
{
    struct disk *disk = disk_new();
    for (guint i = 0; i < n; i++)
        disk_apply(disk, changes->pdata[i]);
    return disk;
}

static struct fixture *fixture_empty(void)
{
    void *state = NULL;
    assert_int_equal(setup_folder(&state), 0);
    return state;
}

static void fixture_free(struct fixture *fixture)
{
    void *state = fixture;
    teardown(&state);
}

/* A text in the place of a database that was about to be replaced: it says to do that again. */
static bool is_note(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize length;
    return g_file_get_contents(path, &bytes, &length, NULL) && length > 0 &&
           !g_str_has_prefix(bytes, "SQLite format 3");
}

/* Looks at what has been done so far, in a folder of its own: nobody's connection or log is touched. */
static void capture(bool last, bool lasts)
{
    struct fixture *aside = fixture_empty();
    struct disk *disk = disk_after(power.changes, power.changes->len);
    char *folder = g_steal_pointer(&power.folder); /* this is not recorded */
    disk_cut(disk, aside->folder, CUT_ALL, NULL);
    disk_free(disk);
    char *text = is_note(aside->path) ? NULL : text_of(aside->path);
    fixture_free(aside);
    power.folder = folder;
    if (!text)
        return;

    struct state *before = states->len ? states->pdata[states->len - 1] : NULL;
    if (before && g_str_equal(before->text, text)) {
        g_free(text);
    } else {
        struct state *state = g_new0(struct state, 1);
        state->text = text;
        state->step = recorded_step;
        g_ptr_array_add(states, state);
        before = state;
    }
    if (last && states->len > 1 && before->step == recorded_step) /* else the step changed nothing, and is done again */
        before->last = true;
    struct change *done = power_note(CHANGE_DONE, 0);
    done->offset = states->len - 1;
    done->lasts = lasts;
    done->name = last && g_hash_table_contains(power.names, "copy.db") ? g_strdup("copy.db") : NULL;
    captured = power.changes->len;
}

int __real_sqlite3_step(sqlite3_stmt *statement);

/* The connection has asked that its commits last. */
static bool is_full(sqlite3 *db)
{
    sqlite3_stmt *ask = NULL;
    bool full = sqlite3_prepare_v3(db, "PRAGMA synchronous", -1, 0, &ask, NULL) == SQLITE_OK &&
                __real_sqlite3_step(ask) == SQLITE_ROW && sqlite3_column_int(ask, 0) >= 2;
    sqlite3_finalize(ask);
    return full;
}

/* A call of SQLite's has returned: what it committed is acknowledged. */
static void returned(sqlite3 *db)
{
    if (power.folder && sqlite3_get_autocommit(db) && power.changes->len > captured)
        capture(false, is_full(db));
}

int __wrap_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    int code = __real_sqlite3_step(statement);
    if (code == SQLITE_DONE)
        returned(sqlite3_db_handle(statement));
    return code;
}

int __real_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **), void *user,
                        char **words);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **), void *user,
                        char **words);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*each)(void *, int, char **, char **), void *user,
                        char **words)
{
    int code = __real_sqlite3_exec(db, sql, each, user, words);
    if (code == SQLITE_OK)
        returned(db);
    return code;
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

static void copy_template(const struct fixture *fixture)
{
    g_autofree char *bytes = NULL;
    gsize length;
    bool copied = g_file_get_contents(template_fixture->path, &bytes, &length, NULL) &&
                  g_file_set_contents_full(fixture->path, bytes, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
    assert_true(copied);
}

/* Recorded from its first file on. */
static struct fixture *begin(const struct scenario *scenario)
{
    struct fixture *fixture = fixture_empty();
    g_autoptr(GError) error = NULL;
    fixture->customer = 1;
    if (scenario->version)
        write_version(fixture->path, scenario->version, rows_of_1);
    else if (!scenario->absent)
        copy_template(fixture);
    if (scenario->version)
        insert_key(fixture);
    states = g_ptr_array_new_with_free_func(state_free);
    recorded_step = 0;
    power_record(fixture->folder);
    capture(false, true);
    if (!scenario->closed) {
        fixture->store = store_open(fixture->path, STORE_WRITE, &error);
        assert_ok(fixture->store, error);
    }
    return fixture;
}

static void run_step(const struct scenario *scenario, guint step, struct fixture *fixture)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool done = scenario->steps[step](fixture, told, &error);
    assert_ok(done, error);
}

/* Runs the scenario; `states` are then those that it went through. Returned: what it did to its files. */
static GPtrArray *record(const struct scenario *scenario)
{
    struct fixture *fixture = begin(scenario);
    for (; recorded_step < STEPS_MOST && scenario->steps[recorded_step]; recorded_step++) {
        run_step(scenario, recorded_step, fixture);
        capture(true, true);
    }
    g_clear_pointer(&fixture->store, store_close); /* moves what the log holds into the file */
    capture(false, true);
    GPtrArray *changes = power_stop();
    fixture_free(fixture);
    return changes;
}

/* --- after a power cut -------------------------------------------------------------------------------------------- */

/* What the program was told of. */
struct acknowledged {
    guint state;
    guint lasting; /* the last one of which it was told that it lasts */
    bool copy;     /* there is one */
};

/* The state that the database is in: the one that was acknowledged, or the next, or, where these were not to last, one
 * before. */
static guint assert_state(const char *path, const struct acknowledged *acknowledged)
{
    g_autofree char *text = text_of(path);
    guint next = MIN(acknowledged->state + 1, states->len - 1);
    for (guint i = next; i > acknowledged->lasting; i--)
        if (g_str_equal(text, ((struct state *)states->pdata[i])->text))
            return i;
    assert_same_state(text, ((struct state *)states->pdata[acknowledged->lasting])->text);
    return acknowledged->lasting;
}

static void assert_sound(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    if (!fixture->store)
        fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store, error);
    bool sound = store_verify(fixture->store, &error);
    assert_ok(sound, error);
}

/* A copy that has its name is whole, and of a moment that there was. */
static void assert_copy(const struct fixture *fixture, bool acknowledged)
{
    g_autofree char *path = copy_path(fixture);
    bool known = false;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        assert_false(acknowledged);
        return;
    }
    g_autofree char *text = text_of(path);
    for (guint i = 0; i < states->len; i++)
        known = known || g_str_equal(text, ((struct state *)states->pdata[i])->text);
    assert_true(known);
}

/* What stands in the place of the database says so, and doing it again puts the copy there. */
static guint restore_again(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) told = g_string_new(NULL);
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    assert_null(store);
    assert_non_null(strstr(error->message, "restore"));
    g_clear_error(&error);
    bool done = restore(fixture, told, &error);
    assert_ok(done, error);
    assert_sound(fixture);
    return states->len - 1;
}

/* Does what was not done yet; to open it is always the first of that. */
static void go_on(const struct scenario *scenario, struct fixture *fixture, guint found)
{
    const struct state *state = states->pdata[found], *final = states->pdata[states->len - 1];
    fixture->customer = 1;
    guint first = scenario->closed ? 0 : state->step + state->last;
    for (guint step = first; step < STEPS_MOST && scenario->steps[step]; step++)
        run_step(scenario, step, fixture);
    g_clear_pointer(&fixture->store, store_close);
    g_autofree char *text = text_of(fixture->path);
    assert_same_state(text, final->text);
}

/* Returns the state that was found. */
static guint judge(const struct scenario *scenario, const struct disk *disk, enum cut_manner manner, GRand *dice,
                   const struct acknowledged *acknowledged, bool goes_on)
{
    struct fixture *fixture = fixture_empty();
    GRand *same = g_rand_copy(dice);
    guint found;
    disk_cut(disk, fixture->folder, manner, dice);
    if (scenario->closed) { /* opening it may bring it up to date: what there is must be seen before */
        struct fixture *aside = fixture_empty();
        disk_cut(disk, aside->folder, manner, same);
        found = assert_state(aside->path, acknowledged);
        fixture_free(aside);
        if (g_file_test(fixture->path, G_FILE_TEST_EXISTS))
            assert_sound(fixture);
        g_clear_pointer(&fixture->store, store_close);
    } else if (is_note(fixture->path)) {
        found = restore_again(fixture);
    } else {
        assert_sound(fixture);
        found = assert_state(fixture->path, acknowledged);
    }
    g_rand_free(same);
    assert_copy(fixture, acknowledged->copy);
    if (goes_on)
        go_on(scenario, fixture, found);
    fixture_free(fixture);
    return found;
}

/* --- which power cuts --------------------------------------------------------------------------------------------- */

struct tally {
    unsigned cuts, earlier, before, after, went_on;
};

static bool is_of(const GPtrArray *changes, guint i, enum change_kind first, enum change_kind last)
{
    const struct change *change = i < changes->len ? changes->pdata[i] : NULL;
    return change && change->kind >= first && change->kind <= last;
}

/* A cut after the first `n` changes is made in this manner: it differs from that after one change less. */
static bool differs(const struct disk *disk, const GPtrArray *changes, guint n, enum cut_manner manner)
{
    bool wrote = is_of(changes, n - 1, CHANGE_WRITE, CHANGE_TRUNCATE);
    switch (manner) {
    case CUT_NOTHING:
        return is_of(changes, n - 1, CHANGE_SYNC, CHANGE_SYNC) ||
               is_of(changes, n - 1, CHANGE_NAMES_SYNC, CHANGE_NAMES_SYNC);
    case CUT_ALL:
        return wrote || is_of(changes, n - 1, CHANGE_NAME, CHANGE_NO_NAME);
    case CUT_SOME:
        return disk->writes->len + disk->namings->len > 1;
    case CUT_TORN:
        return wrote && ((struct change *)changes->pdata[n - 1])->bytes;
    case CUT_MANNERS:
        break;
    }
    return false;
}

/* Where there is more to lose than between two writes. */
static bool is_telling(const GPtrArray *changes, guint n)
{
    return is_of(changes, n - 1, CHANGE_SYNC, CHANGE_DONE) || is_of(changes, n, CHANGE_SYNC, CHANGE_NAMES_SYNC);
}

static void cut(const struct scenario *scenario, const struct disk *disk, guint n, enum cut_manner manner,
                const struct acknowledged *acknowledged, struct tally *tally)
{
    g_free(context);
    context =
        g_strdup_printf("%s, cut after change %u, %s, M365KEEP_SEED=%u", scenario->name, n, cut_names[manner], seed);
    GRand *dice = g_rand_new_with_seed(seed + n * CUT_MANNERS + manner);
    bool goes_on = thorough || tally->cuts % GOING_ON_EVERY == 0;
    guint found = judge(scenario, disk, manner, dice, acknowledged, goes_on);
    g_rand_free(dice);
    tally->cuts++;
    tally->went_on += goes_on;
    *(found < acknowledged->state    ? &tally->earlier
      : found == acknowledged->state ? &tally->before
                                     : &tally->after) += 1;
}

static void cut_everywhere(const struct scenario *scenario, const GPtrArray *changes, struct tally *tally)
{
    struct disk *disk = disk_new();
    GRand *dice = g_rand_new_with_seed(seed);
    guint first = 1;
    struct acknowledged acknowledged = {0};
    while (!is_of(changes, first - 1, CHANGE_DONE, CHANGE_DONE)) /* what lay there before the run */
        first++;
    double most = g_getenv("M365KEEP_SHORT") ? CUTS_UNDER_VALGRIND : CUTS_MOST;
    double share = most / (double)(2 * (changes->len - first + 1));
    for (guint n = 1; n <= changes->len; n++) {
        const struct change *change = changes->pdata[n - 1];
        disk_apply(disk, changes->pdata[n - 1]);
        if (change->kind == CHANGE_DONE)
            acknowledged =
                (struct acknowledged){.state = (guint)change->offset,
                                      .lasting = change->lasts ? (guint)change->offset : acknowledged.lasting,
                                      .copy = acknowledged.copy || change->name};
        for (enum cut_manner manner = 0; n >= first && manner < CUT_MANNERS; manner++)
            if (differs(disk, changes, n, manner) &&
                (thorough || g_rand_double(dice) < (is_telling(changes, n) ? 4 * share : share)))
                cut(scenario, disk, n, manner, &acknowledged, tally);
    }
    g_clear_pointer(&context, g_free);
    g_rand_free(dice);
    disk_free(disk);
}

/* --- scenarios ---------------------------------------------------------------------------------------------------- */

/* Opens so that the log goes over into the file now and then, as that of a large database does. */
static bool open_small_log(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_WRITE, error);
    return fixture->store && sqlite3_wal_autocheckpoint(fixture->store->db, 4) == SQLITE_OK;
}

static const struct scenario scenarios[] = {
    {.name = "making a database", .closed = true, .absent = true, .steps = {open_database, know_customer}},
    {.name = "migrating a database", .closed = true, .version = 1, .steps = {open_database}},
    {.name = "pages of events", .steps = {commit_two_pages, open_small_log, commit_first_page}},
    {.name = "pages, checkpoints", .steps = {open_small_log, commit_two_pages, commit_first_page, mark_lost, settle}},
    {.name = "pages of accounts",
     .steps = {open_small_log, begin_listing, end_listing, commit_delta, commit_activity, list_again}},
    {.name = "pages of health", .steps = {open_small_log, scan_whole, tell_edits, scan_in_vain}},
    {.name = "mails", .steps = {open_small_log, keep_mail, begin_mail, recover_mails, note_mail}},
    {.name = "prune", .steps = {commit_two_pages, prune_by_age, prune_by_size}},
    {.name = "optimize", .steps = {commit_two_pages, rebuild_text, optimize}},
    {.name = "renormalize", .steps = {commit_two_pages, renormalize}},
    {.name = "dedupe", .steps = {commit_doubles, dedupe}},
    {.name = "forget", .steps = {commit_two_pages, forget}},
    {.name = "restore", .steps = {back_up, commit_two_pages, restore}},
    {.name = "backup", .steps = {commit_two_pages, back_up, commit_first_page, back_up, look_into_copy}},
};

static void print_tally(const char *scenario, const struct tally *tally)
{
    print_message("%-24s %6u %12u %12u %14u %8u\n", scenario, tally->cuts, tally->before, tally->after, tally->earlier,
                  tally->went_on);
}

static void whenever_the_power_is_cut_what_was_acknowledged_is_there(void **state)
{
    struct tally sum = {0};
    (void)state;
    print_message("%-24s %6s %12s %12s %14s %8s\n", "power cut while", "cuts", "as committed", "one more",
                  "not to last", "went on");
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        struct tally tally = {0};
        GPtrArray *changes = record(&scenarios[i]);
        cut_everywhere(&scenarios[i], changes, &tally);
        print_tally(scenarios[i].name, &tally);
        sum = (struct tally){sum.cuts + tally.cuts, sum.earlier + tally.earlier, sum.before + tally.before,
                             sum.after + tally.after, sum.went_on + tally.went_on};
        g_ptr_array_unref(changes);
        g_ptr_array_unref(states);
    }
    print_tally("all", &sum);
}

static int tell_context(void **state)
{
    (void)state;
    if (context)
        print_error("That was: %s\n", context);
    g_clear_pointer(&context, g_free);
    return 0;
}

static int make_template(void **state)
{
    const char *given = g_getenv("M365KEEP_SEED");
    thorough = g_strcmp0(g_getenv("M365KEEP_TORTURE"), "all") == 0;
    seed = given ? (guint32)g_ascii_strtoull(given, NULL, 10) : 1;
    power_install();
    template_fixture = fixture_empty();
    template_make(template_fixture);
    *state = template_fixture;
    return 0;
}

static int drop_template(void **state)
{
    (void)state;
    fixture_free(template_fixture);
    power_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whenever_the_power_is_cut_what_was_acknowledged_is_there, tell_context),
    };
    return cmocka_run_group_tests_name("store power", tests, make_template, drop_template);
}
