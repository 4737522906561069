/* check - is a value what its key needs? Pure, for tables of tests. */
#ifndef M365KEEP_CONFIG_CHECK_H
#define M365KEEP_CONFIG_CHECK_H

#include <stdbool.h>

/* Each of these is NULL when `value` will do, else what is wrong with it and how to mend it: words that follow "KEY ",
 * and that never hold the value, which may be a secret pasted into the wrong place. Static. */
const char *check_tenant_id(const char *value);
const char *check_client_id(const char *value);
const char *check_client_secret(const char *value);
const char *check_customer(const char *value);
const char *check_timezone(const char *value);

const char *check_variable(const char *value); /* the name of an environment variable */
const char *check_address(const char *value);  /* desk@example.org, or Health desk <desk@example.org> */
const char *check_host(const char *value);
const char *check_listen(const char *value); /* 127.0.0.1:8000, [::1]:8000 */
const char *check_mongo_uri(const char *value);
const char *check_mongo_database(const char *value);
const char *check_subject(const char *value);   /* of a mail; {customer}, {from} and {to} are replaced */
const char *check_signature(const char *value); /* a file's path */
const char *check_status(const char *value);    /* of a service, as Microsoft names them */
const char *check_line(const char *value);      /* any text of one line that is not empty */

/* PEM text that holds a certificate and its private key, which is not encrypted. What they say is the client's to
 * read. */
const char *check_certificate(const char *value);

/* A base URL, in its normal form: scheme and host in lower case, no slash at the end. NULL with *fault as above.
 * Returned: g_free. */
char *check_base_url(const char *value, const char **fault);

/* True when the text has the form of a GUID. */
bool check_is_guid(const char *value);

#endif
