/* m365keep maintain forget: asks, and tells what it does not touch. */
#include "maintain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

static const char summary[] =
    "Deletes all there is of CUSTOMER (its name; all its tenants), so that no byte of it is left in the\n"
    "database and its write-ahead log. Nobody may collect, report or maintain meanwhile.";

static const char description[] =
    "First it tells how much there is, and asks for the customer's name; where nobody can be asked, --yes is\n"
    "needed. Backups, reports written to files, logs, MongoDB, and what a restore that was cut short left\n"
    "(DATABASE.old-*) are not touched (but where mongo.deletes is mirror, m365keep replicate deletes there as\n"
    "well). A customer that is still configured comes back with the next collect: take it out of\n"
    "m365keep.yaml first.\n"
    "\n"
    "What was deleted leaves traces until the file is written anew, which takes about twice its size on the\n"
    "disk for a while. Cut short, run it again, or m365keep maintain optimize: status and doctor say so.\n"
    "\n"
    "Exit status: 0 done, 1 failed, or not wanted, 2 usage or configuration, 3 in part: somebody reads the\n"
    "database, so that it still holds bytes of what was deleted; 130, 143 interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain forget contoso\n"
    "  m365keep maintain forget contoso --yes --json";

/* --- before ------------------------------------------------------------------------------------------------------- */

/* The customers that the database knows (char *); empty where it cannot be read. Returned: g_ptr_array_unref. */
static GPtrArray *known_customers(const struct job *job)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const struct store_status_options options = {.now = clock_now(&job->context.clock), .samples = 1};
    g_autoptr(Store) store = store_open(job->context.config->database, STORE_READ, NULL);
    g_autoptr(StoreStatus) status = store != NULL ? store_status_read(store, &options, NULL) : NULL;

    for (guint i = 0; status != NULL && i < status->sources->len; i++) {
        const struct store_status_source *source = g_ptr_array_index(status->sources, i);
        if (!g_ptr_array_find_with_equal_func(names, source->customer, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(source->customer));
    }
    return names;
}

static int unknown_customer(const struct job *job, const char *customer)
{
    g_autoptr(GPtrArray) names = known_customers(job);

    if (names->len == 0)
        return command_usage_error(&job->context, "there is no customer \"%s\" in %s, nor any other", customer,
                                   job->context.config->database);
    return command_refuse_name(&job->context, "CUSTOMER", "customer", customer, names);
}

/* Whether somebody is there to be asked. */
static bool can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void tell_what_goes(const struct job *job, const char *customer, const struct store_forgotten *there)
{
    g_autofree char *records = job_count(there->records, "event, account, issue or message",
                                         "events, accounts, issues and messages"),
                    *others = job_count(there->others, "other row", "other rows"),
                    *tenants = job_count(there->tenants, "tenant", "tenants");
    g_autofree char *text = g_strdup_printf("Of %s (%s) all there is will be deleted from %s: %s, and %s.", customer,
                                            tenants, job->context.config->database, records, others);
    g_autofree char *safe = text_for_terminal(text);

    fprintf(
        stderr,
        "%s\nNot touched are backups, MongoDB, logs, reports that were written to files, and what a restore that was "
        "cut short left.\n",
        safe);
}

/* True when the name was typed. */
static bool ask(const char *customer)
{
    g_autofree char *safe = text_for_terminal(customer);
    char *line = NULL;
    size_t room = 0;

    fprintf(stderr, "To go ahead, type the customer's name (%s): ", safe);
    fflush(stderr);
    bool same = getline(&line, &room, stdin) > 0 && strcmp(g_strstrip(line), customer) == 0;
    free(line);
    return same;
}

/* True when it is wanted. False with *status. What is begun is not asked for again: no row goes by it. */
static bool confirm(struct job *job, const char *customer, bool yes, int *status)
{
    struct store_forgotten there = {0};

    if (!maintain_forget_look(&job->options, customer, &there, &job->error))
        *status = job_end(job, EXIT_FAILED, NULL, NULL, NULL);
    else if (there.tenants == 0 ? there.unfinished : yes)
        return true;
    else if (there.tenants == 0)
        *status = unknown_customer(job, customer);
    else if (!can_ask())
        *status = command_usage_error(&job->context,
                                      "this deletes all there is of \"%s\" for good, and nobody is there to be asked: "
                                      "--yes says that it is meant",
                                      customer);
    else {
        tell_what_goes(job, customer, &there);
        if (ask(customer))
            return true;
        g_set_error(&job->error, STORE_ERROR, STORE_ERROR_FAILED, "that is not \"%s\": nothing was deleted", customer);
        *status = job_end(job, EXIT_FAILED, NULL, NULL, NULL);
    }
    return false;
}

