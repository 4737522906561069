/* What is done with the database as it stands: derive anew, merge doubles, optimize, verify. */
#include "config.h"
#include "maintain/task.h"

bool maintain_renormalize(const struct maintain_options *options, int64_t limit, struct store_renormalized *result,
                          int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};
    const struct store_renormalize_options how = {.decoders = maintain_decoders(),
                                                  .version = M365KEEP_VERSION,
                                                  .limit = limit,
                                                  .mirror_deletes =
                                                      options->config->mongo.deletes == CONFIG_DELETES_MIRROR,
                                                  .now = clock_now(options->clock),
                                                  .watch = &task.watch};

    *signal = 0;
    *result = (struct store_renormalized){0};
    if (!maintain_task_open(&task, options, NULL, MAINTAIN_WRITE, error)) /* it keeps its own place in `maintenance` */
        return false;
    return maintain_task_told(&task, store_renormalize(task.store, &how, result, error), signal, error);
}

bool maintain_dedupe(const struct maintain_options *options, bool dry_run,
                     void (*found)(const struct store_double *, void *), void *user, struct store_deduped *result,
                     int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};
    const struct store_dedupe_options how = {.decoders = maintain_decoders(),
                                             .dry_run = dry_run,
                                             .mirror_deletes = options->config->mongo.deletes == CONFIG_DELETES_MIRROR,
                                             .now = clock_now(options->clock),
                                             .found = found,
                                             .user = user,
                                             .watch = &task.watch};

    *signal = 0;
    *result = (struct store_deduped){0};
    if (!maintain_task_open(&task, options, dry_run ? NULL : "dedupe", dry_run ? MAINTAIN_READ : MAINTAIN_WRITE,
                            error) ||
        !maintain_task_told(&task, store_dedupe(task.store, &how, result, error), signal, error))
        return false;
    g_autofree char *merged = text_count(result->merged), *looked_at = text_count(result->looked_at);
    g_autofree char *outcome = g_strdup_printf("of %s events %s were doubles, and merged", looked_at, merged);
    if (!dry_run)
        maintain_task_note(&task, outcome);
    return true;
}

bool maintain_optimize(const struct maintain_options *options, bool rebuild, struct store_optimized *result,
                       int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};

    *signal = 0;
    *result = (struct store_optimized){0};
    if (!maintain_task_open(&task, options, "optimize", MAINTAIN_WRITE, error) ||
        !maintain_task_told(&task,
                            (!rebuild || store_rebuild_text(task.store, &task.watch, error)) &&
                                store_optimize(task.store, clock_now(options->clock), &task.watch, result, error),
                            signal, error))
        return false;
    g_autofree char *before = text_bytes(result->bytes_before), *after = text_bytes(result->bytes_after);
    g_autofree char *outcome = g_strdup_printf("%s before, %s after", before, after);
    maintain_task_note(&task, outcome);
    return true;
}

bool maintain_verify(const struct maintain_options *options, struct store_verify_result *result, int *signal,
                     GError **error)
{
    g_auto(MaintainTask) task = {0};

    *signal = 0;
    *result = (struct store_verify_result){0};
    if (!maintain_task_open(&task, options, "verify", MAINTAIN_WRITE_OR_READ, error) ||
        !maintain_task_told(&task, store_verify_watched(task.store, &task.watch, result, error), signal, error))
        return false; /* a fault is not noted: what is damaged is not written to */
    g_autofree char *events = text_count(result->events), *bytes = text_bytes(result->bytes);
    g_autofree char *outcome = g_strdup_printf("nothing is wrong; %s events, %s of bodies", events, bytes);
    maintain_task_note(&task, outcome);
    return true;
}
