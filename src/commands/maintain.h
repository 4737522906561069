/* maintain - what the parts of m365keep maintain share; private to the commands. */
#ifndef M365KEEP_COMMANDS_MAINTAIN_H
#define M365KEEP_COMMANDS_MAINTAIN_H

#include "commands.h"
#include "maintain/maintain.h"

/* One subcommand under way. Start with {0}. */
typedef struct job {
    struct command_context context;
    gboolean json;                   /* --json: one value on standard output */
    struct maintain_options options; /* for the calls of the room */
    int64_t started;
    int signal;    /* that ended it; 0: none */
    GError *error; /* what the call ended with */
    /* Private from here. */
    const char *task; /* its name in the JSON */
} Job;
void job_clear(struct job *job);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

/* Takes the options out of argv and sees to it that there are from `least` to `most` arguments; `missing` is said where
 * there are fewer. False with *status. `task` is the subcommand's name, static; usage->name "maintain" and that. */
bool job_parse(struct job *job, const char *task, const struct command_usage *usage, int least, int most,
               const char *missing, int *argc, char ***argv, int *status);

/* Reads the configuration, for which nobody need be configured. False with *status. */
bool job_configure(struct job *job, int *status);

/* Gets ready for the room's calls: signals end them from here on. False with *status. */
bool job_begin(struct job *job, int *status);

/* Ends a job. `words` (NULL: none) are for people and go to standard output, but not with --quiet. With --json the one
 * value goes there: `result` is its member of that name, JSON (NULL: null), and `message` what else is to be said of
 * it. Where the call failed, job->error is told on standard error in place of both, and EXIT_FAILED returned; where it
 * was stopped, it is told beside them (NULL where there is nothing to tell), and the signal's status returned. */
int job_end(struct job *job, int status, const GString *words, const GString *result, const char *message);

/* --- what they print ---------------------------------------------------------------------------------------------- */

/* A member of a JSON object, after a comma where one is needed. */
void job_append_text(GString *json, const char *name, const char *text);
void job_append_number(GString *json, const char *name, int64_t number);
void job_append_bool(GString *json, const char *name, bool value);
void job_append_time(GString *json, const char *name, int64_t seconds); /* 0: null */

/* "1 record", "1,234 records". Returned: g_free. */
char *job_count(int64_t n, const char *one, const char *many);

/* Appends "The database took 12.3 MiB, and takes 8.1 MiB now.\n", and why its log was not cut off, where it was not. */
void job_append_sizes(GString *words, int64_t before, int64_t after, bool log_held);

/* --- the subcommands ---------------------------------------------------------------------------------------------- */

int command_maintain_backup(int argc, char **argv);
int command_maintain_dedupe(int argc, char **argv);
int command_maintain_forget(int argc, char **argv);
int command_maintain_optimize(int argc, char **argv);
int command_maintain_prune(int argc, char **argv);
int command_maintain_renormalize(int argc, char **argv);
int command_maintain_restore(int argc, char **argv);
int command_maintain_verify(int argc, char **argv);

#endif
