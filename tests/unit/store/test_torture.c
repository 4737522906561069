/* Every call of SQLite made to fail, every call that SQLite makes of the file system, and every allocation it makes:
 * the store does the same few things again and again, each time with another call failing, or that one and all after
 * it. Whatever fails:
 *
 * - an error is told, in words, or everything has been done; of what is done in one transaction nothing is half done,
 * and of long work some transactions are;
 * - the connection goes on to serve: a note written right afterwards lasts, and nothing is damaged;
 * - doing the same again gives what a run without failures gives;
 * - what was claimed is there when the file is opened again, and nothing leaks.
 *
 * A run without failures comes first, and tells what the steps say and what they leave behind. Of what is done in one
 * transaction, each call of SQLite fails once in every run of this program. Of long work, of the file system's calls,
 * of the allocations and of other ways to fail, a part does that is spread over the run, one call of each name in it;
 * with M365KEEP_TORTURE=all, all do, but of allocations a hundred times as many. A table at the end tells what became
 * of them.
 */
#include "steps.h"

#include "faulty_memory.h"
#include "faulty_sqlite.h"
#include "faulty_vfs.h"
#include "old_versions.h"
#include "state.h"

struct scenario {
    const char *name;
    bool closed; /* begins with the database closed; else it is open, and customer known */
    bool absent; /* begins without a file */
    bool old;    /* begins with a database of the first version */
    bool partly; /* done in several transactions: what was done before a failure may stay done */
    bool alone;  /* nobody may look on */
    bool last;   /* of the customer: nothing can be noted of it afterwards */
    step_fn steps[STEPS_MOST];
};

/* What a run without failures told after each step, and left behind before each and after the last. */
struct untouched {
    char *told[STEPS_MOST], *states[STEPS_MOST + 1];
    guint n;
};

/* What may fail, and how. */
enum fault {
    FAULT_CALL,
    FAULT_CALL_LATE,
    FAULT_CALLS,
    FAULT_UNPREPARED,
    FAULT_FILE,
    FAULT_FILES,
    FAULT_ALLOCATION,
    FAULT_MEMORY,
    FAULTS
};

static const struct {
    const char *name;
    guint most; /* about so many fail of a scenario, unless M365KEEP_TORTURE=all */
    bool each;  /* and one call of each name at least */
} faults[] = {[FAULT_CALL] = {"SQLite, one call", 12, true},
              [FAULT_CALL_LATE] = {"SQLite, one call, too late", 5, false},
              [FAULT_CALLS] = {"SQLite, for good", 5, false},
              [FAULT_UNPREPARED] = {"SQLite, a statement", 0, false},
              [FAULT_FILE] = {"file system, one call", 20, true},
              [FAULT_FILES] = {"file system, for good", 5, false},
              [FAULT_ALLOCATION] = {"memory, one allocation", 10, true},
              [FAULT_MEMORY] = {"memory, for good", 5, false}};

/* What became of those that failed. */
struct tally {
    unsigned points, failed;             /* of so many, so many did */
    unsigned undone, done_late, in_part; /* an error was told, and all was as before; all was done; something was */
    unsigned done;                       /* SQLite, or the store, did without */
};

static char *template, *old_template; /* paths of the databases that every run gets a copy of */
static struct look look;
static char *context; /* of the run under way, for whoever reads of a failure */

static const struct scenario scenarios[] = {
    {.name = "making a database", .closed = true, .absent = true, .steps = {open_database, know_customer}},
    {.name = "opening a database", .closed = true, .steps = {open_database, open_to_read, search_words}},
    {.name = "pages of events", .steps = {commit_two_pages}},
    {.name = "pages of accounts",
     .steps = {begin_listing, end_listing, commit_delta, commit_activity, list_again, count_present}},
    {.name = "pages of health", .steps = {scan_whole, tell_edits, scan_in_vain, search_health}},
    {.name = "where reading stands",
     .steps = {rename_customer, save_round, read_round, read_cursor, mark_open, mark_lost, settle, read_coverage,
               note_failure}},
    {.name = "mails", .steps = {keep_mail, begin_mail, recover_mails, note_mail, look_into_the_outbox}},
    {.name = "reports", .steps = {read_report, ask_figures}},
    {.name = "looking", .steps = {search_words, search_all, count_events, search_users, look_how_it_stands}},
    {.name = "migrating", .closed = true, .old = true, .partly = true, .steps = {open_database, verify}},
    {.name = "verify", .partly = true, .steps = {verify, verify_all, quick_check}},
    {.name = "prune", .partly = true, .steps = {commit_two_pages, prune_by_age, prune_by_size}},
    {.name = "optimize", .partly = true, .steps = {commit_two_pages, rebuild_text, optimize}},
    {.name = "renormalize", .partly = true, .steps = {commit_two_pages, renormalize}},
    {.name = "dedupe", .partly = true, .steps = {commit_doubles, dedupe}},
    {.name = "forget", .partly = true, .last = true, .steps = {forget}},
    {.name = "backup", .partly = true, .steps = {back_up, commit_two_pages, back_up, look_into_copy}},
    {.name = "restore", .partly = true, .alone = true, .steps = {back_up, commit_two_pages, restore, open_database}},
};

