/* facets - the tokens by which exact values are found through the full-text index.
 *
 * A filter behind a common word costs hundreds of milliseconds by column and about two as a token of the same index. A
 * token is two letters for the field and 12 hexadecimal digits of SHA-256 of the lower-case value, so a value of any
 * length or script is one token, and no word that a person types is taken for one. */
#ifndef M365KEEP_STORE_FACETS_H
#define M365KEEP_STORE_FACETS_H

#include <glib.h>
#include <stdbool.h>

enum facet { FACET_CUSTOMER, FACET_SOURCE, FACET_SERVICE, FACET_OPERATION, FACET_RESULT, FACET_ACTOR };

enum { FACET_TOKEN_BYTES = 2 + 12 + 1 };

/* Writes the token of `value`; false for NULL and "", which have none. Thread-safe; keeps recent values a thread. */
bool facet_token(enum facet facet, const char *value, char token[FACET_TOKEN_BYTES]);

/* Appends the token, if there is one, after a space unless `facets` is empty. */
void facet_append(GString *facets, enum facet facet, const char *value);

#endif
