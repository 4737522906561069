/* skiptoken.h - the opaque part of a nextLink: where the next page begins, sealed so that a link comes back byte for
 * byte or not at all.
 *
 * The form is that of Graph's, "<hex>_<number>", with percent-encoded bytes inside: a client that decodes and encodes a
 * link again spells them differently and is refused, as it may be by the real service. */
#ifndef SIM_SKIPTOKEN_H
#define SIM_SKIPTOKEN_H

#include "walk.h"

struct skiptoken {
    int page;         /* the page that the link leads to, 2 or more */
    int64_t as_of;    /* the moment whose state the whole chain of pages shows */
    bool after_empty; /* the page before was empty */
    int page_size;
    int legs; /* how many sources the walk goes through */
    int last; /* the one that the last record came from */
    struct position at[SOURCE_COUNT];
};

/* Appends "$skiptoken=..." to link, sealed with all that link holds from its path on. path_at: where the path begins.
 */
void skiptoken_append(GString *link, gsize path_at, const struct skiptoken *token, uint64_t seed);

/* The page that a link's token leads to, unchecked; 1 when there is no token. */
int skiptoken_page(const char *uri);

/* Reads the token of a link (path and query, as received). False when a byte of the link was altered. */
bool skiptoken_read(const char *uri, uint64_t seed, struct skiptoken *token);

#endif
