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

/* A base URL, in its normal form: scheme and host in lower case, no slash at the end. NULL with *fault as above.
 * Returned: g_free. */
char *check_base_url(const char *value, const char **fault);

/* True when the text has the form of a GUID. */
bool check_is_guid(const char *value);

#endif
