/* maintenance - what keeps a store sound for years: retention, optimizing, verification, backup, deriving anew.
 *
 * The second half of the room's public header: others include store/store.h. Whoever calls these that write holds
 * STORE_LOCK_MAINTENANCE; collectors go on beside them, but for what is said. */
#ifndef M365KEEP_STORE_MAINTENANCE_H
#define M365KEEP_STORE_MAINTENANCE_H

#ifndef M365KEEP_STORE_H
#error "include store/store.h"
#endif

/* Long work tells how far it is, a few times a second at least, and asks whether to go on. */
typedef struct store_watch {
    /* `doing` is a phrase ("checking the bodies of events"), static; `done` and `of` are in its own unit, of == 0: not
     * known. Returns false to stop: the call then ends soon with STORE_ERROR_STOPPED, and what was done until then
     * stays done. Called by another thread than the caller's, too (while that is busy inside SQLite), but never by two
     * at once. */
    bool (*go_on)(const char *doing, int64_t done, int64_t of, void *user);
    void *user;
} StoreWatch; /* a NULL watch, or a NULL go_on: nobody looks */

/* --- retention ------------------------------------------------------------------------------------------------------
 *
 * What goes, by the moment it is about: events by their time (those without one by their reception); of users, accounts
 * removed so long ago with all that is known of them, and single changes; of health, scans and runs of states that
 * ended, issues that are resolved and messages that ended, both not modified since, and earlier bodies replaced so long
 * ago; mails that were sent, failed or are unknown; what could not be read, by its reception; blobs that were fetched
 * or lost. What is open stays, however old: accounts that are there, states and issues that last, mails that wait. With
 * a row goes all that belongs to it: versions, keys, full text. */

/* What is kept of a source. `source` is one of the table of sources, or "mails". */
struct store_keep {
    const char *source;
    int64_t before; /* seconds UTC: what is about an earlier moment goes; INT64_MIN: nothing goes by age */
};

struct store_prune_options {
    const struct store_keep *keep;
    size_t n_keep;
    int64_t max_bytes;   /* of the file and its write-ahead log: above it the oldest events go, but none of the last 24
                            hours, and none at all where that could not be enough; 0: no limit */
    int64_t now;         /* seconds UTC */
    bool dry_run;        /* only tell what would go */
    bool force;          /* also what a mirror has still to send */
    bool mirrored;       /* a mirror is configured: where it has never been at work, nothing has been sent */
    bool mirror_deletes; /* what goes gets a tombstone, so that the mirror deletes it, too */
    const struct store_watch *watch;
};

/* What went, or would go, of one source of one customer. Strings are owned. */
struct store_pruned {
    char *customer, *tenant_id, *source;
    int64_t records;        /* rows of the source's own table: of users, accounts; of health, issues and messages */
    int64_t others;         /* rows of its other tables: changes, scans, states, versions of what stays, blobs ... */
    int64_t held;           /* would go, but a mirror has still to send them */
    int64_t oldest, newest; /* moments of what went, seconds UTC; 0, 0: nothing did */
};

typedef struct store_prune_result {
    GPtrArray *sources; /* struct store_pruned *, by customer and source, only where something went or was held */
    int64_t records, others, held;     /* sums */
    int64_t bytes_before, bytes_after; /* file and write-ahead log; after a dry run the same */
    int64_t bytes_needed;              /* what is in use of the file: more than max_bytes, where that could not
                                          be reached */
    bool over_size;                    /* it is still larger than max_bytes: nothing more may go */
    bool unreachable;                  /* without all events that may go it would be, by estimate: none went for it */
    bool estimated;                    /* a dry run by size: how many would go is told from their mean size */
    bool log_held;                     /* somebody reads, so that the write-ahead log could not be cut off */
    bool reserve_used;                 /* the disk was full */
    bool rewritten;                    /* maintain_prune: the file was written anew, which forgetting had left undone */
    int64_t transactions, longest_ms;  /* how often, and how long at most, the write lock was held */
} StorePruneResult;