static struct tally tallies[G_N_ELEMENTS(scenarios)][FAULTS];

/* --- runs --------------------------------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    g_autofree char *bytes = NULL;
    gsize length;
    assert_true(g_file_get_contents(from, &bytes, &length, NULL) &&
                g_file_set_contents_full(to, bytes, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static struct fixture *begin(const struct scenario *scenario)
{
    void *state = NULL;
    g_autoptr(GError) error = NULL;
    assert_int_equal(setup_folder(&state), 0);
    struct fixture *fixture = state;
    if (!scenario->absent)
        copy_file(scenario->old ? old_template : template, fixture->path);
    fixture->customer = 1;
    if (!scenario->closed) {
        fixture->store = store_open(fixture->path, STORE_WRITE, &error);
        assert_ok(fixture->store, error);
    }
    return fixture;
}

/* What there is. Returned: g_free. */
static char *look_at_once(const struct scenario *scenario, const struct fixture *fixture)
{
    char *state = look_at(&look, fixture);
    if (scenario->alone)
        look_close(&look);
    return state;
}

static void assert_state(const struct fixture *fixture, const char *expected)
{
    g_autofree char *state = look_at(&look, fixture);
    assert_same_state(state, expected);
}

/* Closes the database. What is in the file then must be `state`. */
static void end(struct fixture *fixture, const char *state)
{
    look_close(&look);
    assert_true(!fixture->store || sqlite3_memory_used() > 0); /* it is counted */
    g_clear_pointer(&fixture->store, store_close);
    vfs_disarm();
    memory_disarm();
    assert_state(fixture, state);
    void *whole = fixture;
    teardown(&whole);
    assert_int_equal(sqlite3_memory_used(), 0);
    g_clear_pointer(&context, g_free);
}

static void run_untouched(const struct scenario *scenario, struct untouched *untouched)
{
    struct fixture *fixture = begin(scenario);
    guint n = 0;
    for (; n < STEPS_MOST && scenario->steps[n]; n++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        untouched->states[n] = look_at_once(scenario, fixture);
        bool done = scenario->steps[n](fixture, told, &error);
        assert_ok(done, error);
        untouched->told[n] = g_strdup(told->str);
    }
    untouched->n = n;
    untouched->states[n] = look_at_once(scenario, fixture);
    end(fixture, untouched->states[n]);
}

static void untouched_clear(struct untouched *untouched)
{
    for (guint i = 0; i < untouched->n; i++)
        g_free(untouched->told[i]);
    for (guint i = 0; i <= untouched->n; i++)
        g_free(untouched->states[i]);
}

/* True when the step says it was done; then it told what it should. */
static bool run_step(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                     guint step, GError **error)
{
    g_autoptr(GString) told = g_string_new(NULL);
    if (!scenario->steps[step](fixture, told, error))
        return false;
    assert_string_equal(told->str, untouched->told[step]);
    return true;
}

/* Runs the steps from *step on; false with *error and *step at the one that failed. */
static bool run_steps(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                      guint *step, GError **error)
{
    while (*step < untouched->n && run_step(scenario, untouched, fixture, *step, error))
        ++*step;
    return *step == untouched->n;
}

/* --- what fails --------------------------------------------------------------------------------------------------- */

static int code_of(unsigned n)
{
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_TOOBIG};
    return codes[n % G_N_ELEMENTS(codes)];
}

