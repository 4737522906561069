/* store - the SQLite database: open, migrate, write documents, read coverage, search.
 *
 * One `struct store` is one connection and belongs to one thread. The schema, column by column, is in schema/. */
#ifndef M365KEEP_STORE_H
#define M365KEEP_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

#define STORE_ERROR (store_error_quark())
GQuark store_error_quark(void);
enum store_error_code {
    STORE_ERROR_FAILED,    /* anything else; the message names the statement */
    STORE_ERROR_NOT_FOUND, /* no such file */
    STORE_ERROR_FOREIGN,   /* a file, but not one of ours */
    STORE_ERROR_NEWER,     /* written by a newer m365keep */
    STORE_ERROR_READ_ONLY, /* the file or its folder cannot be written */
    STORE_ERROR_FULL,      /* the disk is full */
    STORE_ERROR_BUSY,      /* another program held the lock for too long */
    STORE_ERROR_CORRUPT,   /* SQLite found damage */
    STORE_ERROR_QUERY,     /* the search words cannot be searched; the message says why */
    STORE_ERROR_LIMIT,     /* the time limit was reached */
};

typedef struct store Store; /* the name g_autoptr needs */

enum store_mode {
    STORE_CREATE, /* read and write; made when absent, migrated when older */
    STORE_WRITE,  /* read and write; must exist */
    STORE_READ,   /* read only; must exist and be of this version */
};

/* Opens the database at `path`. NULL with *error, nothing changed. Returned: store_close. */
struct store *store_open(const char *path, enum store_mode mode, GError **error);
void store_close(struct store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* Takes the lock that keeps two collectors off one database; held until the process ends or store_unlock. False with
 * STORE_ERROR_BUSY when another holds it (its process id in the message). */
typedef struct store_lock StoreLock;
struct store_lock *store_lock_take(const char *path, GError **error);
void store_lock_release(struct store_lock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreLock, store_lock_release)

/* The row of a customer, made when new. 0 with *error. A tenant that goes by a new name keeps its row, and the row
 * takes the name; a name that moved to another tenant gets a row of its own. */
int64_t store_customer(struct store *store, const char *name, const char *tenant_id, GError **error);

/* --- documents ------------------------------------------------------------------------------------------------------
 */

/* One record as the sources decode it. Strings are owned by the document; raw and its bytes are borrowed from the page
 * and must live until the document is committed. */
struct document {
    char *id;        /* the source's; NULL when it has none */
    char *timestamp; /* normalised, 28 characters; NULL when the record has no readable time */
    int64_t time_s;  /* seconds UTC of it; the second of reception when time_missing */
    bool time_missing;
    char *service, *operation, *result;
    char *actor_display;
    GPtrArray *actor_names; /* every name the actor goes by (address, display name, id); actor_display is one of them */
    char *target_displays;  /* JSON array of strings */
    char *display_summary;
    char *text;       /* what is indexed and shown as raw_text */
    char *dedupe_key; /* id, or the hex SHA-256 that stands for it */
    const char *raw;
    size_t raw_length;
    /* Filled by document_seal. */
    uint8_t key[HASH_KEY_BYTES], content_hash[HASH_KEY_BYTES];
    char *facets;
};

struct document *document_new(void);
void document_free(struct document *document);

/* Computes key, content hash and facets; needs no database, so it runs on the collecting thread. */
void document_seal(struct document *document, const char *tenant_id, const char *source);

/* A record that could not be read. */
struct unreadable {
    char *reason, *request_id;
    const char *body; /* borrowed as raw above */
    size_t length;
};

/* Copies the two texts, borrows the body. Returned: unreadable_free. */
struct unreadable *unreadable_new(const char *reason, const char *request_id, const char *body, size_t length);
void unreadable_free(struct unreadable *unreadable);

/* --- pages, cursor, coverage ----------------------------------------------------------------------------------------
 */

/* A stretch of time, seconds UTC, [from, to). */
struct store_window {
    int64_t from, to;
};

/* What a page did, counted by the store. An unreadable record that is kept already counts no more. */
struct store_counts {
    int64_t inserted, updated, duplicates, unreadable;
};

/* One page of one window of a source. */
struct store_page {
    int64_t customer_id;
    const char *source; /* static */
    const char *part; /* a class of the source's records that is read by queries of its own; "" for the whole; static */
    GPtrArray *documents;  /* struct document *, in the order received */
    GPtrArray *unreadable; /* struct unreadable * */
    struct store_window window;
    const char *next_link;      /* where the window goes on; NULL: this page was its last */
    int64_t window_records;     /* records of the window so far, this page included */
    int64_t received_at;        /* seconds UTC */
    struct store_counts counts; /* out */
};

/* Writes the pages in one transaction: documents, unreadable records, and for each window its cursor (or, with the last
 * page, its coverage row, the cursor gone). All or nothing; false with *error. `counts` of each page are filled on
 * success. */
bool store_commit_pages(struct store *store, struct store_page *const *pages, size_t n, GError **error);

/* Notes that a stretch was begun and had to be left: it counts as not read, and later runs read it after newer time. */
bool store_mark_open(struct store *store, int64_t customer_id, const char *source, const char *part,
                     struct store_window window, GError **error);

/* Marks a stretch that the service no longer keeps: a hole. Already covered time is left alone. */
bool store_mark_lost(struct store *store, int64_t customer_id, const char *source, const char *part,
                     struct store_window window, int64_t now, GError **error);

enum store_coverage_state {
    STORE_COVERAGE_OPEN,    /* begun, not yet read to its end */
    STORE_COVERAGE_READ,    /* read; sweeps for late records still to come */
    STORE_COVERAGE_SETTLED, /* read for the last time */
    STORE_COVERAGE_LOST,    /* a hole: the service no longer had it */
};

struct store_coverage {
    int64_t from, to;
    enum store_coverage_state state;
    int64_t read_at;
    int64_t reads, records, late_records;
};

/* The coverage rows of a source's part, by time, never overlapping. Returned: GArray of struct store_coverage. NULL
 * with *error. */
GArray *store_coverage_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                            GError **error);

