/* sealed.h - opaque tokens at the end of a link: they carry a text, and come back byte for byte or not at all, together
 * with everything before them in the link. */
#ifndef SIM_SEALED_H
#define SIM_SEALED_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The forms in which Graph's directory writes them. */
enum sealed_form {
    SEALED_URL64,  /* base64url without padding */
    SEALED_BASE64, /* base64, its +, / and = percent-encoded */
    SEALED_HEX     /* X%27 hex %27 */
};

/* Appends name, "=" and a token of at least so many characters that carries text. path_at: where the link's path
 * begins. */
void sealed_append(GString *link, gsize path_at, const char *name, const char *text, enum sealed_form form, gsize least,
                   uint64_t seed);

/* The text of the token behind name in a link (path and query, as received); NULL when a byte of the link was altered
 * or there is no such token. Returned: g_free(). */
char *sealed_read(const char *uri, const char *name, uint64_t seed);

#endif