/* The point number `n` from now on fails; 0: none. Statements are `cold` where each run prepares them anew. */
static void arm(enum fault fault, unsigned n, bool cold)
{
    switch (fault) {
    case FAULT_CALL:
    case FAULT_CALL_LATE:
    case FAULT_CALLS:
    case FAULT_UNPREPARED:
        calls_arm(n, code_of(n + fault), (enum call_manner)fault, cold);
        break;
    case FAULT_FILE:
    case FAULT_FILES:
        vfs_arm(n, n % 2 ? VFS_FAILS : VFS_REFUSES, fault == FAULT_FILES);
        break;
    case FAULT_ALLOCATION:
    case FAULT_MEMORY:
        memory_arm(n, fault == FAULT_MEMORY);
        break;
    case FAULTS:
        break;
    }
}

static void disarm(void)
{
    calls_disarm();
    vfs_disarm();
    memory_disarm();
}

/* The call that failed; NULL: none did. */
static const char *what_failed(enum fault fault)
{
    return fault <= FAULT_UNPREPARED ? calls.failed : fault <= FAULT_FILES ? vfs.failed : heap.failed;
}

static void set_context(const struct scenario *scenario, guint step, enum fault fault, unsigned n)
{
    g_free(context);
    context = g_strdup_printf("%s, step %u: %s, number %u", scenario->name, step, faults[fault].name, n);
}

/* --- after a failure ---------------------------------------------------------------------------------------------- */

static int64_t latest_note(void)
{
    static const char sql[] = "SELECT max(last_run_at) FROM collection WHERE source = 'notes'";
    sqlite3_stmt *read;
    look_check(&look, sqlite3_prepare_v3(look.db, sql, -1, 0, &read, NULL));
    look_check(&look, sqlite3_step(read));
    int64_t at = sqlite3_column_int64(read, 0);
    sqlite3_finalize(read);
    return at;
}

/* The store must serve: its next note lasts. */
static void assert_serves(struct fixture *fixture)
{
    static int64_t at = AT;
    g_autoptr(GError) error = NULL;
    at++;
    bool noted = store_collection_note(fixture->store, fixture->customer, "notes", at, STORE_OUTCOME_OK, NULL, &error);
    assert_ok(noted, error);
    if (look.db)
        assert_int_equal(latest_note(), at);
}

static void assert_sound(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    bool sound = store_verify(fixture->store, &error);
    assert_ok(sound, error);
}

/* What is there after a step has failed is what was there before it; or, where the failure may have come after the fact
 * (`late`), what there should be after it: then true. */
static bool is_whole(const struct scenario *scenario, const struct fixture *fixture, const struct untouched *untouched,
                     guint step, bool late, struct tally *tally)
{
    g_autofree char *state = look_at_once(scenario, fixture);
    bool same = g_str_equal(state, untouched->states[step]);
    bool done = late && !same && g_str_equal(state, untouched->states[step + 1]);
    if (!same && !done && !scenario->partly)
        assert_same_state(state, untouched->states[step + late]);
    *(same ? &tally->undone : done ? &tally->done_late : &tally->in_part) += 1;
    return done;
}

static void assert_words(const GError *error)
{
    assert_non_null(error);
    assert_true(error->domain == STORE_ERROR && strlen(error->message) > 20);
    assert_true(g_utf8_validate(error->message, -1, NULL));
}

/* What is wrong with the disk, the file or the neighbours is told as such. */
static void assert_code(const GError *error)
{
    static const struct {
        int code;
        enum store_error_code told;
    } codes[] = {{SQLITE_FULL, STORE_ERROR_FULL},
                 {SQLITE_IOERR_WRITE, STORE_ERROR_FULL},
                 {SQLITE_BUSY, STORE_ERROR_BUSY},
                 {SQLITE_CORRUPT, STORE_ERROR_CORRUPT}};
    /* Values have no code; and what can go wrong with the first look at a file is another matter. */
    if (g_str_has_prefix(calls.failed, "sqlite3_column") || g_str_has_prefix(error->message, "cannot read"))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].code == calls.code && error->code != (int)codes[i].told)
            fail_msg("not told as %d: %s", codes[i].told, error->message);
}

/* Fails when something is claimed though a call of SQLite's failed that the store cannot do without; true when
 * everything was done. */