/* --- after -------------------------------------------------------------------------------------------------------- */

static bool is_configured(const struct config *config, const char *customer)
{
    g_autofree char *wanted = g_utf8_casefold(customer, -1);

    for (guint i = 0; i < config->customers->len; i++) {
        const struct config_customer *each = g_ptr_array_index(config->customers, i);
        g_autofree char *name = each->name != NULL ? g_utf8_casefold(each->name, -1) : NULL;
        if (g_strcmp0(name, wanted) == 0)
            return true;
    }
    return false;
}

/* Rows that are gone say nothing any more of whose they were. */
static void append_rest(GString *words, const char *customer, const struct store_forgotten *result)
{
    g_autofree char *name = text_for_terminal(customer);

    g_string_append_printf(words,
                           "Of %s no row is there: they were deleted before, or nobody was ever known by that name.\n"
                           "The file %s since a customer was forgotten%s.\n",
                           name, result->log_held ? "has still to be written anew" : "had still to be written anew",
                           result->log_held ? "" : ", and now it was: no byte of what was deleted is left in it");
}

static void append_words(GString *words, const char *customer, const struct store_forgotten *result)
{
    g_autofree char *records = job_count(result->records, "event, account, issue or message",
                                         "events, accounts, issues and messages"),
                    *others = job_count(result->others, "other row", "other rows"),
                    *waiting = job_count(result->waiting, "deletion waits", "deletions wait"),
                    *name = text_for_terminal(customer);

    g_string_append_printf(words, "%s is forgotten: %s and %s were deleted.\n", name, records, others);
    if (result->waiting > 0)
        g_string_append_printf(words,
                               "%s for MongoDB, and name the records until it has acknowledged them: run m365keep "
                               "replicate.\n",
                               waiting);
}

static GString *result_json(const char *customer, const struct store_forgotten *result)
{
    GString *json = g_string_new("{");

    job_append_text(json, "customer", customer);
    job_append_number(json, "tenants", result->tenants);
    job_append_number(json, "records", result->records);
    job_append_number(json, "others", result->others);
    job_append_number(json, "waiting", result->waiting);
    job_append_bool(json, "log_held", result->log_held);
    g_string_append_c(json, '}');
    return json;
}

static void tell_held(const struct job *job)
{
    g_autofree char *readers = store_readers(job->context.config->database);

    command_fail(&job->context, 0,
                 "%s reads the database, so that file and write-ahead log still hold bytes of what was deleted: end "
                 "that program, and run m365keep maintain optimize, which finishes it",
                 readers != NULL ? readers : "somebody");
}

static int forget(struct job *job, const char *customer, bool yes)
{
    struct store_forgotten result = {0};
    g_autoptr(GString) words = g_string_new(NULL);
    int status;

    /* Signals are still what they were: Ctrl-C ends the question. */
    if (!job_configure(job, &status) || !confirm(job, customer, yes, &status) || !job_begin(job, &status))
        return status;
    bool good = maintain_forget(&job->options, customer, &result, &job->signal, &job->error);
    g_autoptr(GString) json = result_json(customer, &result);
    (result.tenants > 0 ? append_words : append_rest)(words, customer, &result);
    status = job_end(job, result.log_held ? EXIT_PART : EXIT_DONE, good ? words : NULL, good ? json : NULL, NULL);
    if (good && result.log_held)
        tell_held(job);
    if (good && is_configured(job->context.config, customer))
        command_say(&job->context,
                    "%s is still configured: the next m365keep collect reads again what Microsoft has of it.",
                    customer);
    return status;
}

int command_maintain_forget(int argc, char **argv)
{
    g_auto(Job) job = {0};
    gboolean yes = FALSE;
    const GOptionEntry entries[] = {
        {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, "Do not ask", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain forget",
                                        .arguments = "CUSTOMER",
                                        .summary = summary,
                                        .description = description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "forget", &usage, 1, 1, "which customer? m365keep maintain forget CUSTOMER", &argc, &argv,
                     &status)
               ? forget(&job, argv[1], yes)
               : status;
}
