/* prune - retention at work: what the files of it share.
 *
 * prune.c is the order of things; prune_events.c and prune_rows.c find what goes and delete it; prune_size.c does so
 * until the file is small enough; prune_chunk.c is the transaction that each of them deletes in, and what a full disk
 * means to it; prune_result.c counts.
 *
 * What goes is found outside of transactions and looked at again inside of them: a row that was changed, moved or taken
 * by a collector in between is judged by what it is then. */
#ifndef M365KEEP_STORE_PRUNE_H
#define M365KEEP_STORE_PRUNE_H

#include "store/pace.h"

/* A source, and what is kept of it by age. */
struct prune_source {
    char *name;
    int64_t before; /* as in struct store_keep */
};

/* A source of a customer: what went. */
struct prune_pair {
    int64_t customer_id; /* 0: of none, as some mails are */
    const struct prune_source *source;
    struct store_pruned *told;   /* owned, until the result has it */
    struct store_pruned pending; /* of the transaction under way; without strings */
    bool touched;                /* `pending` has something */
    bool behind;                 /* its retention_line claims less than is true by now */
};

struct prune_customer {
    char *name, *tenant_id;
};

struct prune {
    struct store *store;
    const struct store_prune_options *options;
    struct store_prune_result *result;
    struct pace pace;
    GPtrArray *sources;    /* struct prune_source *, owned */
    GHashTable *customers; /* customer_id -> struct prune_customer *, owned */
    GHashTable *pairs;     /* struct prune_pair *, owned, by customer and source */
    int64_t records;       /* that went so far */
    int64_t position;      /* rows changed after this one are held for the mirror; INT64_MAX: none is */
    int64_t size_before;   /* what is about an earlier moment went because of the size; INT64_MIN: nothing did */
    int64_t units;         /* rows that the next transaction takes */
    int tries;             /* since rows were last deleted: there was no room */
    bool full;             /* the disk is: the smallest steps only, and what they free goes back at once */
    /* Of the transaction under way. */
    int64_t first_seq, seq;
    int64_t texts;    /* rows deleted from the full text of events */
    bool has_rejects; /* documents that the mirror refused are set aside */
};

/* --- counting (prune_result.c) ---------------------------------------------------------------------------------------
 */

void prune_init_counts(struct prune *prune);
void prune_clear_counts(struct prune *prune);
void prune_pruned_free(gpointer pruned); /* struct store_pruned *, or NULL */

/* The source of that name, made with nothing to go by age where nobody named it. Borrowed. */
const struct prune_source *prune_source(struct prune *prune, const char *name);

/* What is about an earlier moment goes: by age or by size. */
int64_t prune_line(const struct prune *prune, const struct prune_source *source);

/* The customer's names; NULL with *error. Borrowed. */
const struct prune_customer *prune_customer(struct prune *prune, int64_t customer_id, GError **error);

/* What was counted of a source of a customer. NULL with *error. Borrowed. */
struct prune_pair *prune_pair(struct prune *prune, int64_t customer_id, const struct prune_source *source,
                              GError **error);

enum prune_count { PRUNE_RECORD, PRUNE_OTHER, PRUNE_HELD };

/* Counts a row; `moment` is what it is about. In the transaction: until prune_keep_counts it may be dropped again. */
void prune_count(struct prune_pair *pair, enum prune_count what, int64_t moment);

/* Adds up what was counted since; or forgets it. */
void prune_keep_counts(struct prune *prune);
void prune_drop_counts(struct prune *prune);

/* Writes what was counted: retention_line and collection. */
bool prune_write_counts(struct prune *prune, GError **error);

/* In a transaction of its own: where something went, now or in a run that was cut short, and nothing is held,
 * everything before the line is gone. */
bool prune_write_lines(struct prune *prune, GError **error);

/* Fills the result's sources and sums. */
void prune_tell(struct prune *prune);

/* --- transactions (prune_chunk.c) ------------------------------------------------------------------------------------
 */

/* Rows a transaction. Each has a fixed cost, on a slow disk a large one: the least is not few. On a full disk
 * PRUNE_UNITS_SCARCE are the first, and PRUNE_UNITS_FULL the most. */
enum {
    PRUNE_UNITS_FIRST = 32,
    PRUNE_UNITS_LEAST = 64,
    PRUNE_UNITS_MOST = 4000,
    PRUNE_UNITS_SCARCE = 8,
    PRUNE_UNITS_FULL = 64,
};

/* How far it is, for the watch. */
struct prune_progress {
    const char *doing;
    int64_t done, of;
};

/* Deletes the rows `at` to `at + n` of `rows`, in a transaction. */
typedef bool (*prune_work)(struct prune *prune, void *rows, guint at, guint n, GError **error);

/* Lets `work` delete rows 0 to `n`, so many a transaction as fit its time, resting after each, and adds n to
 * progress->done. */
bool prune_delete(struct prune *prune, prune_work work, void *rows, guint n, struct prune_progress *progress,
                  GError **error);

/* Reads how far the mirror is. */
bool prune_read_position(struct prune *prune, GError **error);

/* A row of `collection` is deleted, its document's _id is "<tenant>:<source of events, or collection>:<tail>": writes
 * the tombstone, where the mirror is to delete it, too, and forgets that the mirror refused it. */
bool prune_forget_document(struct prune *prune, int64_t customer_id, const char *collection, const char *group,
                           const char *tail, GError **error);

/* Asks the watch where nothing is written. False with STORE_ERROR_STOPPED. */
bool prune_goes_on(const struct prune *prune, const struct prune_progress *progress, GError **error);

/* After STORE_ERROR_FULL: frees what the reserve and the write-ahead log hold. False when they hold nothing (more). */
bool prune_make_room(struct prune *prune);

/* False where the disk is so full that only small steps may be taken. */
bool prune_has_room(const struct store *store);

/* While the disk is full: merges the full text of events, cutting the log off after each step. *done is false where it
 * needs more room. */
bool prune_merge_slowly(struct prune *prune, bool *done, GError **error);

/* While the disk is full: gives free pages back a few at a time, cutting the log off after each. */
bool prune_give_back_slowly(struct prune *prune, GError **error);

/* --- what goes -------------------------------------------------------------------------------------------------------
 */

/* Events before the lines of their sources. */
bool prune_events(struct prune *prune, GError **error);

/* No event from this second on goes because of the size: a flood that fills the file is not to take what just came in.
 */
int64_t prune_kept_from(const struct prune *prune);

/* `most` of the oldest events with an id from *from on, whatever their source, of before prune_kept_from; those that go
 * by age are passed over. *from is where the next call goes on. */
bool prune_oldest_events(struct prune *prune, int64_t most, int64_t *from, GError **error);

/* Everything but events. */
bool prune_rows(struct prune *prune, GError **error);

/* Where there is a limit of size: the oldest events, until the file is small enough, or nothing more may go; none where
 * it would not be small enough without all of them, which the result then tells. Sets size_before, and over_size in a
 * dry run. */
bool prune_to_size(struct prune *prune, GError **error);

/* Whether it is small enough, for the result. */
bool prune_judge_size(struct prune *prune, GError **error);

/* --- giving back (prune.c) -------------------------------------------------------------------------------------------
 */

/* Merges the full text, so that entries of deleted rows vanish. Where the disk has no room that waits for another run.
 */
bool prune_merge(struct prune *prune, GError **error);

#endif
