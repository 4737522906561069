/* dotenv - reads (and writes) a .env file as docker compose does, so that one file serves both.
 *
 * KEY=value, KEY: value, `export KEY=value`; blank lines and lines that begin with # are skipped; a KEY alone is left
 * to the environment. Unquoted values end at the line's end or at a blank followed by #. 'Single quotes' keep
 * everything as it is but \'. "Double quotes" know \n \r \t \a \b \f \v \\ \" \' \$; both kinds may span lines.
 * Unquoted and double-quoted values have $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?message},
 * ${NAME?message}, ${NAME:+other} and
 * ${NAME+other} replaced, $$ being a dollar sign: by the real environment, else by the lines above. A byte order mark
 * and CRLF are taken in stride. Source: Docker's page "Set environment variables", section "Env file syntax". */
#ifndef M365KEEP_CONFIG_DOTENV_H
#define M365KEEP_CONFIG_DOTENV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum { DOTENV_VALUE_MAX = 1 << 20 }; /* bytes of one value: references to references can double at every line */

struct dotenv_value {
    char *text; /* wiped when freed: it may be a secret */
    unsigned line;
};

/* An empty table: name (char *) -> struct dotenv_value *. Returned: g_hash_table_unref. */
GHashTable *dotenv_table_new(void);

/* Adds what the `length` bytes of `text` say to `values`; of doubled names the last line wins. False with
 * CONFIG_ERROR_INVALID, naming `file` and line and never a value. */
bool dotenv_parse(const char *file, const char *text, size_t length, GHashTable *values, GError **error);

/* Appends the line that sets `key`, quoted as needed so that the value is read back as it is. */
void dotenv_append(GString *out, const char *key, const char *value);

#endif
