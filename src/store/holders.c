/* Who holds SQLite's locks, as Linux shows them: /proc/locks (proc(5)) has process, inode and bytes of each.
 *
 * The bytes are those of the -shm file (SQLite, "WAL-mode File Format", section 2.3.1): 120 is held by who writes, 123
 * to 127 by those who read, 128 by all who have it open. */
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"

static const struct {
    guint64 first, last;
} bytes_of[] = {[HOLDERS_WRITING] = {120, 120}, [HOLDERS_READING] = {123, 127}, [HOLDERS_OPEN] = {128, 128}};

/* "process 123 (sqlite3)"; its name cannot be told where it belongs to somebody else's container. */
static char *name_of(guint64 pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%" G_GUINT64_FORMAT "/comm", pid), *name = NULL;

    if (pid == 0)
        return g_strdup("a process outside of this container");
    if (pid == (guint64)getpid())
        return g_strdup_printf("this process (%" G_GUINT64_FORMAT ")", pid);
    if (!g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup_printf("process %" G_GUINT64_FORMAT, pid);
    return g_strdup_printf("process %" G_GUINT64_FORMAT " (%s)", pid, g_strstrip(name));
}

static bool read_number(const char *text, guint64 *number)
{
    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, number, NULL);
}

/* "1: POSIX  ADVISORY  READ 123 fe:01:4711 123 123": whether it is a lock on one of these bytes of the file, and whose.
 * By the inode alone: some file systems show another device there than stat(2) does. */
static bool is_lock_of(char *line, guint64 inode, enum holders_of what, guint64 *pid)
{
    enum { TYPE = 1, PID = 4, FILE = 5, FIRST = 6, LAST = 7, WORDS = 8 };
    const char *words[WORDS];
    guint64 first, last, number;
    char *rest = line;

    for (int i = 0; i < WORDS; i++)
        do {
            words[i] = strsep(&rest, " ");
        } while (words[i] && !*words[i]);
    if (!words[LAST] || !g_str_equal(words[TYPE], "POSIX"))
        return false;
    const char *file = strrchr(words[FILE], ':');
    return file && read_number(file + 1, &number) && number == inode && read_number(words[FIRST], &first) &&
           read_number(words[LAST], &last) && first <= bytes_of[what].last && last >= bytes_of[what].first &&
           (read_number(words[PID], pid) || (*pid = 0, true));
}

char *holders_name(const char *path, enum holders_of what)
{
    g_autofree char *shm = g_strconcat(path, "-shm", NULL), *locks = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct stat status;

    if (!path || stat(shm, &status) != 0 || !g_file_get_contents("/proc/locks", &locks, NULL, NULL))
        return NULL;
    char *rest = locks;
    for (char *line; (line = strsep(&rest, "\n"));) {
        guint64 pid;
        if (!is_lock_of(line, status.st_ino, what, &pid))
            continue;
        g_autofree char *name = name_of(pid);
        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            g_ptr_array_add(names, g_steal_pointer(&name));
    }
    g_ptr_array_add(names, NULL);
    return names->len > 1 ? g_strjoinv(" and ", (char **)names->pdata) : NULL;
}
