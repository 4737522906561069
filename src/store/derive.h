/* derive - an event's columns, key and full text, derived anew from its bytes, in place.
 *
 * Looking needs no transaction. Writing is a part of one that the caller has begun, between derive_begin and
 * derive_finish. */
#ifndef M365KEEP_STORE_DERIVE_H
#define M365KEEP_STORE_DERIVE_H

#include "store/events.h"

struct derive {
    struct store *store;
    const struct store_decoders *decoders; /* borrowed */
    bool mirror_deletes;
    int64_t latest; /* what is said to have happened later comes from a clock that runs ahead */
    /* Of the transaction. */
    int64_t first_seq, seq; /* the last change number before it, and now */
    struct event_ids ids;
    GArray *texts;        /* struct event_text, to be written last of all */
    GPtrArray *documents; /* what they borrow from */
    int64_t text_deleted;
};

void derive_init(struct derive *derive, struct store *store, const struct store_decoders *decoders, int64_t now);
void derive_clear(struct derive *derive);

bool derive_begin(struct derive *derive, GError **error);
bool derive_finish(struct derive *derive, GError **error);

enum derive_look { DERIVE_SAME, DERIVE_DUE, DERIVE_UNDECODABLE, DERIVE_FAILED };

/* Whether the event at which STATEMENT_RENORMALIZE_EVENTS stands would become another. */
enum derive_look derive_look(const struct derive *derive, struct statement *row);

/* What became of an event. */
struct derived {
    bool changed, moved, rekeyed;
    bool apart; /* its key is another's: it keeps the one it has */
};

/* Writes what is another by now; one that is gone, or that cannot be decoded, is left as it is. False with *error:
 * STORE_ERROR_CORRUPT where its key is not there. */
bool derive_event(struct derive *derive, int64_t event_id, struct derived *derived, GError **error);

/* Deletes the full text of an event with this transaction. */
void derive_drop_text(struct derive *derive, int64_t event_id);

/* The mirrored document of that name is no more; nothing where the mirror keeps such. */
bool derive_bury(struct derive *derive, const char *tenant_id, const char *source, const char *name, GError **error);

/* The key that a record of that name has. */
static inline void derive_key(const char *tenant_id, const char *source, const char *name, uint8_t key[HASH_KEY_BYTES])
{
    const char *parts[] = {tenant_id, source, name};
    hash_key(parts, G_N_ELEMENTS(parts), key);
}

#endif
