/* base64url.h - base64 with the alphabet of URLs (RFC 4648 section 5), as JWTs and their keys are written. */
#ifndef SIM_BASE64URL_H
#define SIM_BASE64URL_H

#include <glib.h>

/* Without padding. Returned: g_free(). */
char *base64url_encode(const void *bytes, gsize len);

/* Decodes len characters; padding may be there or not. NULL when anything else is in it. Returned: g_bytes_unref(). */
GBytes *base64url_decode(const char *text, gsize len);

#endif
