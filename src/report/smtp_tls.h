/* smtp_tls - whom a mail server's TLS is believed: its certificate's chain and its name, checked by OpenSSL. */
#ifndef M365KEEP_REPORT_SMTP_TLS_H
#define M365KEEP_REPORT_SMTP_TLS_H

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>

/* What watches over one handshake; it must live as long as the context. */
struct smtp_tls_guard {
    const char *host; /* borrowed: the configured name or address, which the certificate must be for */
    /* False: the server said more than its answer to STARTTLS before TLS began. Such words are nobody's, and would be
     * read as if TLS had protected them (libesmtp 1.1.0 does not mind; 1.1.1 does). */
    bool (*quiet)(void *user);
    void *user;
    bool began;  /* a handshake was tried */
    char *fault; /* why the certificate is not believed; NULL: it is, or was not seen. To be freed */
};

/* TLS 1.2 or later, certificates of the file that SSL_CERT_FILE names, or else the system's. NULL with *error
 * (REPORT_ERROR_FILE). Returned: SSL_CTX_free. */
SSL_CTX *smtp_tls_context(struct smtp_tls_guard *guard, GError **error);

/* Says EHLO once more than needed, and reads the answer: with TLS 1.3 the server sends tickets when the handshake is
 * over, and libesmtp 1.1.0, which reads before it has said what is to be answered, would wait in vain where they are
 * there at once. What a server sends before an answer has arrived when the answer has. Failure shows by itself. */
void smtp_tls_settle(SSL *ssl, const char *hello, int timeout_ms);

/* What went wrong in this thread's last handshake: "unsupported protocol"; NULL where the peer just went away. Empties
 * OpenSSL's queue of errors. Returned: g_free. */
char *smtp_tls_failure(void);

#endif
