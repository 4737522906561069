/* account_merge - what a record says anew about an account, and the account's JSON with it. Knows no database. */
#ifndef M365KEEP_STORE_ACCOUNT_MERGE_H
#define M365KEEP_STORE_ACCOUNT_MERGE_H

#include "base/json.h"

/* A member that has another value now. A value that is null or absent is NULL. */
struct account_change {
    const char *field;
    const char *old_value, *new_value; /* the bytes as received */
    size_t old_length, new_length;
};

struct account_merge {
    const char *raw; /* the account's JSON now; NULL: the record says nothing new */
    size_t length;
    GArray
        *changes; /* struct account_change; what stands in raw may have changed without any: signInActivity has none */
    /* Private from here: what the pointers above point into. */
    struct json_members *known, *record;
    GString *built;
};

/* Merges a record into what is known: members that it names replace the known ones, others stay, where they stood.
 * `raw` is the record itself, byte for byte, when it names every known member; otherwise each value is as it was
 * received last. Members whose names begin with "@" belong to the answer, not to the account, and are left out. `known`
 * is NULL for an account that nobody knows; JSON there that cannot be read counts as no members. Both inputs are
 * borrowed until account_merge_clear, which is due in any case. False with *error when the record is no object. */
bool account_merge(struct account_merge *merge, const char *known, size_t known_length, const char *record,
                   size_t length, GError **error);
void account_merge_clear(struct account_merge *merge);

#endif
