/* environment - one key's value: from the real environment, else from the .env file. */
#ifndef M365KEEP_CONFIG_ENVIRONMENT_H
#define M365KEEP_CONFIG_ENVIRONMENT_H

#include <glib.h>
#include <stdbool.h>

typedef struct environment Environment;

/* Reads the .env file: `env_file`, which must then exist, or with NULL the working directory's .env, if there is one.
 * NULL with CONFIG_ERROR_INVALID. Returned: environment_free. */
struct environment *environment_new(const char *env_file, GError **error);
void environment_free(struct environment *environment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Environment, environment_free)

/* The value of `key`; NULL when it is not set or empty. A variable of the real environment hides the file's even when
 * it is empty. Borrowed until environment_free. */
const char *environment_get(const struct environment *environment, const char *key);

/* True when `key` is set and empty. */
bool environment_is_empty(const struct environment *environment, const char *key);

/* Where `key` is set, for messages: "the environment" or ".env, line 3". Returned: g_free. */
char *environment_where(const struct environment *environment, const char *key);

/* The secret `key`: its own value, or the content of the file that KEY_FILE names, or of $CREDENTIALS_DIRECTORY/KEY,
 * each less one newline at the end. True with *secret NULL when there is none; false with *error when there are two, or
 * a file cannot be read or is empty. *where says for messages where it came from. Returned: text_free_secret, g_free.
 */
bool environment_secret(const struct environment *environment, const char *key, char **secret, char **where,
                        GError **error);

/* True when the secret `key` is given in one of these ways; no file is read. */
bool environment_has_secret(const struct environment *environment, const char *key);

/* What a file holds that a secret is in, less one newline at its end. NULL with *error, whose message follows "the file
 * ...": "is empty; ...". Returned: text_free_secret. */
char *environment_read_file(const struct environment *environment, const char *path, GError **error);

/* The files that secrets were read from so far (char *), the .env file first. Returned: g_ptr_array_unref. */
GPtrArray *environment_secret_files(const struct environment *environment);

/* Puts the file's proxy and certificate variables, which libraries read by themselves, into the real environment where
 * that has none. Call it before any thread starts. */
void environment_share(const struct environment *environment);

#endif
