/* The list of commands, help on one of them, and the way to each. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "config.h"

static const struct command_context no_command = {0};

static const struct command *find_command(const struct command *commands, const char *name)
{
    for (; commands->name != NULL; commands++)
        if (strcmp(commands->name, name) == 0)
            return commands;
    return NULL;
}

static void print_commands(FILE *to, const struct command *commands)
{
    fputs("m365keep keeps a Microsoft 365 tenant's records in one SQLite database, and searches them.\n"
          "\n"
          "Usage: m365keep COMMAND [OPTION...]\n"
          "\n"
          "Commands:\n",
          to);
    for (; commands->name != NULL; commands++)
        fprintf(to, "  %-10s %s\n", commands->name, commands->summary);
    fputs("\n"
          "To begin, put GRAPH_TENANT_ID, GRAPH_CLIENT_ID and GRAPH_CLIENT_SECRET of an app registration\n"
          "into the environment or into a file .env, then:\n"
          "\n"
          "  m365keep collect --db audit.db\n"
          "  m365keep search --db audit.db alice \"reset password\"\n"
          "\n"
          "For several tenants and for settings that stay, m365keep init writes a m365keep.yaml to start from.\n"
          "\n"
          "m365keep help COMMAND (or m365keep COMMAND --help) tells the rest.\n",
          to);
}

static int unknown_command(const struct command *commands, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const struct command *command = commands; command->name != NULL; command++)
        g_ptr_array_add(names, (gpointer)command->name);
    g_ptr_array_add(names, (gpointer) "help");
    g_ptr_array_add(names, NULL);
    const char *nearest = text_nearest(name, (const char *const *)names->pdata);
    if (*name == '-')
        return command_usage_error(&no_command, "%s comes before any command; options follow the command's name", name);
    if (nearest != NULL)
        return command_usage_error(&no_command, "there is no command \"%s\"; did you mean \"%s\"?", name, nearest);
    return command_usage_error(&no_command, "there is no command \"%s\"", name);
}

static int help(const struct command *commands, int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stdout, commands);
        return command_finish(&no_command, EXIT_DONE);
    }
    if (argc > 2)
        return command_usage_error(&no_command, "help takes one command at most");
    const struct command *command = find_command(commands, argv[1]);
    if (command == NULL)
        return strcmp(argv[1], "help") == 0 ? help(commands, 1, argv) : unknown_command(commands, argv[1]);
    /* Changeable copies: the option parser takes arguments out of the array. */
    char option[] = "--help", *arguments[] = {argv[1], option, NULL};
    return command->run(2, arguments);
}

int commands_run(const struct command *commands, int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr, commands);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(commands, argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        puts("m365keep " M365KEEP_VERSION);
        return command_finish(&no_command, EXIT_DONE);
    }
    const struct command *command = find_command(commands, name);
    return command != NULL ? command->run(argc - 1, argv + 1) : unknown_command(commands, name);
}
