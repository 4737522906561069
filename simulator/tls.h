/* tls.h - the certificate with which the simulator serves https. */
#ifndef SIM_TLS_H
#define SIM_TLS_H

#include <glib.h>

/* Reads a PEM file that holds a certificate, those that sign it, and its key, in one. NULL with *error when it cannot
 * be served with. Returned: g_free(). */
char *tls_read(const char *path, GError **error);

#endif
