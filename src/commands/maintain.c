/* m365keep maintain: the table of its subcommands, and the way to each. */
#include "maintain.h"

#include <string.h>

#include "base/base.h"

static const struct command subcommands[] = {
    {"prune", "delete what retention does not keep", command_maintain_prune},
    {"verify", "check that nothing is damaged, lost or altered", command_maintain_verify},
    {"backup", "copy the database, beside whoever writes", command_maintain_backup},
    {"restore", "put a copy in the database's place", command_maintain_restore},
    {"optimize", "merge the full text, and give free space back", command_maintain_optimize},
    {"renormalize", "derive columns and full text anew from the records' bytes", command_maintain_renormalize},
    {"dedupe", "merge events that are one record but were stored as two", command_maintain_dedupe},
    {"forget", "delete all there is of a customer", command_maintain_forget},
    {NULL, NULL, NULL},
};

static const char summary[] = "Keeps the database sound for years: retention, verification, backup. Collecting goes "
                              "on\nbeside it, but for restore and forget.";

static char *description(void)
{
    GString *text = g_string_new("Subcommands:\n");

    for (const struct command *each = subcommands; each->name != NULL; each++)
        g_string_append_printf(text, "  %-11s  %s\n", each->name, each->summary);
    g_string_append(
        text, "\n"
              "m365keep maintain SUBCOMMAND --help tells the rest. Each takes --json. Ctrl-C ends each of them\n"
              "after the transaction under way: what was done stays done, and running it again goes on.\n"
              "\n"
              "Exit status: 0 done, 1 failed, 2 usage or configuration, 3 done in part, 4 verify found something.\n"
              "\n"
              "Examples:\n"
              "  m365keep maintain prune --dry-run\n"
              "  m365keep maintain prune --quiet                       every night\n"
              "  m365keep maintain backup m365keep-$(date +%F).db      every night\n"
              "  m365keep maintain verify                              every month\n"
              "  m365keep maintain restore m365keep-2026-11-20.db --force\n"
              "  m365keep maintain optimize\n"
              "  m365keep maintain renormalize --limit 100000          after a new version of m365keep\n"
              "  m365keep maintain dedupe --dry-run\n"
              "  m365keep maintain forget contoso");
    return g_string_free(text, FALSE);
}

/* Teaches, or takes apart what comes before the subcommand, which is nothing. */
static int without_subcommand(struct command_context *context, int argc, char **argv)
{
    g_autofree char *text = description();
    const GOptionEntry none[] = {G_OPTION_ENTRY_NULL};
    const struct command_usage usage = {.name = "maintain",
                                        .arguments = "SUBCOMMAND [ARGUMENT]",
                                        .summary = summary,
                                        .description = text,
                                        .entries = none};
    int status;

    if (!command_parse(context, &usage, &argc, &argv, &status))
        return status;
    if (argc > 1)
        return command_usage_error(context, "options follow the subcommand: m365keep maintain %s [OPTION...]", argv[1]);
    return command_usage_error(context, "what is to be done? prune, verify, backup, restore, optimize, renormalize, "
                                        "dedupe or forget");
}

static int unknown_subcommand(struct command_context *context, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct command *each = subcommands; each->name != NULL; each++)
        g_ptr_array_add(names, (gpointer)each->name);
    g_ptr_array_add(names, NULL);
    const char *nearest = text_nearest(name, (const char *const *)names->pdata);
    g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
    context->name = "maintain";
    if (nearest != NULL)
        return command_usage_error(context, "there is no maintain %s; did you mean \"%s\"?", name, nearest);
    return command_usage_error(context, "there is no maintain %s. There are: %s", name, all);
}

int command_maintain(int argc, char **argv)
{
    g_auto(CommandContext) context = {0};

    if (argc < 2 || *argv[1] == '-')
        return without_subcommand(&context, argc, argv);
    for (const struct command *each = subcommands; each->name != NULL; each++)
        if (strcmp(each->name, argv[1]) == 0)
            return each->run(argc - 1, argv + 1);
    return unknown_subcommand(&context, argv[1]);
}
