/* place - giving a finished database its name: where there is none yet, or in another's place.
 *
 * SQLite finds a database's log by name. Whatever replaces a database must never meet the old one's log, and the old
 * one must never lose it before it is replaced: the order of it is told in place.c. */
#ifndef M365KEEP_STORE_PLACE_H
#define M365KEEP_STORE_PLACE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a file is to appear. Zeroed; place_clear. */
struct place {
    char *path, *folder; /* owned; links are followed */
    bool there;          /* a file of that name is */
    uid_t owner;
    gid_t group;
};

/* The absolute path without links, also where there is no such file. Returned: g_free. */
char *place_resolve(const char *path);

/* True where both names lead to one file. */
bool place_is_same(const char *a, const char *b);

/* True where nobody has the file open as a database, and it has no log: what it holds is all there is of it. */
bool place_is_quiet(const char *path);

/* True where a log lies that holds anything, and the database does not. */
bool place_is_log_alone(const char *path);

/* Looks whether a database can be put at `path`, and fills *place. False with STORE_ERROR_EXISTS where there is one, or
 * another's log, and not `overwrite`; with STORE_ERROR_BUSY where somebody has it open; with another code where it
 * cannot be. */
bool place_look(struct place *place, const char *path, bool overwrite, GError **error);
void place_clear(struct place *place);

/* True where there is nothing yet, or what may be replaced without asking what it is: an empty file, a database of ours
 * of whatever version, a note. To be asked after place_look with `overwrite`: nobody has it open. */
bool place_is_ours(const struct place *place, GError **error);

/* Tells in the log of old databases that lie beside the database `path`, which replaced them. Nobody may be replacing
 * it meanwhile. */
void place_tell_left(const char *path);

/* A file that is being made beside its place. Zeroed; fd -1; place_give_up. */
struct making {
    char *name; /* owned */
    int fd;     /* locked as long as it is being made, so that nobody takes it for a leftover */
};

/* Makes an empty file "PATH.WHAT-XXXXXX", mode 0600, of the owner of what it is to replace; removes those that programs
 * left behind who were killed. `bytes` is how large it will be: STORE_ERROR_FULL where the disk has less. */
bool place_make(const struct place *place, const char *what, int64_t bytes, struct making *making, GError **error);

/* The file is complete: puts it on disk, and in its place. Nobody of this process may have it open. */
bool place_put(const struct place *place, struct making *making, bool overwrite, GError **error);

/* Removes what was made and not put in its place. */
void place_give_up(struct making *making);

/* --- for making a new database ---------------------------------------------------------------------------------------
 */

/* Gives the file `made` the name `path`, unless there is one: false with errno. `made` may stay behind. */
bool place_name(const char *made, const char *path);

/* So that names survive a power cut as contents do. */
void place_sync(const char *folder);

/* Removes the file and all that SQLite may have left beside it. */
void place_remove(const char *path);

/* True for the beginning of a file that stands where a database was being replaced when the program was killed. */
bool place_is_note(const uint8_t *bytes, size_t length);

#endif
