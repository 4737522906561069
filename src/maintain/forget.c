#include "maintain/task.h"

bool maintain_forget_look(const struct maintain_options *options, const char *customer, struct store_forgotten *there,
                          GError **error)
{
    g_autoptr(Store) store = store_open(options->config->database, STORE_READ, error);

    *there = (struct store_forgotten){0};
    return store != NULL && store_forget_look(store, customer, there, error);
}

bool maintain_forget(const struct maintain_options *options, const char *customer, struct store_forgotten *result,
                     int *signal, GError **error)
{
    g_auto(MaintainTask) task = {0};
    const struct store_forget_options how = {.mirror_deletes = options->config->mongo.deletes == CONFIG_DELETES_MIRROR,
                                             .now = clock_now(options->clock),
                                             .watch = &task.watch};

    *signal = 0;
    *result = (struct store_forgotten){0};
    return maintain_task_open(&task, options, NULL, MAINTAIN_ALONE, error) &&
           maintain_task_told(&task, store_forget(task.store, customer, &how, result, error), signal, error);
}