/* Deletes, the oldest first, in transactions of some milliseconds with as long a pause after each, so that others who
 * write hardly wait; then gives the pages back to the disk, likewise. On a full disk it begins with what the reserve
 * file frees. NULL with *error. Returned: store_prune_result_free. With STORE_ERROR_STOPPED what was deleted stays so;
 * calling it again goes on. */
struct store_prune_result *store_prune(struct store *store, const struct store_prune_options *options, GError **error);
void store_prune_result_free(struct store_prune_result *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePruneResult, store_prune_result_free)

/* The moment before which everything of a source of a customer was deleted by retention, what was open aside;
 * INT64_MIN: nothing was. What is read of earlier time would be deleted again. False with *error. */
bool store_retention_line(struct store *store, int64_t customer_id, const char *source, int64_t *before,
                          GError **error);

/* Makes, beside the database, the file that a full disk gets its first free bytes from (STORE_RESERVE_BYTES, and only
 * beside a database that is several times as large, on a disk that has room for it). A reserve that cannot be made is
 * no error: false. */
enum { STORE_RESERVE_BYTES = 8 * 1024 * 1024 };
bool store_reserve_make(struct store *store);

/* Gives the reserve beside the database `path` back to the disk: for who finds it too full to open the database. True
 * when there was one. */
bool store_reserve_release(const char *path);

/* --- forgetting a customer ------------------------------------------------------------------------------------------
 */

struct store_forget_options {
    bool mirror_deletes; /* as above */
    int64_t now;
    const struct store_watch *watch;
};

struct store_forgotten {
    int64_t tenants; /* rows of the customer: one for each tenant that bore the name */
    int64_t records; /* events, accounts, issues and messages */
    int64_t others;  /* all other rows */
    int64_t waiting; /* tombstones for the mirror: they name the records until it has acknowledged them */
    bool log_held;   /* somebody reads: file and write-ahead log still hold what was deleted */
    bool unfinished; /* of store_forget_look alone: rows of some customer who was forgotten are gone, and the file has
                        still to be written anew; store_forget does it, whatever the name */
};

/* What of this customer is there: tenants 0 where nobody knows the name. False with *error. */
bool store_forget_look(struct store *store, const char *customer, struct store_forgotten *there, GError **error);

/* Deletes all there is of a customer (its name, A to Z in either case; all its tenants), in short transactions, and
 * then makes sure that no byte of it is left in file and log: full text merged, the file written anew (VACUUM:
 * overwriting what is deleted is not enough, see store/shrink.h), log truncated. That takes the size of the file on the
 * disk twice more for a while. The caller holds all locks: nobody may collect meanwhile. False with *error; calling it
 * again goes on, and once the rows are gone, or with log_held, store_optimize does, too. */
bool store_forget(struct store *store, const char *customer, const struct store_forget_options *options,
                  struct store_forgotten *result, GError **error);

/* --- optimizing -----------------------------------------------------------------------------------------------------
 */

struct store_optimized {
    int64_t bytes_before, bytes_after; /* file and write-ahead log */
    bool log_held;                     /* somebody reads: the write-ahead log could not be cut off */
};

/* Merges the segments of each full-text index into one (entries of deleted rows vanish only so), gives free pages back,
 * cuts the write-ahead log off; all in short transactions, unless an index is worn from hundreds of merges, or a
 * customer was forgotten and the file has still to be written anew: who writes waits then. False with *error. */
bool store_optimize(struct store *store, int64_t now, const struct store_watch *watch, struct store_optimized *result,
                    GError **error);

/* True when so many rows were deleted since the full text was last optimized that it is worth it: a tenth of those
 * there are. store_prune does it then by itself. */
bool store_optimize_due(struct store *store, bool *due, GError **error);

/* True when a customer was forgotten, and the file has still to be written anew: until then bytes of it are in there.
 * store_optimize does that, too. */
