/* renormalize - a round through all records, table by table, in short transactions: what its parts share.
 *
 * Rows are looked at without the write lock, each with the latest version of its table; what is due is read once more,
 * derived and written with it. */
#ifndef M365KEEP_STORE_RENORMALIZE_H
#define M365KEEP_STORE_RENORMALIZE_H

#include "base/json.h"
#include "store/accounts.h"
#include "store/derive.h"
#include "store/health.h"
#include "store/pace.h"

struct renormalize_step;

struct renormalizing {
    struct store *store;
    const struct store_renormalize_options *options; /* borrowed */
    struct pace pace;
    struct derive derive;
    struct json_tree *tree;
    /* Where the round stands: `step`'s rows are looked at from the id `next` on. */
    const struct renormalize_step *step; /* NULL: at its end */
    int64_t next;
    int64_t begun_at, begun_seq; /* seconds UTC, and the last change number then */
    int64_t done, of;            /* of the round: `done` are those of this run and the ones before it */
    int64_t tried;               /* in this run, of any table */
    int64_t noted, noted_us;     /* `next` as the database has it, and when that was written */
    int64_t units;               /* rows a transaction writes */
    int64_t looked_us;           /* how long the last look took */
    /* Of the transaction. */
    struct accounts_batch accounts;
    struct health_batch health;
    struct store_renormalized counts;
};

/* One table of a round. */
struct renormalize_step {
    const char *name;       /* as the place of a round is written; static */
    const char *doing;      /* as the watch is told */
    enum statement_id rows; /* [?1, ?2] by id; id and seq come first */
    int kind;               /* of renormalize_states.c: an enum store_health_kind, or RENORMALIZE_ACCOUNTS */
    enum derive_look (*look)(struct renormalizing *round, const struct renormalize_step *step, struct statement *row,
                             GError **error);
    /* Writes what is due about the row, and counts it. One that is gone is no error. */
    bool (*write)(struct renormalizing *round, const struct renormalize_step *step, int64_t id, GError **error);
};

enum { RENORMALIZE_ACCOUNTS = -1 };

/* renormalize_states.c: accounts and what health told. */
enum derive_look renormalize_look_at_state(struct renormalizing *round, const struct renormalize_step *step,
                                           struct statement *row, GError **error);
bool renormalize_write_state(struct renormalizing *round, const struct renormalize_step *step, int64_t id,
                             GError **error);

/* recover.c: what could not be read. */
enum derive_look recover_look(struct renormalizing *round, const struct renormalize_step *step, struct statement *row,
                              GError **error);
bool recover_write(struct renormalizing *round, const struct renormalize_step *step, int64_t id, GError **error);

#endif
