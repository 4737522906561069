/* m365keep - keeps a Microsoft 365 tenant's records on a machine of one's own. The table of commands. */
#include <langinfo.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "commands/commands.h"

static const struct command commands[] = {
    {"collect", "read what is new from Microsoft 365 into the database", command_collect},
    {"scan", "look at the health of the services, and keep it", command_scan},
    {"search", "find events, accounts, issues and messages in the database", command_search},
    {"report", "tell customers what their services were like, by mail and as files", command_report},
    {"status", "tell how fresh and complete the records are", command_status},
    {"doctor", "look at everything an installation depends on, and say how to mend it", command_doctor},
    {"maintain", "keep the database sound: retention, verification, backup", command_maintain},
    {"init", "write m365keep.yaml and .env to start from", command_init},
    {NULL, NULL, NULL},
};

#if defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

int main(int argc, char **argv)
{
    /* Characters only: numbers are written the same everywhere. Arguments and output are UTF-8 even where cron or a
     * container says LC_ALL=C. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    /* Pages of megabytes come and go all the time: each in a mapping of its own, or the heap they leave behind is never
     * given back. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    umask(077);               /* the database and all beside it hold people's data */
    signal(SIGPIPE, SIG_IGN); /* a reader or a server that went away is an error of the write, not of ours */
    /* No core file, and no tracer of the same user, gets to see the secrets. The leak checker is such a tracer. */
    if (!HAS_SANITIZER)
        prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
    return commands_run(commands, argc, argv);
}