/* Marks settled what was read at least `settled_after` seconds past it: its last sweep is over. Cuts spans at that
 * line, and joins neighbours about which there is no more to say. */
bool store_coverage_settle(struct store *store, int64_t customer_id, const char *source, const char *part,
                           int64_t settled_after, GError **error);

/* Where the last, interrupted run stood. */
struct store_cursor {
    struct store_window window;
    char *next_link; /* owned */
    int64_t records; /* of the window so far */
    int64_t saved_at;
};

/* True and *cursor filled when there is one; false with *error NULL when there is none. */
bool store_cursor_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                       struct store_cursor *cursor, GError **error);
void store_cursor_clear(struct store_cursor *cursor);

/* Records that a run of a source ended: freshness for status, in `collections`. `error` NULL on success. */
bool store_collection_note(struct store *store, int64_t customer_id, const char *source, int64_t at,
                           const char *error_text, GError **error);

/* --- search ---------------------------------------------------------------------------------------------------------
 */

struct store_query {
    const char *words;                                                    /* as people type them; NULL: none */
    bool fts_syntax;                                                      /* words are raw FTS5 syntax */
    const char *service, *actor, *operation, *result, *customer, *source; /* exact, case-insensitive; NULL: any */
    bool has_start, has_end;
    int64_t start, end;      /* seconds UTC, [start, end) */
    int64_t before_event_id; /* keyset paging: only older rows than this id; 0: from the newest */
    int limit;               /* rows at most */
    int time_limit_ms;       /* real time; 0: none */
};

/* A row of the view `events`. Strings are borrowed during the call back; NULL where the column is NULL. */
struct store_event {
    int64_t event_id;
    const char *customer, *tenant_id, *source, *id, *timestamp, *service, *operation, *result, *actor_display,
        *target_displays, *display_summary, *dedupe_key, *actor, *targets, *raw, *raw_text, *first_seen, *changed_at;
    size_t raw_length;
};

/* Return false to stop. */
typedef bool (*store_event_fn)(const struct store_event *event, void *user);

/* Calls `each` for the newest matching events first. False with *error. Nothing is held open during the call back: it
 * may take its time, and may use the store. The time limit counts SQLite's time only. */
bool store_search(struct store *store, const struct store_query *query, store_event_fn each, void *user,
                  GError **error);

/* How many match, counted up to `cap` (returns cap + 1 when there are more); -1 with *error. */
int64_t store_search_count(struct store *store, const struct store_query *query, int64_t cap, GError **error);

/* The event document, as docs/architecture.md describes it: the one function that API, search --json, export and mirror
 * use. Appends JSON; `raw` and the other JSON columns go in verbatim. */
void store_event_append_json(GString *out, const struct store_event *event);

/* --- for tests and maintenance --------------------------------------------------------------------------------------
 */

/* SQLite's own integrity_check, foreign keys, FTS integrity, ids of both sides, counts, coverage, and every body
 * against its hash. False with *error naming the first fault. Reads everything: seconds a gigabyte. Needs STORE_WRITE,
 * as FTS5 checks itself by way of INSERT. */
bool store_verify(struct store *store, GError **error);

#endif
