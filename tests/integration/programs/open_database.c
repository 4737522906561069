/* Opens a database for writing, as any command that writes does first, so that it is brought up to date; looks whether
 * it is sound, and closes it. Says "sound", or what is wrong. For tests of databases that earlier versions left. */
#include <stdio.h>

#include "store/store.h"

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = argc == 2 ? store_open(argv[1], STORE_WRITE, &error) : NULL;
    bool sound = store && store_verify(store, &error);

    puts(sound ? "sound" : error ? error->message : "usage: open_database FILE");
    return sound ? 0 : 1;
}
