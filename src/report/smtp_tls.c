#include "report/smtp_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

#include "report/report.h"
#include "report/smtp_reply.h"

static struct smtp_tls_guard *guard_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static bool is_address(const char *host)
{
    struct in6_addr bytes; /* room for both kinds */

    return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1;
}

/* Called for each certificate of the chain, good ones too. */
static int judge(int good, X509_STORE_CTX *chain)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct smtp_tls_guard *guard = guard_of(ssl);

    if (!guard->quiet(guard->user)) {
        g_free(guard->fault);
        guard->fault = g_strdup("words were slipped in before the encryption began");
        X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    if (!good && !guard->fault)
        guard->fault = g_strdup(X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain)));
    return good;
}

/* libesmtp does not name the host it wants (SNI), and servers of many names then show the wrong certificate. This is
 * the one place before the first message where there is a connection to name it on. */
static void name_host(const SSL *ssl, int where, int value)
{
    struct smtp_tls_guard *guard = guard_of(ssl);

    (void)value;
    if (!(where & SSL_CB_HANDSHAKE_START) || guard->began)
        return;
    guard->began = true;
    if (!is_address(guard->host))
        SSL_set_tlsext_host_name((SSL *)ssl, guard->host);
}

static bool want_host(SSL_CTX *context, const char *host)
{
    X509_VERIFY_PARAM *wanted = SSL_CTX_get0_param(context);

    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1;
}

static bool load_authorities(SSL_CTX *context, GError **error)
{
    const char *file = g_getenv("SSL_CERT_FILE");

    if (file && *file ? SSL_CTX_load_verify_locations(context, file, NULL) == 1
                      : SSL_CTX_set_default_verify_paths(context) == 1)
        return true;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "The certificates to trust cannot be read from %s",
                file && *file ? file : "the system's folder");
    return false;
}

SSL_CTX *smtp_tls_context(struct smtp_tls_guard *guard, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    ERR_clear_error();
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || !want_host(context, guard->host)) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED, "OpenSSL does not take %s as a host", guard->host);
        SSL_CTX_free(context);
        return NULL;
    }
    if (!load_authorities(context, error)) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_app_data(context, guard);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, judge);
    SSL_CTX_set_info_callback(context, name_host);
    return context;
}

/* True when the connection, which does not block, is ready for what OpenSSL wants of it. */
static bool wait_for(SSL *ssl, int result, int timeout_ms)
{
    int error = SSL_get_error(ssl, result);
    struct pollfd connection = {.fd = SSL_get_fd(ssl), .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};

    return (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) && poll(&connection, 1, timeout_ms) == 1;
}

void smtp_tls_settle(SSL *ssl, const char *hello, int timeout_ms)
{
    enum { ANSWER_BYTES = 16384 };
    g_autofree char *line = g_strdup_printf("EHLO %s\r\n", hello);
    g_autoptr(GString) heard = g_string_new(NULL);
    char bytes[1024];
    int n, code = 0;

    if (SSL_version(ssl) < TLS1_3_VERSION)
        return;
    while ((n = SSL_write(ssl, line, (int)strlen(line))) <= 0)
        if (!wait_for(ssl, n, timeout_ms))
            return;
    while (code == 0 && heard->len < ANSWER_BYTES) {
        g_autofree char *text = NULL;
        size_t taken;

        while ((n = SSL_read(ssl, bytes, sizeof bytes)) <= 0)
            if (!wait_for(ssl, n, timeout_ms))
                return;
        g_string_append_len(heard, bytes, n);
        smtp_reply_read(heard->str, heard->len, &code, &text, &taken);
    }
}

char *smtp_tls_failure(void)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    /* A connection that ends is no fault of TLS: it may well work later. */
    if (!code || ERR_GET_LIB(code) != ERR_LIB_SSL || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return NULL;
    return g_strdup(ERR_reason_error_string(code));
}
