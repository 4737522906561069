/* commands - one file a command: options in, calls, summary out. No SQL, no HTTP, no policy.
 *
 * Every command: data on stdout, words on stderr; exit status 0 all done, 1 failed, 2 usage or configuration, 3 done in
 * part, 4 findings, 130 and 143 after SIGINT and SIGTERM. */
#ifndef M365KEEP_COMMANDS_H
#define M365KEEP_COMMANDS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "config/config.h"

enum command_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_PART = 3,
    EXIT_FINDINGS = 4,
    EXIT_SIGNAL = 128
};

struct command {
    const char *name;
    const char *summary;               /* a line for the list of commands */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

int command_collect(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_init(int argc, char **argv);
int command_maintain(int argc, char **argv);
int command_report(int argc, char **argv);
int command_scan(int argc, char **argv);
int command_search(int argc, char **argv);
int command_status(int argc, char **argv);

/* Runs the command that argv[1] names, or teaches. `commands` is ended by a NULL name. */
int commands_run(const struct command *commands, int argc, char **argv);

/* --- options ------------------------------------------------------------------------------------------------------ */

/* What the options that all commands share, and then the configuration, come to. Start with {0}. */
typedef struct command_context {
    const char *name; /* of the command */
    bool verbose, quiet;
    struct clock clock;
    struct config *config;
    /* Private from here. */
    char *config_file, *env_file, *database, *log_format;
} CommandContext;

struct command_usage {
    const char *name, *arguments; /* "search", "[WORDS...]" */
    const char *summary;          /* a sentence or two above the options */
    const char *description;      /* paragraphs below them */
    const GOptionEntry
        *entries; /* the command's own; strings land as G_OPTION_ARG_STRING does, to be freed by the caller */
};

/* Takes the options out of argv, which is left with the command's name and its arguments. False when there is nothing
 * more to do: *status is the exit status (0 after --help and --version, 2 after a word on what is wrong). */
bool command_parse(struct command_context *context, const struct command_usage *usage, int *argc, char ***argv,
                   int *status);

/* Reads the configuration, starts the log and the clock. False with *status as above, after a word on stderr. */
bool command_configure(struct command_context *context, bool need_customers, int *status);

/* The same with the customers, for those who look at what is wrong: a configuration at fault is told in *fault
 * (returned: g_free; NULL: there is none), and context->config is then what can be read without the customers'
 * credentials, or NULL. The log tells errors only from here on. False with *status for a wrong command line only. */
bool command_configure_anyway(struct command_context *context, char **fault, int *status);

/* The database that command line or environment name, for where there is no configuration; NULL: none. Borrowed. */
const char *command_database(const struct command_context *context);

void command_context_clear(struct command_context *context);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CommandContext, command_context_clear)

/* --- words and data ----------------------------------------------------------------------------------------------- */

/* An error as a line on stderr, safe for a terminal (through the log, where --log-format was given); returns `status`.
 */
int command_fail(const struct command_context *context, int status, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A usage error, with a hint at --help; returns 2. */
int command_usage_error(const struct command_context *context, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same for the value of an option that is none of the names `known` (char *; ended by this call): says which one
 * was meant, when one is near, and all there are. `what` is what they name: "customer". */
int command_refuse_name(const struct command_context *context, const char *option, const char *what, const char *name,
                        GPtrArray *known);

/* True when the configuration has a customer of that name; so it is with "all", and NULL. Else as above, on --customer.
 */
bool command_check_customer(const struct command_context *context, const char *name);

/* A remark on stderr, not with --quiet. */
void command_say(const struct command_context *context, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Writes data to stdout. False when nobody reads on or the disk is full: stop, and let command_finish tell. */
bool command_write(const char *bytes, size_t length);

/* Flushes stdout and returns the exit status: `status`, or 1 after a word when not all could be written. A reader that
 * went away
 * (`| head`) is no failure. */
int command_finish(const struct command_context *context, int status);

/* True when `fd` is a terminal that shows colours and the user did not object (NO_COLOR, TERM=dumb). */
bool command_wants_color(int fd);

/* The columns of the terminal `fd`; 0 when it is none. */
size_t command_terminal_columns(int fd);

/* --- signals ------------------------------------------------------------------------------------------------------ */

/* Blocks SIGINT and SIGTERM, before any thread starts, and returns a signalfd that becomes readable when one comes; -1
 * after a word on stderr. Not reading it leaves it readable for everyone who polls it. */
int command_signals_open(const struct command_context *context);

#endif
