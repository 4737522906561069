/* What all commands share: options, words, data, signals. */
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "config.h"

/* --- words -------------------------------------------------------------------------------------------------------- */

static void print_line(const struct command_context *context, const char *text)
{
    g_autofree char *safe = text_for_terminal(text);
    fprintf(stderr, "m365keep%s%s: %s\n", context->name != NULL ? " " : "", context->name != NULL ? context->name : "",
            safe);
}

static void print_error(const struct command_context *context, const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);

    if (context->log_format != NULL)
        log_write(LOG_LEVEL_ERROR, text, "command", context->name, NULL);
    else
        print_line(context, text);
}

int command_fail(const struct command_context *context, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_error(context, format, arguments);
    va_end(arguments);
    return status;
}

int command_usage_error(const struct command_context *context, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_error(context, format, arguments);
    va_end(arguments);
    if (context->log_format == NULL)
        fprintf(stderr, "See: m365keep %s%s\n", context->name != NULL ? context->name : "help",
                context->name != NULL ? " --help" : "");
    return EXIT_USAGE;
}

int command_refuse_name(const struct command_context *context, const char *option, const char *what, const char *name,
                        GPtrArray *known)
{
    g_ptr_array_add(known, NULL);
    const char *nearest = text_nearest(name, (const char *const *)known->pdata);
    g_autofree char *all = g_strjoinv(", ", (char **)known->pdata);
    g_autofree char *meant = nearest != NULL ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup(".");

    return command_usage_error(context, "%s: there is no %s \"%s\"%s The %ss are: %s", option, what, name, meant, what,
                               all);
}

