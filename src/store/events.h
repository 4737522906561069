/* events - what all share who write rows of events: their ids, keys, earlier bodies and full text.
 *
 * Each of these is a part of a transaction that the caller has begun. */
#ifndef M365KEEP_STORE_EVENTS_H
#define M365KEEP_STORE_EVENTS_H

#include "store/store_private.h"

/* A clock of the sender's that runs ahead by more must not make a source look fresh for years. */
enum { EVENT_AHEAD_S = 300 };

/* --- change numbers --------------------------------------------------------------------------------------------------
 */

/* The last change number that was given out. */
bool events_seq_read(struct store *store, int64_t *seq, GError **error);
bool events_seq_write(struct store *store, int64_t seq, GError **error);

/* --- ids -------------------------------------------------------------------------------------------------------------
 */

/* Gives out ids that are free. Zeroed but for the store: nothing is known yet. */
struct event_ids {
    struct store *store;
    int64_t second, next_id, end_id; /* ids [next_id, end_id) of `second` are free */
};

/* The next free id of a second; of a later one when a million records have filled it. */
bool event_ids_next(struct event_ids *ids, int64_t second, int64_t *id, GError **error);

/* Ids moved: what is known of free ones no longer holds. */
void event_ids_forget(struct event_ids *ids);

/* --- keys ------------------------------------------------------------------------------------------------------------
 */

/* Looks a key up: *id and the content hash of its row. */
bool event_key_find(struct store *store, const uint8_t key[HASH_KEY_BYTES], bool *found, int64_t *id,
                    uint8_t content_hash[HASH_KEY_BYTES], GError **error);

/* Inserts the key (STATEMENT_KEY_INSERT), or says what it leads to now (STATEMENT_KEY_UPDATE). */
bool event_key_write(struct store *store, enum statement_id how, const uint8_t key[HASH_KEY_BYTES], int64_t id,
                     const uint8_t content_hash[HASH_KEY_BYTES], GError **error);

/* --- earlier bodies --------------------------------------------------------------------------------------------------
 */

/* Keeps the body that the row has now, whose hash this is, as an earlier one, unless it was kept before. */
bool event_version_keep(struct store *store, int64_t id, int64_t replaced_at, const uint8_t hash[HASH_KEY_BYTES],
                        GError **error);

/* Hands the earlier bodies of one id on to another. */
bool event_versions_move(struct store *store, int64_t from, int64_t to, GError **error);

/* --- full text -------------------------------------------------------------------------------------------------------
 *
 * FTS5 gathers terms in memory, and writes them out early when an id goes backwards or another statement opens a
 * savepoint: so its rows are written last of all, by id. */

struct event_text {
    int64_t id;
    const char *text, *facets; /* borrowed; facets NULL: the row is deleted */
};

/* Writes an array of struct event_text: by id, and what is said of one id in the order in which it is said. Sorts the
 * array. */
bool event_texts_write(struct store *store, GArray *texts, GError **error);

#endif
