/* search - what the searches for events, accounts, issues and messages share. */
#ifndef M365KEEP_STORE_SEARCH_H
#define M365KEEP_STORE_SEARCH_H

#include "store/store_private.h"

/* A reader that holds its snapshot lets the write-ahead log grow without bound, and the one who takes our rows may be a
 * pager that waits for a key. So rows are copied in pieces of this size, and no statement is open while they are handed
 * over. */
enum { SEARCH_PIECE_ROWS = 256, SEARCH_PIECE_BYTES = 4 << 20 };

/* --- the question --------------------------------------------------------------------------------------------------
 */

/* Appends, between parentheses, the facets of the tenants that go, or went, by this name; of the name itself when there
 * are none, which finds nothing. */
bool search_append_customer(struct store *store, GString *match, const char *name, GError **error);

/* Appends what people typed, or their own FTS5 syntax, as an expression about the column text. */
bool search_append_words(struct store *store, GString *match, const char *words, bool fts_syntax, GError **error);

/* What SQLite has just said about somebody's own FTS5 expression is for that somebody: STORE_ERROR_QUERY. */
void search_blame_query(const struct store *store, bool fts_syntax, GError **error);

/* --- the time limit ------------------------------------------------------------------------------------------------
 */

struct search_limit {
    int64_t left_us; /* real time; negative: none is set */
    int64_t deadline_us;
};

void search_limit_init(struct search_limit *limit, int time_limit_ms);

/* Only SQLite's time, between these two, counts; not that of the one who takes the rows. */
void search_limit_start(struct search_limit *limit, struct store *store);
void search_limit_stop(struct search_limit *limit, struct store *store);

/* --- texts of a piece ----------------------------------------------------------------------------------------------
 */

struct search_texts {
    GStringChunk *chunk;
    size_t bytes; /* copied so far */
};

void search_texts_init(struct search_texts *texts);
void search_texts_reset(struct search_texts *texts);
void search_texts_clear(struct search_texts *texts);

/* Copies the text of a column, and its length where that is wanted. Borrowed until the texts are reset. */
const char *search_texts_copy(struct search_texts *texts, struct statement *row, int column, size_t *length);

/* --- rows by id ----------------------------------------------------------------------------------------------------
 *
 * Accounts, issues and messages come in an order that no id knows. So the ids come first, sorted; then the rows, piece
 * by piece. The ids are of one moment, and the rows of the first piece of the same: a row that moves while it is being
 * searched for comes once, wherever it stood. One that has gone meanwhile is left out. */

struct search_rows {
    const void *query;                                                                 /* for `find` */
    bool fts_syntax;                                                                   /* of it */
    int time_limit_ms;                                                                 /* of it */
    bool (*find)(struct store *store, const void *query, GArray *ids, GError **error); /* appends int64_t */
    enum statement_id row_statement;                                                   /* gives the row of id ?1 */
    size_t row_bytes; /* of what `copy` fills, zeroed before */
    void (*copy)(struct statement *row, struct search_texts *texts, void *copied);
    bool (*each)(const void *copied, void *user); /* false: enough */
    void *user;
};

/* Calls `each` for the rows that are found, in the order of their ids. */
bool search_rows(struct store *store, const struct search_rows *rows, GError **error);

#endif