bool store_rewrite_due(struct store *store, bool *due, GError **error);

/* Who reads the database `path` just now: "process 123 (sqlite3)", or several; NULL when this machine shows nobody.
 * Returned: g_free. */
char *store_readers(const char *path);

/* Builds each full-text index anew from the text it keeps. Takes the write lock for as long: collectors wait. */
bool store_rebuild_text(struct store *store, const struct store_watch *watch, GError **error);

/* --- verification ---------------------------------------------------------------------------------------------------
 */

struct store_verify_result {
    int64_t events, versions, accounts, health, mails, unreadable; /* bodies compared with their hashes */
    int64_t bytes;                                                 /* of them */
    bool text_unchecked;  /* opened with STORE_READ: FTS5 could not compare its index with its text */
    bool pages_unchecked; /* likewise, or somebody read an older moment all the time: nobody looked whether pages that
                             are taken for free are */
};

/* SQLite's integrity_check, foreign keys, FTS integrity, ids of both sides, counts, coverage, states, mails, change
 * numbers, event ids against their times, and every body against its hash: all of one moment. With STORE_WRITE the
 * write lock is held, so that the log does not grow; collectors wait as long as STORE_LOCK_MAINTENANCE is held. False
 * with STORE_ERROR_CORRUPT naming the first fault, which record, and what to do; with another code where the look
 * failed. */
bool store_verify_watched(struct store *store, const struct store_watch *watch, struct store_verify_result *result,
                          GError **error);

/* --- backup ---------------------------------------------------------------------------------------------------------
 */

struct store_copied {
    int64_t bytes;   /* of the copy */
    int64_t records; /* events in it */
    int64_t seq;     /* the last change in it */
    int version;     /* its schema, as it was copied */
};

/* Copies the database, as of one moment and beside whoever writes, to `file`: under another name first, which is
 * renamed when the copy has been opened, found undamaged (quick_check) and is on disk. Refused (STORE_ERROR_EXISTS)
 * where there is a file of that name and not `overwrite`, and (STORE_ERROR_FOREIGN) where that holds anything but a
 * database of ours, of whatever version; false with *error and nothing left behind. */
bool store_backup(struct store *store, const char *file, bool overwrite, const struct store_watch *watch,
                  struct store_copied *result, GError **error);

/* Puts the copy `file` in the place of the database `path`: copied beside it, found undamaged, brought up to date,
 * then renamed. Refused where `path` is there and not `overwrite` (STORE_ERROR_EXISTS), or anybody has it open
 * (STORE_ERROR_BUSY, naming the process), or both are one file. The caller holds all locks. False with *error: the
 * database is then as it was; or, where that could not be brought about, lies whole under the names that *error tells.
 */
bool store_restore(const char *file, const char *path, bool overwrite, const struct store_watch *watch,
                   struct store_copied *result, GError **error);

/* --- deriving anew --------------------------------------------------------------------------------------------------
 */

/* How records are understood: what the sources know, and the store does not. */
struct store_decoders {
    /* A sealed document of an event's bytes, which it borrows. NULL with *error where they cannot be looked into, or
     * the source is none of events. */
    struct document *(*event)(const char *source, const char *tenant_id, const char *raw, size_t length,
                              int64_t received_at, void *user, GError **error);
    /* Id and removal of an account's bytes, borrowed; NULL with *error. */
    struct account_record *(*account_record)(const char *raw, size_t length, void *user, GError **error);
    account_decode account;
    /* Id and kind of what health told, borrowed; NULL with *error. */
    struct health_record *(*health_record)(const char *raw, size_t length, enum store_health_kind *kind, void *user,
                                           GError **error);
    health_decode health;
    void *user;
};

struct store_renormalize_options {
    const struct store_decoders *decoders;
    const char *version; /* of the program: a round that another one began begins anew */
    int64_t limit;       /* records to look at in this run, at most, and of what could not be read; 0: all */
    bool mirror_deletes; /* as above: a record whose key became another leaves the old one's document to be deleted */
    int64_t now;
    const struct store_watch *watch;
};