void command_say(const struct command_context *context, const char *format, ...)
{
    va_list arguments;

    if (context->quiet)
        return;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *safe = text_for_terminal(text);
    fprintf(stderr, "%s\n", safe);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

/* Why stdout first failed; 0: it has not. Standard output is the process's, and so is this. */
static int write_errno;

bool command_write(const char *bytes, size_t length)
{
    if (write_errno == 0 && fwrite(bytes, 1, length, stdout) != length)
        write_errno = errno;
    return write_errno == 0;
}

int command_finish(const struct command_context *context, int status)
{
    if (fflush(stdout) != 0 && write_errno == 0)
        write_errno = errno;
    if (write_errno == 0 || write_errno == EPIPE)
        return status;
    return command_fail(context, EXIT_FAILED, "could not write everything to standard output: %s",
                        g_strerror(write_errno));
}

bool command_wants_color(int fd)
{
    const char *no_color = g_getenv("NO_COLOR"), *terminal = g_getenv("TERM");

    return isatty(fd) && (no_color == NULL || *no_color == '\0') && terminal != NULL && *terminal != '\0' &&
           strcmp(terminal, "dumb") != 0;
}

size_t command_terminal_columns(int fd)
{
    struct winsize size;
    enum { COLUMNS_WHEN_UNTOLD = 80 };

    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_WHEN_UNTOLD;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

struct common_flags {
    gboolean help, version, verbose, quiet;
};

/* The one table of the options that every command has. */
static void add_common_options(GOptionContext *parser, struct command_context *context, struct common_flags *flags)
{
    const GOptionEntry entries[] = {
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &context->config_file,
         "Read settings from FILE (default $M365KEEP_CONFIG, ./m365keep.yaml or /etc/m365keep/m365keep.yaml)", "FILE"},
        {"env-file", 0, 0, G_OPTION_ARG_FILENAME, &context->env_file,
         "Read variables from FILE instead of .env; the real environment wins", "FILE"},
        {"db", 0, 0, G_OPTION_ARG_FILENAME, &context->database, "The database (default $M365KEEP_DB)", "FILE"},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &flags->verbose, "Say more", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &flags->quiet, "Say only what is wrong", NULL},
        {"log-format", 0, 0, G_OPTION_ARG_STRING, &context->log_format, "How log lines look: logfmt (default) or json",
         "FORMAT"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &flags->help, "Show this help", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &flags->version, "Show the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_option_context_add_main_entries(parser, entries, NULL);
}

static void print_help(GOptionContext *parser, const char *name)
{
    g_autofree char *program = g_strconcat("m365keep ", name, NULL);
    g_set_prgname(program);
    g_autofree char *help = g_option_context_get_help(parser, TRUE, NULL);
    fputs(help, stdout);
}

/* -v, -q and --log-format into the context and the log. False with *status. */
static bool set_up_log(struct command_context *context, const struct common_flags *flags, int *status)
{
    bool json = g_strcmp0(context->log_format, "json") == 0;

    if (context->log_format != NULL && !json && strcmp(context->log_format, "logfmt") != 0) {
        g_clear_pointer(&context->log_format, g_free); /* so that this error is a plain line */
        *status = command_usage_error(context, "--log-format must be logfmt or json");
        return false;
    }
    if (flags->verbose && flags->quiet) {
        *status = command_usage_error(context, "--verbose and --quiet contradict each other");
        return false;
    }
    context->verbose = flags->verbose;
    context->quiet = flags->quiet;
    log_init(flags->verbose ? LOG_LEVEL_DEBUG
             : flags->quiet ? LOG_LEVEL_WARN
                            : LOG_LEVEL_INFO,
             json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, NULL);
    return true;
}

bool command_parse(struct command_context *context, const struct command_usage *usage, int *argc, char ***argv,
                   int *status)
{
    g_autoptr(GOptionContext) parser = g_option_context_new(usage->arguments);
    g_autoptr(GError) error = NULL;
    struct common_flags flags = {0};

    context->name = usage->name;
    g_option_context_set_help_enabled(parser, FALSE); /* it would exit by itself */
    g_option_context_set_summary(parser, usage->summary);
    g_option_context_set_description(parser, usage->description);
    g_option_context_add_main_entries(parser, usage->entries, NULL);
    add_common_options(parser, context, &flags);
    if (!g_option_context_parse(parser, argc, argv, &error)) {
        *status = command_usage_error(context, "%s", error->message);
        return false;
    }
    if (flags.help || flags.version) {
        if (flags.help)
            print_help(parser, usage->name);
        else
            puts("m365keep " M365KEEP_VERSION);
        *status = command_finish(context, EXIT_DONE);
        return false;
    }
    return set_up_log(context, &flags, status);
}

bool command_configure(struct command_context *context, bool need_customers, int *status)
{
    const struct config_options options = {.config_file = context->config_file,
                                           .env_file = context->env_file,
                                           .database = context->database,
                                           .need_customers = need_customers};
    g_autoptr(GError) error = NULL;

    context->config = config_load(&options, &error);
    if (context->config == NULL || !clock_init(&context->clock, context->config->clock_spec, &error)) {
        *status = command_fail(context, EXIT_USAGE, "%s", error->message);
        return false;
    }
    log_init(context->verbose ? LOG_LEVEL_DEBUG
             : context->quiet ? LOG_LEVEL_WARN
                              : LOG_LEVEL_INFO,
             g_strcmp0(context->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, &context->clock);
    if (context->clock.simulated && need_customers)
        log_write(LOG_LEVEL_INFO, "The clock is simulated: schedules, windows, tokens and waits follow it.", "clock",
                  context->config->clock_spec, NULL);
    return true;
}

static void log_from(const struct command_context *context, enum log_level level)
{
    log_init(context->verbose ? LOG_LEVEL_DEBUG : level,
             g_strcmp0(context->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, &context->clock);
}

bool command_configure_anyway(struct command_context *context, char **fault, int *status)
{
    struct config_options options = {.config_file = context->config_file,
                                     .env_file = context->env_file,
                                     .database = context->database,
                                     .need_customers = true};
    g_autoptr(GError) error = NULL;

    *fault = NULL;
    if (g_strcmp0(context->database, "") == 0 || g_strcmp0(context->config_file, "") == 0) {
        *status = command_usage_error(context, "--db and --config take the path of a file");
        return false;
    }
    clock_init(&context->clock, NULL, NULL);
    log_from(context, LOG_LEVEL_WARN);
    context->config = config_load(&options, &error);
    log_from(context, LOG_LEVEL_ERROR);
    if (context->config == NULL) {
        *fault = g_strdup(error->message);
        options.need_customers = false;
        context->config = config_load(&options, NULL);
    }
    if (context->config != NULL) /* config_load has looked at the clock */
        clock_init(&context->clock, context->config->clock_spec, NULL);
    return true;
}

const char *command_database(const struct command_context *context)
{
    const char *database = context->database != NULL ? context->database : g_getenv("M365KEEP_DB");

    return database != NULL && *database != '\0' ? database : NULL;
}

void command_context_clear(struct command_context *context)
{
    config_free(context->config);
    g_free(context->config_file);
    g_free(context->env_file);
    g_free(context->database);
    g_free(context->log_format);
    *context = (struct command_context){0};
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

int command_signals_open(const struct command_context *context)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = failed == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (fd < 0)
        command_fail(context, EXIT_FAILED, "cannot watch for signals: %s", g_strerror(failed != 0 ? failed : errno));
    return fd;
}

bool command_check_customer(const struct command_context *context, const char *name)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    bool found = !name || g_str_equal(name, "all");

    for (guint i = 0; i < context->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(context->config->customers, i);

        found = found || g_str_equal(customer->name, name);
        g_ptr_array_add(known, customer->name);
    }
    if (!found)
        command_refuse_name(context, "--customer", "customer", name, known);
    return found;
}
