/* maintain - the work that keeps a database sound for years, as people ask for it: what the configuration says is made
 * of it what the store is to do, under the right locks, watched and stopped by a signal. Judges; prints nothing but
 * progress. */
#ifndef M365KEEP_MAINTAIN_H
#define M365KEEP_MAINTAIN_H

#include <glib.h>
#include <stdbool.h>

#include "base/clock.h"
#include "config/config.h"
#include "store/store.h"

struct maintain_options {
    const struct config *config;
    const struct clock *clock;
    int signal_fd; /* a signalfd of SIGINT and SIGTERM, or -1 */
    bool progress; /* show progress on stderr's terminal */
};

/* Each of these takes the locks it needs (STORE_ERROR_BUSY, and *error names who holds them), opens the database and
 * does the one thing. With STORE_ERROR_STOPPED the signal came: *signal has it, and results are what was done until
 * then. */

/* Deletes what retention does not keep; with `dry_run` only tells. The daemon's and the command's one way to it. NULL
 * with *error. Returned: store_prune_result_free. */
struct store_prune_result *maintain_prune(const struct maintain_options *options, bool dry_run, bool force, int *signal,
                                          GError **error);

/* True when the configuration keeps everything for ever: there is nothing to prune. */
bool maintain_keeps_all(const struct config *config);

bool maintain_renormalize(const struct maintain_options *options, int64_t limit, struct store_renormalized *result,
                          int *signal, GError **error);

bool maintain_dedupe(const struct maintain_options *options, bool dry_run,
                     void (*found)(const struct store_double *, void *), void *user, struct store_deduped *result,
                     int *signal, GError **error);

bool maintain_optimize(const struct maintain_options *options, bool rebuild, struct store_optimized *result,
                       int *signal, GError **error);

bool maintain_verify(const struct maintain_options *options, struct store_verify_result *result, int *signal,
                     GError **error);

bool maintain_backup(const struct maintain_options *options, const char *file, bool overwrite,
                     struct store_copied *result, int *signal, GError **error);

bool maintain_restore(const struct maintain_options *options, const char *file, bool overwrite,
                      struct store_copied *result, int *signal, GError **error);

/* What of the customer is there, to ask by. */
bool maintain_forget_look(const struct maintain_options *options, const char *customer, struct store_forgotten *there,
                          GError **error);
bool maintain_forget(const struct maintain_options *options, const char *customer, struct store_forgotten *result,
                     int *signal, GError **error);

/* How the sources understand records; static. */
const struct store_decoders *maintain_decoders(void);

#endif