static bool is_honest(const struct scenario *scenario, enum fault fault, bool done, const GError *error)
{
    disarm();
    if (done && what_failed(fault) && fault <= FAULT_UNPREPARED && !scenario->partly)
        fail_msg("everything is claimed to be done, though %s failed", calls.failed);
    if (done)
        return true;
    assert_words(error);
    if (fault <= FAULT_UNPREPARED && !scenario->partly)
        assert_code(error);
    return false;
}

/* --- one step, again and again -------------------------------------------------------------------------------------
 */

/* Runs one step again and again on the same connection, each time with a later call failing, until it is done. Of the
 * calls that prepare a statement each happens but once: the first one left to fail is always the first or second. */
static void wear_down(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                      guint step, enum fault fault, struct tally *tally)
{
    unsigned stride = points.thorough || fault == FAULT_CALL || fault == FAULT_UNPREPARED ? 1 : 5;
    for (unsigned n = 1 + step % stride;; n += stride) {
        g_autoptr(GError) error = NULL;
        set_context(scenario, step, fault, n);
        arm(fault, fault == FAULT_UNPREPARED ? MIN(n, 2) : n, false);
        bool done = run_step(scenario, untouched, fixture, step, &error);
        done = is_honest(scenario, fault, done, error);
        tally->failed += calls.failed != NULL;
        if (done || is_whole(scenario, fixture, untouched, step, fault == FAULT_CALL_LATE, tally)) {
            assert_state(fixture, untouched->states[step + 1]);
            tally->points += n - 1;
            return;
        }
        assert_serves(fixture);
    }
}

static void wear_down_all(const struct scenario *scenario, const struct untouched *untouched, struct tally *tallies_of)
{
    for (enum fault fault = FAULT_CALL; fault <= FAULT_UNPREPARED; fault++) {
        struct fixture *fixture = begin(scenario);
        for (guint step = 0; step < untouched->n; step++)
            wear_down(scenario, untouched, fixture, step, fault, &tallies_of[fault]);
        assert_sound(fixture);
        end(fixture, untouched->states[untouched->n]);
    }
}

/* --- a run from its beginning --------------------------------------------------------------------------------------
 */

/* Does again what was not done. */
static void go_on(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                  guint step)
{
    g_autoptr(GError) error = NULL;
    bool open = fixture->store && !scenario->closed;
    if (open && !scenario->last)
        assert_serves(fixture);
    bool done = run_steps(scenario, untouched, fixture, &step, &error);
    assert_ok(done, error);
    if (open && fixture->store)
        assert_sound(fixture);
}

/* Something may be done without (a checkpoint can wait); then everything is done, also in the file. */
static void run_with_fault(const struct scenario *scenario, const struct untouched *untouched, enum fault fault,
                           unsigned n, struct tally *tally)
{
    struct fixture *fixture = begin(scenario);
    g_autoptr(GError) error = NULL;
    guint step = 0;
    set_context(scenario, 0, fault, n);
    arm(fault, n, true);
    bool done = run_steps(scenario, untouched, fixture, &step, &error);
    const char *failed = what_failed(fault);
    if (!is_honest(scenario, fault, done, error)) {
        bool late = is_whole(scenario, fixture, untouched, step, true, tally);
        go_on(scenario, untouched, fixture, step + (late && !scenario->closed && !scenario->partly));
    } else if (failed) {
        tally->done++;
    } else if (fault == FAULT_FILE || fault == FAULT_FILES) {
        vfs.armed = true; /* closing may fail, too, and nobody hears of it */
    }
    end(fixture, untouched->states[untouched->n]);
    tally->failed += what_failed(fault) != NULL;
    tally->done += !failed && what_failed(fault);
}

/* The names of what may fail in a run, closing the database among it where that may. Returned: g_ptr_array_unref. */
static GPtrArray *names_of_points(const struct scenario *scenario, const struct untouched *untouched, enum fault fault)
{
    struct fixture *fixture = begin(scenario);
    GPtrArray *names = points.names = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    guint step = 0;
    arm(fault, 0, true);
    bool done = run_steps(scenario, untouched, fixture, &step, &error);
    assert_ok(done, error);
    if (fault == FAULT_FILE || fault == FAULT_FILES) {
        look_close(&look);
        g_clear_pointer(&fixture->store, store_close);
    }
    disarm();
    points.names = NULL;
    end(fixture, untouched->states[untouched->n]);
    return names;
}