struct store_renormalized {
    int64_t looked_at;   /* events, accounts, overviews, issues and messages in this run, each once */
    int64_t of;          /* how many there are */
    int64_t changed;     /* whose derived columns or text became others */
    int64_t moved;       /* of them, whose time did, and so their event_id */
    int64_t rekeyed;     /* of them, whose key did */
    int64_t kept_apart;  /* whose new key is that of another record: dedupe merges them */
    int64_t undecodable; /* stored, but not to be looked into (any more): left as they are */
    int64_t recovered;   /* of what could not be read: records now */
    int64_t unreadable;  /* of what could not be read: still so */
    bool complete;       /* the round is at its end; else the next run goes on */
};

/* Derives columns, key and full text of every record anew from its bytes, in place: raw, content hash, first_seen,
 * changed_at and versions stay; what became another gets a new seq. Tries again what could not be read: what can be now
 * becomes a record as if it had been received then, in the transaction that takes it out of `unreadable` (what is known
 * in a later body by now is kept as a version). Short transactions; a run that is stopped, or reaches its limit, is
 * gone on with by the next one. False with *error. */
bool store_renormalize(struct store *store, const struct store_renormalize_options *options,
                       struct store_renormalized *result, GError **error);

enum store_double_kind {
    STORE_DOUBLE_KEY,    /* one record by today's key, kept apart by an older one */
    STORE_DOUBLE_SOURCE, /* the same bytes of the same tenant under two sources' names, of which one is known today */
};

/* Two rows that became one. Strings are borrowed during the call back. */
struct store_double {
    enum store_double_kind kind;
    int64_t kept, dropped; /* event ids */
    const char *customer, *source, *dropped_source, *id;
    bool versioned; /* their bodies differed: the older one was kept as a version */
};

struct store_dedupe_options {
    const struct store_decoders *decoders;
    bool dry_run;
    bool mirror_deletes; /* as above */
    int64_t now;
    void (*found)(const struct store_double *pair, void *user); /* NULL: nobody asks */
    void *user;
    const struct store_watch *watch;
};

struct store_deduped {
    int64_t looked_at, merged, versioned, by_key, by_source;
};

/* Finds events that are one record but were stored as two, and merges them: the row with today's key and a known source
 * stays, the newer body is its body, the other becomes a version (once), first_seen is the earlier one. False with
 * *error. */
bool store_dedupe(struct store *store, const struct store_dedupe_options *options, struct store_deduped *result,
                  GError **error);

/* --- what was done, and when ----------------------------------------------------------------------------------------
 */

/* Notes in `maintenance` that a task begins ("prune", "verify" ...; not "renormalize", which keeps its own place), and
 * that it was done to its end: `outcome` is a sentence. One that fails or is stopped stays noted as begun. */
bool store_task_begin(struct store *store, const char *task, int64_t now, GError **error);
bool store_task_end(struct store *store, const char *task, int64_t now, const char *outcome, GError **error);

/* --- the write-ahead log --------------------------------------------------------------------------------------------
 *
 * A reader who holds on to one moment keeps the log from starting over. Collecting then waits a little before each
 * transaction, so that a reader of seconds costs nothing but time; beyond STORE_LOG_MOST it is refused with
 * STORE_ERROR_LOG, which names who reads, and nothing is lost: cursors stand where they stood. */

/* Whoever waits with this connection, for a lock or for such a reader, asks this watch several times a second once the
 * wait takes longer than a moment, and when it says stop, what was begun ends with STORE_ERROR_STOPPED and nothing was
 * changed. Borrowed until the next call, or store_close; NULL: nobody is asked. */
void store_set_watch(struct store *store, const struct store_watch *watch);

enum { STORE_LOG_GOAL = 128 * 1024 * 1024, STORE_LOG_MOST = 1024 * 1024 * 1024 };

#endif
