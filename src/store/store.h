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
    STORE_ERROR_OLDER,     /* written by an older m365keep: opening it for writing brings it up to date */
    STORE_ERROR_READ_ONLY, /* the file or its folder cannot be written */
    STORE_ERROR_FULL,      /* the disk is full */
    STORE_ERROR_BUSY,      /* another program held the lock for too long */
    STORE_ERROR_CORRUPT,   /* SQLite found damage */
    STORE_ERROR_QUERY,     /* the search words cannot be searched; the message says why */
    STORE_ERROR_LIMIT,     /* the time limit was reached */
    STORE_ERROR_STOPPED,   /* the watch said so */
    STORE_ERROR_EXISTS,    /* there is a file already */
    STORE_ERROR_LOG,       /* the write-ahead log is too large, because of somebody who reads */
};

typedef struct store Store; /* the name g_autoptr needs */

enum store_mode {
    STORE_CREATE, /* read and write; made when absent, migrated when older */
    STORE_WRITE,  /* read and write; must exist */
    STORE_READ,   /* read only; must exist and be of this version */
    STORE_COPY,   /* read only, to be copied; must exist, and may be of an older version */
};

/* Opens the database at `path`. NULL with *error, nothing changed. Returned: store_close. */
struct store *store_open(const char *path, enum store_mode mode, GError **error);
void store_close(struct store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* What a collector keeps others of its kind off: health has a lock of its own, so that its scans go on every few
 * minutes while a first reading of events takes its hours; and who sends mail has one, so that no mail is sent by two;
 * maintenance has one, too: a collector who finds the database locked waits for its holder as long as that takes.
 */
enum store_lock_kind { STORE_LOCK_COLLECT, STORE_LOCK_HEALTH, STORE_LOCK_MAIL, STORE_LOCK_MAINTENANCE };

/* Takes a lock on the database; held until the process ends or store_lock_release. NULL with STORE_ERROR_BUSY when
 * another holds it (its process id in the message). */
typedef struct store_lock StoreLock;
struct store_lock *store_lock_take(const char *path, enum store_lock_kind kind, GError **error);
void store_lock_release(struct store_lock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreLock, store_lock_release)

/* Who holds such a lock: "process 123"; NULL when nobody does that this machine knows of. A look, no more: it keeps
 * nobody from taking the lock. Returned: g_free. */
char *store_lock_holder(const char *path, enum store_lock_kind kind);

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

/* What a page did, counted by the store. An unreadable record that is kept already counts no more; `removed` counts
 * accounts that went from present to removed, and those are not in `updated`. */
struct store_counts {
    int64_t inserted, updated, duplicates, removed, unreadable;
};

struct store_accounts;
struct store_health;

/* One page of one window of a source. */
struct store_page {
    int64_t customer_id;
    const char *source; /* static */
    const char *part; /* a class of the source's records that is read by queries of its own; "" for the whole; static */
    GPtrArray *documents;  /* struct document *, in the order received */
    GPtrArray *unreadable; /* struct unreadable * */
    struct store_window window;
    const char *next_link;  /* where the window goes on; NULL: this page was its last */
    int64_t window_records; /* records of the window so far, this page included */
    int64_t received_at;    /* seconds UTC */
    /* A page of accounts: it has no documents, window, link or window_records, but these. Borrowed; NULL for events. */
    const struct store_accounts *accounts;
    /* A page of service health, likewise. */
    const struct store_health *health;
    bool again; /* records of earlier pages that can be read only now: no cursor, coverage or round is written, and
                   accounts are told of as in a delta round */
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

/* Marks settled what was read at least `settled_after` seconds past it: its last sweep is over. So is what was read of
 * the time before `keep_from`, of which retention keeps nothing, and what was left open there is dropped (INT64_MIN: it
 * keeps all). Cuts spans at these lines, and joins neighbours about which there is no more to say. */
bool store_coverage_settle(struct store *store, int64_t customer_id, const char *source, const char *part,
                           int64_t settled_after, int64_t keep_from, GError **error);

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

/* How a run of a source ended. */
enum store_outcome {
    STORE_OUTCOME_OK,
    STORE_OUTCOME_PARTIAL,
    STORE_OUTCOME_FAILED,
    STORE_OUTCOME_UNAVAILABLE /* the tenant or cloud does not have this source: no fault */
};

/* Records that a run of a source ended: freshness for status, in `collections`. `error_text` NULL when all went well.
 */
bool store_collection_note(struct store *store, int64_t customer_id, const char *source, int64_t at,
                           enum store_outcome outcome, const char *error_text, GError **error);

/* --- accounts -------------------------------------------------------------------------------------------------------
 *
 * Accounts are states, not events: a listing tells all of them, delta rounds tell what changed since. */

/* What a listing or a delta round said about one account. */
struct account_record {
    char *id;             /* owned */
    char *removed_reason; /* owned; "changed": in the recycle bin, "deleted": for good; NULL: the account is there */
    const char *raw;      /* borrowed as a document's */
    size_t length;
};

/* Copies id and reason, borrows raw. Returned: account_record_free. */
struct account_record *account_record_new(const char *id, const char *removed_reason, const char *raw, size_t length);
void account_record_free(struct account_record *record);

/* What an account's JSON says. Strings are owned; NULL where it says nothing. */
struct account {
    char *user_principal_name, *display_name, *mail, *user_type;
    char *created, *last_sign_in; /* normalised, 28 characters */
    int enabled;                  /* 1, 0; -1: not told */
    char *text;                   /* what is indexed and shown as raw_text */
};
void account_clear(struct account *account);

/* Fills the account (zeroed, enabled -1) from the JSON of one. Never fails: what cannot be read stays empty. Called by
 * the committing thread with the JSON after the merge. */
typedef void (*account_decode)(const char *raw, size_t length, struct account *account);

enum store_round_kind {
    STORE_ROUND_LISTING, /* everything there is: who is not in it when it is complete has been removed, unless some
                            of its records were unreadable: nobody knows whose they were */
    STORE_ROUND_DELTA,   /* what changed since the round before */
    STORE_ROUND_ACTIVITY /* signInActivity of those there are; says nothing of who is there */
};

/* Where reading stands: the one row of (customer, source, part). Strings are owned. */
struct store_round {
    enum store_round_kind kind;
    char *query;        /* what is asked for ($select): where another one is wanted, a new listing begins */
    char *link;         /* the page to request next; when complete, the link the next delta round begins with, or
                           NULL */
    char *delta_link;   /* of a listing: where the delta rounds go on after it; of a delta round that is under way: the
                           link it began with; else NULL */
    bool complete;      /* the round that was under way has been read to its end; a page that says so of a listing in
                           which nobody was seen removes nobody, and its round is not written: the row stays */
    int64_t records;    /* of the round so far */
    int64_t unreadable; /* records of the round so far that were no accounts; kept with the row as the others are */
    int64_t started_at; /* of the round, seconds UTC */
    int64_t completed_at; /* when a round of this part was last complete; 0: never */
    int64_t saved_at;
};
void store_round_clear(struct store_round *round);

/* True and *round filled when there is a row; false with *error NULL when there is none. */
bool store_round_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                      struct store_round *round, GError **error);

/* Writes the row outside of any page (a round that is given up, an answer without records). */
bool store_round_save(struct store *store, int64_t customer_id, const char *source, const char *part,
                      const struct store_round *round, GError **error);

/* Accounts of the customer that are there (not removed); -1 with *error. */
int64_t store_accounts_present(struct store *store, int64_t customer_id, GError **error);

/* The accounts of one page, in the order received. Each record is merged into what is known: members that it names
 * replace the known ones, others stay (absent is not null). A member whose value differs (as JSON: neither spacing nor
 * the order of keys matters; null, absent and an empty list are the same) gets a row in user_changes, but not members
 * whose names begin with "@" and not signInActivity; a value that is null or absent is NULL there. Removal and return
 * are changes of the field "@removed", whose values are the objects {"reason":"changed"}. What says nothing new is a
 * duplicate, and nothing is written; so is the removal of an account that nobody knows. A record of
 * STORE_ROUND_ACTIVITY about an account nobody knows is left out: the next round brings it. */
struct store_accounts {
    GPtrArray *records;       /* struct account_record *, owned */
    account_decode decode;    /* of the merged JSON */
    struct store_round after; /* owned: where the round stands after this page; its counts include this page's */
    bool first;               /* the listing begins with this page: nobody has been seen in it yet */
};

struct store_accounts *store_accounts_new(void);
void store_accounts_free(struct store_accounts *accounts);

/* --- service health -------------------------------------------------------------------------------------------------
 *
 * Overviews, issues and messages are states that Microsoft edits in place: each has one row, and every body that a
 * later one replaced is kept beside it. Of the overviews' statuses a timeline is kept, by scans. */

enum store_health_kind {
    STORE_HEALTH_OVERVIEWS, /* one for each service: healthOverviews */
    STORE_HEALTH_ISSUES,
    STORE_HEALTH_MESSAGES
};

/* One record of a page. */
struct health_record {
    char *id;        /* owned */
    const char *raw; /* borrowed as a document's */
    size_t length;
};

/* Copies id, borrows raw. Returned: health_record_free. */
struct health_record *health_record_new(const char *id, const char *raw, size_t length);
void health_record_free(struct health_record *record);

/* What a record's JSON says, of all kinds. Strings are owned; NULL where it says nothing. */
struct health_document {
    char *title, *status, *classification, *category, *severity; /* enums as received */
    char *service;                                               /* the display name ("Exchange Online") */
    char *services;                                              /* of a message: JSON array of display names */
    char *start, *end, *last_modified, *action_required_by;      /* normalised, 28 characters */
    int is_resolved, is_major_change;                            /* 1, 0; -1: not told */
    char *text;                                                  /* what is indexed and shown as raw_text */
};
void health_document_clear(struct health_document *document);

/* Fills the document (zeroed, flags -1) from a record's JSON. Never fails: what cannot be read stays empty. Called by
 * the committing thread, for records that are new or changed only. */
typedef void (*health_decode)(enum store_health_kind kind, const char *raw, size_t length,
                              struct health_document *document);

/* The status of one service in a scan. */
struct health_status {
    char *service; /* owned; the overview's id ("Exchange") */
    char *status;  /* owned; as received */
};
struct health_status *health_status_new(const char *service, const char *status);
void health_status_free(struct health_status *status);

/* A whole scan: every page of the overviews was read. */
struct store_scan {
    GPtrArray *statuses; /* struct health_status *, owned; each service once */
    int64_t max_gap_s;   /* good scans further apart than this break the runs of states */
};

/* The records of one page, in the order received. A record whose bytes are known is a duplicate, and nothing is
 * written.
 */
struct store_health {
    enum store_health_kind kind;
    GPtrArray *records; /* struct health_record *, owned */
    health_decode decode;
    int64_t keep_from;       /* seconds UTC; what retention deletes of earlier time is not stored anew, and counts as a
                                duplicate; INT64_MIN, to begin with: all is stored */
    struct store_scan *scan; /* owned; with the last page of the overviews: commits the scan with it; else NULL */
};

struct store_health *store_health_new(enum store_health_kind kind);
void store_health_free(struct store_health *health);

/* How a scan is committed: it gets a row in health_scans, at the page's received_at, or a second after the customer's
 * latest good scan where that is not earlier (a clock that was set back a little, two scans in one second), in the next
 * second that has no scan yet: good scans are in order. One that lies ahead by more than max_gap_s has a wrong moment,
 * and does not count. For
 * each status: the service's latest run of states goes on (last_seen, samples and seq step) when the status is the
 * same, upper and lower case apart, the previous good scan saw it too, and lies at most max_gap_s back; else a new run
 * begins. A failed scan between two good ones breaks nothing by itself. */

/* Notes a scan that failed, in health_scans. */
bool store_scan_failed(struct store *store, int64_t customer_id, int64_t at, const char *error_text, GError **error);

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

/* A search for accounts. */
struct store_user_query {
    const char *words;    /* as people type them; NULL: every account */
    bool fts_syntax;      /* words are raw FTS5 syntax */
    const char *customer; /* exact, case-insensitive; NULL: any */
    int limit;            /* rows at most */
    int time_limit_ms;    /* real time; 0: none */
};

/* A row of the view `users`. Strings are borrowed during the call back; NULL where the column is NULL. */
struct store_user {
    int64_t user_id;
    const char *customer, *tenant_id, *id, *user_principal_name, *display_name, *mail, *user_type, *created,
        *last_sign_in, *removed_at, *removed_reason, *raw, *raw_text, *first_seen, *changed_at;
    int account_enabled; /* 1, 0; -1: not told */
    size_t raw_length;
};

/* Return false to stop. */
typedef bool (*store_user_fn)(const struct store_user *row, void *user);

/* Calls `each` for the matching accounts, those that are there first, then by name. Manners as store_search. */
bool store_search_users(struct store *store, const struct store_user_query *query, store_user_fn each, void *user,
                        GError **error);

/* The user document, as docs/architecture.md describes it. Appends JSON; `raw` goes in verbatim. */
void store_user_append_json(GString *out, const struct store_user *row);

/* A search for issues or messages of service health. */
struct store_health_query {
    enum store_health_kind kind;    /* STORE_HEALTH_ISSUES or STORE_HEALTH_MESSAGES */
    const char *words;              /* as people type them; NULL: all */
    bool fts_syntax;                /* words are raw FTS5 syntax */
    const char *customer, *service; /* exact, case-insensitive; NULL: any. A message matches by each of its services */
    bool has_start, has_end;        /* of last_modified, [start, end), seconds UTC */
    int64_t start, end;
    int limit;         /* rows at most */
    int time_limit_ms; /* real time; 0: none */
};

/* A row of the view `service_issues` or `service_messages`. Strings are borrowed during the call back; NULL where the
 * column is NULL, or the view has no such column. */
struct store_health_row {
    enum store_health_kind kind;
    int64_t row_id; /* issue_id, message_id */
    const char *customer, *tenant_id, *id, *title, *start, *end, *last_modified, *raw, *raw_text, *first_seen,
        *changed_at;
    const char *service, *classification, *status, *posts;           /* of issues */
    const char *services, *category, *severity, *action_required_by; /* of messages */
    int is_resolved, is_major_change;                                /* 1, 0; -1: not told */
    size_t raw_length;
};

/* Return false to stop. */
typedef bool (*store_health_fn)(const struct store_health_row *row, void *user);

/* Calls `each` for the matching rows, the last modified first. Manners as store_search. */
bool store_search_health(struct store *store, const struct store_health_query *query, store_health_fn each, void *user,
                         GError **error);

/* The document of an issue or a message, as docs/architecture.md describes it. Appends JSON; `raw` and `posts` go in
 * verbatim. */
void store_health_append_json(GString *out, const struct store_health_row *row);

/* --- reports --------------------------------------------------------------------------------------------------------
 */

/* What the store knows of a window of service health. */
struct store_report_query {
    const char *customer, *tenant_id; /* tenant_id NULL: by the name alone */
    int64_t from, to;                 /* the window, seconds UTC, [from, to) */
    int64_t history_from;             /* states and scans are read from here on; <= from */
    int64_t actions_to;               /* announcements with an action date from `from` up to here belong to it, too */
};

struct store_report_state {
    char *service, *status;
    int64_t first_seen, last_seen, samples;
};
struct store_report_scan {
    int64_t at;
    bool good;
    char *error; /* NULL when good */
};
struct store_report_service {
    char *id, *name, *status; /* of the overview; name and status may be NULL */
};
/* An issue or a message. */
struct store_report_record {
    char *id, *raw;
    size_t raw_length;
    int64_t first_seen;
};

/* Strings are owned. */
typedef struct store_report {
    bool known;          /* the store has this customer */
    char *tenant_id;     /* its tenant; NULL: not known */
    char *namesake;      /* the tenant that bears the customer's name, where that is another one; NULL */
    GPtrArray *services; /* struct store_report_service *, by id */
    GPtrArray *states;   /* struct store_report_state *: runs that touch [history_from, to), or may last into it, and of
                            each service the next one after; by service and first_seen */
    GPtrArray *scans;    /* struct store_report_scan *: those in [history_from, to), and the good ones next to both
                            ends; by time */
    GPtrArray *issues;   /* struct store_report_record *: begun before `to`, and not ended before `from`; the latest
                            first */
    GPtrArray *messages; /* likewise: modified in the window, or to be acted upon; by action date, then the latest
                            first */
} StoreReport;

/* One consistent read. NULL with *error. Returned: store_report_free. */
struct store_report *store_report_read(struct store *store, const struct store_report_query *query, GError **error);
void store_report_free(struct store_report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreReport, store_report_free)

/* What a figure is asked for by its SQL. Moments are ISO 8601, UTC: 2026-11-22T00:00:00Z. */
enum store_figure {
    STORE_FIGURE_STRETCHES, /* rows: from, to, status (empty: no data), priority (of no data: -1); of a sighting, that
                               no scan followed in time, `to` is `from` */
    STORE_FIGURE_OVERALL,   /* one row: the worst status, its priority (no data: empty, -1) */
    STORE_FIGURE_AVAILABILITY,  /* one row: operational seconds, observed seconds */
    STORE_FIGURE_OCCURRENCES,   /* rows: status, from, to, seconds, scans */
    STORE_FIGURE_GAPS,          /* rows: from, to: of the customer's scans, no service */
    STORE_FIGURE_ISSUES,        /* rows: id, title, status */
    STORE_FIGURE_ANNOUNCEMENTS, /* rows: id, title, action date */
    STORE_FIGURES
};

struct store_figure_query {
    enum store_figure figure;
    const char *customer, *tenant_id, *service; /* the overview's id; NULL where the figure has none */
    int64_t from, to, actions_to;               /* as above */
    int64_t now;                                /* of the report; nothing is told of what comes after it; 0: `to` */
    int64_t max_gap_s;
    const char *const *statuses; /* NULL-ended names of the status map, lower case, */
    const int *priorities;       /* and their priorities */
    int unknown_priority;        /* of a status that the map does not have */
};

/* The statement of a figure as it is to be pasted into the sqlite3 shell, values in their places, on the views only.
 * Returned: g_free. NULL with *error. */
char *store_figure_sql(struct store *store, const struct store_figure_query *query, GError **error);

/* Its rows, columns as text (NULL is ""), one char ** (NULL-ended) a row. Returned: GPtrArray, g_ptr_array_unref. NULL
 * with *error. */
GPtrArray *store_figure_rows(struct store *store, const struct store_figure_query *query, GError **error);

/* --- mail -----------------------------------------------------------------------------------------------------------
 *
 * A mail is stored whole before the first attempt to send it, and kept after the last one. */

enum store_mail_state {
    STORE_MAIL_QUEUED,  /* to be tried */
    STORE_MAIL_SENDING, /* the message is being handed over, or the program ended while it was */
    STORE_MAIL_SENT,    /* the server took it; of a mail: for one recipient at least, and no other is to be tried */
    STORE_MAIL_FAILED,  /* refused for good, or given up */
    STORE_MAIL_UNKNOWN  /* handed over, but nobody knows the answer */
};

/* "queued", "sending", "sent", "failed", "unknown". */
const char *store_mail_state_name(enum store_mail_state state);

struct store_mail_recipient {
    char *address; /* alone, without a name; of a mail each once */
    enum store_mail_state state;
    int code;      /* SMTP or HTTP status; 0: none */
    char *answer;  /* the server's words; NULL */
    bool may_have; /* once it was unknown whether they got it: what fails later does not change that */
};

typedef struct store_mail {
    int64_t mail_id;     /* 0: not stored */
    int64_t customer_id; /* 0: of none */
    char *customer;
    char *kind;           /* "report" */
    int64_t from_s, to_s; /* the window; 0, 0: none */
    char *subject;
    char *sender;          /* the address alone */
    char *message_id;      /* without brackets */
    GBytes *message;       /* RFC 5322; NULL: not read (store_mail_read has it) */
    GPtrArray *recipients; /* struct store_mail_recipient *, owned */
    enum store_mail_state state;
    int64_t attempts, created_at;
    int64_t queued_at;                  /* when it was last put into the queue: from then on it is tried for so long */
    int64_t next_attempt_at;            /* 0: none to come */
    int64_t sent_at;                    /* 0: not sent */
    char *answer;                       /* what was last said of it as a whole; NULL */
    enum store_mail_state stored_state; /* what the store had when this was read or written: kept by store_mail_*, */
    int64_t stored_attempts;            /* who write nothing where it has something else by now */
} StoreMail;

struct store_mail *store_mail_new(void);
void store_mail_free(struct store_mail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreMail, store_mail_free)

/* Adds a recipient, queued, unless the address is there already (case aside). */
void store_mail_add_recipient(struct store_mail *mail, const char *address);

/* Stores a new mail, queued, and durably: state, mail_id and next_attempt_at (now) are filled. With `again` false it is
 * refused (STORE_ERROR_BUSY) where a mail of the same customer, kind and window is queued, sending, sent or unknown. */
bool store_mail_insert(struct store *store, struct store_mail *mail, bool again, GError **error);

/* The latest mail of a customer, kind and window that did not fail, or else the latest one. NULL with *error NULL when
 * there is none. Returned: store_mail_free.
 */
struct store_mail *store_mail_find(struct store *store, int64_t customer_id, const char *kind, int64_t from_s,
                                   int64_t to_s, GError **error);

/* Mails that are queued and due, the oldest first, without their messages; customer_id 0: of all. Returned: GPtrArray
 * of struct store_mail *. NULL with *error. */
GPtrArray *store_mail_due(struct store *store, int64_t customer_id, int64_t now, GError **error);

/* Mails made since `since` that are unknown or failed, with no later one of that time in their place, the oldest first,
 * without their messages. Returned: GPtrArray of struct store_mail *. NULL with *error. */
GPtrArray *store_mail_unsettled(struct store *store, int64_t customer_id, int64_t since, GError **error);

/* A mail, whole, as the store has it now. NULL with *error, also when there is none. Returned: store_mail_free. */
struct store_mail *store_mail_read(struct store *store, int64_t mail_id, GError **error);

/* The message's first byte is about to be sent: state `sending`, one attempt more, none to come; recipients as `mail`
 * has them. On disk when it returns. Refused (STORE_ERROR_BUSY) where the store does not have it as queued (any more).
 */
bool store_mail_begin(struct store *store, struct store_mail *mail, int64_t now, GError **error);

/* Writes state, recipients, attempts, next_attempt_at, sent_at and answer as `mail` has them. On disk when it returns.
 * Refused (STORE_ERROR_BUSY), with nothing written, where the store has another state or other attempts by now than
 * when `mail` was read or last written: another process was at it. */
bool store_mail_note(struct store *store, struct store_mail *mail, GError **error);

/* Puts an unknown mail into the queue again, due at once, for those recipients nobody knows of; they keep the mark
 * may_have. *changed is false where it is not unknown (any more): another process was at it, and nothing is written.
 * `mail` is then as the store has it, either way. On disk when it returns. */
bool store_mail_requeue(struct store *store, struct store_mail *mail, int64_t now, bool *changed, GError **error);

/* Mails left in `sending` by a program that ended become `unknown`, and so do their recipients that were to be tried;
 * how many, or -1 with *error. To be called by the holder of STORE_LOCK_MAIL. */
int64_t store_mail_recover(struct store *store, GError **error);

/* --- status ---------------------------------------------------------------------------------------------------------
 */

enum store_hole_kind {
    STORE_HOLE_LOST,   /* the service no longer had it when we came */
    STORE_HOLE_UNREAD, /* between stretches that were read, nobody asked */
    STORE_HOLE_OPEN,   /* begun and had to be left: a later run reads it */
    STORE_HOLE_SCANS   /* health: no good scan for longer than the gap that is allowed, the one up to now too */
};

struct store_hole {
    enum store_hole_kind kind;
    char *part;       /* owned; "" for the whole */
    int64_t from, to; /* seconds UTC */
};

/* One source of one customer, as the database knows it. Strings are owned by the status; NULL: none. */
struct store_status_source {
    char *customer, *tenant_id, *source;
    int64_t records, unreadable;
    char *newest;                                           /* of events, a timestamp */
    int64_t last_run_at, last_success_at, last_error_at;    /* seconds UTC; 0: never */
    enum store_outcome outcome;                             /* of the last run */
    char *last_error;                                       /* of the last run; NULL: it ended well */
    int64_t covered_to;                                     /* time is read up to here; 0: not a source of events */
    int64_t lateness_samples;                               /* events that lateness is told from */
    int64_t lateness_p50_s, lateness_p95_s, lateness_p99_s; /* from happening to being stored */
    int64_t raw_bytes;                                      /* about: records x the mean of those sampled */
    GArray *holes;                                          /* struct store_hole, by time; none in what is not kept */
    int64_t kept_from;      /* retention deleted all that is about an earlier moment, what was open aside; 0: nothing */
    int64_t pruned_at;      /* when it last deleted any; 0: never */
    int64_t pruned_records; /* how many so far */
    int64_t held_from;      /* what is held begins here, as far as it was read and not deleted; 0: not known */
};

/* Work of `maintain`, when it was last done. Strings are owned. */
struct store_status_task {
    char *task;          /* "prune", "verify", "backup" ... */
    int64_t started_at;  /* of the round under way, or that was interrupted; 0: none */
    int64_t finished_at; /* when it was last done to its end; 0: never */
    char *outcome;       /* of that; NULL */
};

struct store_status {
    GPtrArray *sources;                            /* struct store_status_source *, by customer and source */
    int64_t database_bytes, wal_bytes, free_bytes; /* free: pages inside the file that hold nothing */
    int64_t seq;                                   /* the latest change */
    bool mirrored;                                 /* a mirror has been at work */
    int64_t mirror_behind;                         /* changes it has not acknowledged */
    int64_t blobs_pending;                         /* listed by the Management Activity API, and not yet fetched */
    int64_t blob_expires_at;                       /* the first of them; 0: none */
    GPtrArray *tasks;                              /* struct store_status_task *, by name */
};

struct store_keep;

struct store_status_options {
    int64_t now;                   /* seconds UTC */
    int64_t since;                 /* holes that ended before are left out; events older than this are no samples */
    int64_t max_gap_s;             /* between good scans */
    int samples;                   /* newest events to look at, at most, for lateness and size */
    const struct store_keep *keep; /* what is kept of single sources: nothing else is missing; borrowed */
    size_t n_keep;
};

/* Reads how things stand: one short read, bounded by `samples`. Lateness is told from events that happened after every
 * part of the source had first been read, so that a first import, which stores a month at once, does not count as late;
 * a percentile is the least lateness that so many percent of the samples do not exceed. Behind what was read last there
 * is no hole: how old the last success is tells of that time. NULL with *error. Returned: store_status_free. */
struct store_status *store_status_read(struct store *store, const struct store_status_options *options, GError **error);
void store_status_free(struct store_status *status);
typedef struct store_status StoreStatus;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreStatus, store_status_free)

/* --- for tests and maintenance --------------------------------------------------------------------------------------
 */

/* As store_verify_watched (in store/maintenance.h), with nobody looking. */
bool store_verify(struct store *store, GError **error);

/* SQLite's quick_check: damage, without the comparison of every index. Works with STORE_READ; false with *error naming
 * the first fault. */
bool store_quick_check(struct store *store, GError **error);

/* Makes what another thread is doing with the store end soon, with STORE_ERROR_LIMIT, also a wait for a lock; what it
 * begins after this call is not concerned. The store must stay open meanwhile. */
void store_interrupt(struct store *store);

#include "store/maintenance.h"

#endif