static void run_with_each_fault(const struct scenario *scenario, const struct untouched *untouched, enum fault fault,
                                struct tally *tally)
{
    g_autoptr(GPtrArray) names = names_of_points(scenario, untouched, fault);
    guint most = !points.thorough           ? faults[fault].most
                 : fault < FAULT_ALLOCATION ? names->len
                                            : 100 * faults[fault].most;
    tally->points = names->len;
    for (guint n = 1; n <= names->len; n++)
        if (point_is_chosen(names, n, most, faults[fault].each))
            run_with_fault(scenario, untouched, fault, n, tally);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void run_all(enum fault first, enum fault last)
{
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        const struct scenario *scenario = &scenarios[i];
        struct untouched untouched = {0};
        run_untouched(scenario, &untouched);
        if (first == FAULT_CALL && !scenario->closed && !scenario->partly)
            wear_down_all(scenario, &untouched, tallies[i]);
        else /* what prepares a statement is a call like others then */
            for (enum fault fault = first; fault <= last; fault++)
                if (fault != FAULT_UNPREPARED)
                    run_with_each_fault(scenario, &untouched, fault, &tallies[i][fault]);
        untouched_clear(&untouched);
    }
}

static void each_call_of_sqlite_may_fail_without_half_a_page(void **state)
{
    (void)state;
    run_all(FAULT_CALL, FAULT_UNPREPARED);
}

static void each_call_of_the_file_system_may_fail_without_half_a_page(void **state)
{
    (void)state;
    run_all(FAULT_FILE, FAULT_FILES);
}

static void each_allocation_may_fail_without_half_a_page(void **state)
{
    (void)state;
    run_all(FAULT_ALLOCATION, FAULT_MEMORY);
}

static int tell_context(void **state)
{
    (void)state;
    if (context)
        print_error("That was: %s\n", context);
    g_clear_pointer(&context, g_free);
    return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void print_tally(const char *scenario, const char *fault, const struct tally *tally)
{
    print_message("%-20s %-26s %7u %7u %8u %8u %8u %8u\n", scenario, fault, tally->points, tally->failed, tally->undone,
                  tally->done_late, tally->in_part, tally->done);
}

static void print_table(void)
{
    struct tally sum = {0};
    print_message("%-20s %-26s %7s %7s %8s %8s %8s %8s\n", "scenario", "what fails", "points", "failed", "undone",
                  "told,done", "in part", "done");
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++)
        for (enum fault fault = 0; fault < FAULTS; fault++) {
            const struct tally *tally = &tallies[i][fault];
            if (tally->points == 0)
                continue;
            print_tally(scenarios[i].name, faults[fault].name, tally);
            sum = (struct tally){sum.points + tally->points,   sum.failed + tally->failed,
                                 sum.undone + tally->undone,   sum.done_late + tally->done_late,
                                 sum.in_part + tally->in_part, sum.done + tally->done};
        }
    print_tally("all", "", &sum);
}

/* --- the templates ------------------------------------------------------------------------------------------------ */

static struct fixture *template_fixture;

static int make_template(void **state)
{
    points.thorough = g_strcmp0(g_getenv("M365KEEP_TORTURE"), "all") == 0;
    memory_install();
    /* Before the store can: it tells SQLite not to count its memory, which is refused once SQLite has begun. */
    sqlite3_initialize();
    vfs_install();
    if (setup_folder(state) != 0)
        return -1;
    template_fixture = *state;
    template_make(template_fixture);
    template = template_fixture->path;
    old_template = g_build_filename(template_fixture->folder, "old.db", NULL);
    struct fixture old = {.path = old_template};
    write_version(old.path, 1, rows_of_1);
    insert_key(&old);
    return 0;
}

static int drop_template(void **state)
{
    print_table();
    *state = template_fixture;
    teardown(state);
    g_free(old_template);
    vfs_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_call_of_sqlite_may_fail_without_half_a_page, tell_context),
        cmocka_unit_test_teardown(each_call_of_the_file_system_may_fail_without_half_a_page, tell_context),
        cmocka_unit_test_teardown(each_allocation_may_fail_without_half_a_page, tell_context),
    };
    return cmocka_run_group_tests_name("store torture", tests, make_template, drop_template);
}
