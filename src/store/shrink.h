/* shrink - giving back to the disk what deleted rows leave behind: entries in the full text, free pages, the log.
 *
 * In steps of one short transaction each, so that others write in between; and each as a whole, which goes through its
 * steps at a pace. A step that finds nothing to do writes nothing. */
#ifndef M365KEEP_STORE_SHRINK_H
#define M365KEEP_STORE_SHRINK_H

#include "store/pace.h"

/* --- full text: entries of deleted rows vanish when segments are merged ----------------------------------------------
 */

enum shrink_text { SHRINK_EVENTS, SHRINK_USERS, SHRINK_ISSUES, SHRINK_MESSAGES, SHRINK_TEXTS /* how many there are */ };

/* The merge of one index into one segment. Zeroed but for `text`: it has not begun. A merge that was given up is gone
 * on with by a new one. */
struct shrink_merge {
    enum shrink_text text;
    bool begun;
    int64_t units; /* of work in the last step, about a page of the index each */
};

/* One step. *more is false when the index is one segment (but for what others wrote meanwhile). */
bool shrink_merge_step(struct store *store, struct pace *pace, struct shrink_merge *merge, bool *more, GError **error);

/* All steps of all indexes; then the counter text_deleted is 0. False with *error, STORE_ERROR_STOPPED among them. */
bool shrink_texts(struct store *store, struct pace *pace, GError **error);

/* --- the file
 * ---------------------------------------------------------------------------------------------------------
 */

/* Gives back at most `pages` free pages. *more: there are others. */
bool shrink_vacuum_step(struct store *store, struct pace *pace, int64_t pages, bool *more, GError **error);

/* All steps. The file itself becomes smaller with the next checkpoint. */
bool shrink_file(struct store *store, struct pace *pace, GError **error);

/* --- the log
 * ----------------------------------------------------------------------------------------------------------
 */

/* Copies the log into the file and cuts it off to nothing. *held: somebody has been reading (or writing) for a second,
 * so that it was not, which is no error. */
bool shrink_log(struct store *store, bool *held, GError **error);

/* --- what is left of deleted rows ------------------------------------------------------------------------------------
 *
 * secure_delete overwrites what is deleted, but where SQLite had moved a row to another page to balance a tree, a copy
 * of it stays in the first page's unused bytes, and nobody overwrites that. Only a database that is written anew holds
 * nothing but its rows. That it is due stands in `maintenance`, so that it is done in the end, whatever comes between.
 */

/* Notes, in the caller's transaction, that the database has to be written anew. */
bool shrink_scrub_begin(struct store *store, int64_t now, GError **error);
bool shrink_scrub_due(struct store *store, bool *due, GError **error);

/* Writes the database anew (VACUUM, beside which nobody writes, and which needs its size on the disk twice) and cuts
 * the log off; the full text has been merged. *held: somebody reads, and it remains due. */
bool shrink_scrub(struct store *store, struct pace *pace, int64_t now, bool *held, GError **error);

/* --- sizes
 * ------------------------------------------------------------------------------------------------------------
 */

struct shrink_size {
    int64_t file, log; /* bytes on disk */
    int64_t used;      /* bytes of the pages that are in use, as the connection sees them, and the log */
    int64_t free;      /* bytes of free pages */
};

bool shrink_size(struct store *store, struct shrink_size *size, GError **error);

#endif
