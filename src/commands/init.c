#include "commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* What the command line says. */
struct wishes {
    char *from, *folder;
    gboolean json;
};

static void wishes_clear(struct wishes *wishes)
{
    g_free(wishes->from);
    g_free(wishes->folder);
}

/* Where each file goes (char *); in the working directory by its name alone. */
static GPtrArray *choose_paths(GPtrArray *files, const char *folder)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < files->len; i++) {
        const struct config_file *file = g_ptr_array_index(files, i);
        g_ptr_array_add(paths, folder != NULL ? g_build_filename(folder, file->name, NULL) : g_strdup(file->name));
    }
    return paths;
}

/* True when none of the files is there, not even as a dangling link. */
static bool check_free(const struct command_context *context, GPtrArray *paths)
{
    g_autoptr(GString) there = g_string_new(NULL);
    struct stat status;
    unsigned n = 0;

    for (guint i = 0; i < paths->len; i++)
        if (lstat(g_ptr_array_index(paths, i), &status) == 0)
            g_string_append_printf(there, "%s%s", n++ > 0 ? ", " : "", (const char *)g_ptr_array_index(paths, i));
    if (n > 0)
        command_fail(context, EXIT_FAILED,
                     "%s %s there already, and nothing was written: move %s away, or name another folder with "
                     "--output DIR",
                     there->str, n == 1 ? "is" : "are", n == 1 ? "it" : "them");
    return n == 0;
}

static bool write_all(int fd, const char *text)
{
    size_t length = strlen(text);

    for (ssize_t n; length > 0; text += n, length -= (size_t)n) {
        n = write(fd, text, length);
        if (n < 0 && errno != EINTR)
            return false;
        n = MAX(n, 0);
    }
    return fsync(fd) == 0;
}

/* False with errno set, and no file left. */
static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool good = write_all(fd, text);
    int reason = errno;
    if (close(fd) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (!good)
        unlink(path);
    errno = reason;
    return good;
}

/* All of them or none. */
static bool write_files(const struct command_context *context, GPtrArray *files, GPtrArray *paths, const char *folder)
{
    if (folder != NULL && g_mkdir_with_parents(folder, 0700) != 0) {
        command_fail(context, EXIT_FAILED, "cannot make the folder %s: %s", folder, g_strerror(errno));
        return false;
    }
    for (guint i = 0; i < files->len; i++) {
        const struct config_file *file = g_ptr_array_index(files, i);
        if (write_file(g_ptr_array_index(paths, i), file->text))
            continue;
        command_fail(context, EXIT_FAILED, "cannot write %s: %s; nothing was written",
                     (const char *)g_ptr_array_index(paths, i), g_strerror(errno));
        while (i-- > 0)
            unlink(g_ptr_array_index(paths, i));
        return false;
    }
    return true;
}

static void append_json_list(GString *out, const char *key, GPtrArray *texts)
{
    g_string_append_printf(out, "\"%s\":[", key);
    for (guint i = 0; i < texts->len; i++) {
        g_autofree char *text = g_utf8_make_valid(g_ptr_array_index(texts, i), -1);
        g_string_append(out, i > 0 ? "," : "");
        text_append_json(out, text);
    }
    g_string_append_c(out, ']');
}

/* The default is a folder that an installation makes: who only tries the program out has none. */
#define DATABASE_WORDS " (or make /var/lib/m365keep, where it is otherwise). Then run: m365keep collect"

static void report(const struct command_context *context, const struct wishes *wishes, GPtrArray *paths,
                   GPtrArray *remarks)
{
    g_autoptr(GString) out = g_string_new("{");

    if (wishes->json) {
        append_json_list(out, "written", paths);
        g_string_append_c(out, ',');
        append_json_list(out, "remarks", remarks);
        g_string_append(out, "}\n");
        command_write(out->str, out->len);
        return;
    }
    for (guint i = 0; i < remarks->len; i++)
        command_say(context, "%s", (const char *)g_ptr_array_index(remarks, i));
    for (guint i = 0; i < paths->len; i++)
        command_say(context, "Wrote %s", (const char *)g_ptr_array_index(paths, i));
    if (wishes->from == NULL)
        command_say(context, "Now put the app registration's IDs and secret into .env, name the customer in "
                             "m365keep.yaml, and the database" DATABASE_WORDS);
    else
        command_say(context, "Now look both over, and name the database in m365keep.yaml" DATABASE_WORDS);
}

static int init(const struct command_context *context, const struct wishes *wishes)
{
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) files =
        wishes->from != NULL ? config_import_python(wishes->from, remarks, &error) : config_sample();

    if (error != NULL)
        return command_fail(context, EXIT_USAGE, "%s", error->message);
    g_autoptr(GPtrArray) paths = choose_paths(files, wishes->folder);
    if (!check_free(context, paths) || !write_files(context, files, paths, wishes->folder))
        return EXIT_FAILED;
    report(context, wishes, paths, remarks);
    return command_finish(context, EXIT_DONE);
}

static const char summary[] =
    "Writes m365keep.yaml, with every setting explained, and .env, which holds the secrets, to start from.";

static const char description[] =
    "Both are readable by you alone. Nothing that is there already is overwritten: if one of the files is, none is\n"
    "written, and the exit status is 1.\n"
    "\n"
    "--from-config-py takes over what the config.py of MS-service-api-monitor says: CUSTOMERS, STATUS_MAP, "
    "SMTP_SERVER,\n"
    "SMTP_PORT, MAIL_..., DB_DAYS_... and DIR_... . It is read, not run: only plain values count, and what else stands "
    "in\n"
    "it is told. Credentials in it (fallback) go into .env, unless the environment has their variable. A signature "
    "and\n"
    "a status map become files beside it.\n"
    "\n"
    "Examples:\n"
    "  m365keep init\n"
    "  m365keep init --from-config-py ../MS-service-api-monitor/config.py\n"
    "  m365keep init --output conf && m365keep collect --config conf/m365keep.yaml --env-file conf/.env";

int command_init(int argc, char **argv)
{
    struct wishes wishes = {0};
    const GOptionEntry entries[] = {{"from-config-py", 0, 0, G_OPTION_ARG_FILENAME, &wishes.from,
                                     "Take over the settings of MS-service-api-monitor's config.py", "FILE"},
                                    {"output", 0, 0, G_OPTION_ARG_FILENAME, &wishes.folder,
                                     "Write into DIR, which is made if need be (default: the working directory)",
                                     "DIR"},
                                    {"json", 0, 0, G_OPTION_ARG_NONE, &wishes.json, "Report as one JSON value", NULL},
                                    {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const struct command_usage usage = {
        .name = "init", .arguments = "", .summary = summary, .description = description, .entries = entries};
    g_auto(CommandContext) context = {0};
    int status;

    if (command_parse(&context, &usage, &argc, &argv, &status))
        status =
            argc > 1 ? command_usage_error(&context, "init takes no argument '%s'", argv[1]) : init(&context, &wishes);
    wishes_clear(&wishes);
    return status;
}
