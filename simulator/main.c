/* m365keep-sim: Microsoft's APIs on loopback, for the demo, tests and benchmarks. */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "decoy.h"
#include "server.h"
#include "truth.h"

enum { EXIT_GOOD = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2 };

static int print_truth(const struct sim *sim)
{
    struct truth *truth = truth_new(sim);
    g_autoptr(GString) lines = g_string_new(NULL);

    while (truth_read(truth, lines, 1 << 16)) {
        fwrite(lines->str, 1, lines->len, stdout);
        g_string_truncate(lines, 0);
    }
    truth_free(truth);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_GOOD : EXIT_BROKEN;
}

/* Tells where it listens, on standard output and in the ready file, which appears whole or not at all. */
static bool announce(const struct sim *sim, GError **error)
{
    g_autofree char *decoy =
        sim->decoy ? g_strdup_printf(",\"decoy_url\":\"%s\"", decoy_url(sim->decoy)) : g_strdup("");
    g_autofree char *line = g_strdup_printf("{\"url\":\"%s\",\"pid\":%d%s}\n", sim->base_url, (int)getpid(), decoy);

    if (sim->options->ready_file &&
        !g_file_set_contents_full(sim->options->ready_file, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
        return false;
    fputs(line, stdout);
    fflush(stdout);
    return true;
}

static gboolean on_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

static int serve(struct sim *sim)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    struct server *server = NULL;
    int status = EXIT_BROKEN;

    g_unix_signal_add(SIGTERM, on_signal, loop);
    g_unix_signal_add(SIGINT, on_signal, loop);
    if (sim->options->decoy)
        sim->decoy = decoy_new(sim->options->listen_host);
    server = server_start(sim, &error);
    if (server && announce(sim, &error)) {
        g_main_loop_run(loop);
        status = EXIT_GOOD;
    } else {
        fprintf(stderr, "m365keep-sim: %s\n", error->message);
    }
    server_stop(server);
    return status;
}

/* Nothing is left behind when a test dies: the kernel tells, and a parent that is gone already shows as process 1 or as
 * another one than at the start. */
static bool bind_to_parent(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

int main(int argc, char **argv)
{
    pid_t parent = getppid();
    struct options options;
    g_autoptr(GError) error = NULL;
    int status = EXIT_USAGE;

    signal(SIGPIPE, SIG_IGN);
    bool good = options_parse(&options, &argc, &argv, &error);
    if (good && options.version) {
        printf("m365keep-sim %s\n", M365KEEP_VERSION);
        options_clear(&options);
        return EXIT_GOOD;
    }
    if (good && options.exit_with_parent && !bind_to_parent(parent)) {
        options_clear(&options);
        return EXIT_GOOD;
    }
    struct sim *sim = good ? sim_new(&options, &error) : NULL;
    if (sim)
        status = options.truth ? print_truth(sim) : serve(sim);
    else
        fprintf(stderr, "m365keep-sim: %s\n", error->message);
    sim_free(sim);
    options_clear(&options);
    return status;
}
