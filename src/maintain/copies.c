/* Copies of the database: made, and put back. */
#include "maintain/task.h"

bool maintain_backup(const struct maintain_options *options, const char *file, bool overwrite,
                     struct store_copied *result, int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};

    *signal = 0;
    *result = (struct store_copied){0};
    if (!maintain_task_open(&task, options, "backup", MAINTAIN_COPY, error) ||
        !maintain_task_told(&task, store_backup(task.store, file, overwrite, &task.watch, result, error), signal,
                            error))
        return false;
    g_autofree char *records = text_count(result->records), *bytes = text_bytes(result->bytes);
    g_autofree char *outcome = g_strdup_printf("%s events, %s, to %s", records, bytes, file);
    maintain_task_note(&task, outcome);
    return true;
}

bool maintain_restore(const struct maintain_options *options, const char *file, bool overwrite,
                      struct store_copied *result, int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};

    *signal = 0;
    *result = (struct store_copied){0};
    return maintain_task_open(&task, options, NULL, MAINTAIN_ALONE_UNOPENED, error) &&
           maintain_task_told(&task,
                              store_restore(file, options->config->database, overwrite, &task.watch, result, error),
                              signal, error);
}
