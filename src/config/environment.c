#include "config/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "config/config.h"
#include "config/dotenv.h"

enum {
    ENV_FILE_MAX = 1 << 20,    /* a .env file is a page or two of text */
    SECRET_FILE_MAX = 1 << 16, /* more than any secret or key; keeps /dev/zero from filling the memory */
};

struct environment {
    char *file;              /* as given; NULL when none was read */
    GHashTable *values;      /* name -> struct dotenv_value * */
    GPtrArray *secret_files; /* char *: what was read */
};

static bool parse_env_file(struct environment *environment, GError **error)
{
    size_t length = 0;
    char *text = file_read(environment->file, ENV_FILE_MAX, &length);
    if (text == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "cannot read the environment file %s: %s",
                    environment->file, errno == EFBIG ? "it is larger than 1 MiB" : g_strerror(errno));
        return false;
    }
    bool ok = dotenv_parse(environment->file, text, length, environment->values, error);
    explicit_bzero(text, length);
    g_free(text);
    return ok;
}

struct environment *environment_new(const char *env_file, GError **error)
{
    struct environment *environment = g_new0(struct environment, 1);
    struct stat status;

    environment->values = dotenv_table_new();
    environment->secret_files = g_ptr_array_new_with_free_func(g_free);
    /* A working directory that cannot be searched (sudo -u out of /root) has no .env for us. One that is there but
     * cannot be read is an error: what it says would silently be missing. */
    if (env_file == NULL && stat(".env", &status) != 0)
        return environment;
    environment->file = g_strdup(env_file != NULL ? env_file : ".env");
    g_ptr_array_add(environment->secret_files, g_strdup(environment->file));
    if (parse_env_file(environment, error))
        return environment;
    environment_free(environment);
    return NULL;
}

void environment_free(struct environment *environment)
{
    if (environment == NULL)
        return;
    g_hash_table_unref(environment->values);
    g_ptr_array_unref(environment->secret_files);
    g_free(environment->file);
    g_free(environment);
}

/* The value as it is set, perhaps empty; NULL when it is not. */
static const char *look_up(const struct environment *environment, const char *key)
{
    const char *real = g_getenv(key);
    if (real != NULL)
        return real;
    const struct dotenv_value *value = g_hash_table_lookup(environment->values, key);
    return value != NULL ? value->text : NULL;
}

const char *environment_get(const struct environment *environment, const char *key)
{
    const char *value = look_up(environment, key);
    return value != NULL && *value != '\0' ? value : NULL;
}

bool environment_is_empty(const struct environment *environment, const char *key)
{
    const char *value = look_up(environment, key);
    return value != NULL && *value == '\0';
}

char *environment_where(const struct environment *environment, const char *key)
{
    const struct dotenv_value *value = g_hash_table_lookup(environment->values, key);

    if (g_getenv(key) == NULL && value != NULL)
        return g_strdup_printf("%s, line %u", environment->file, value->line);
    return g_strdup("the environment");
}

/* --- secrets in files --------------------------------------------------------------------------------------------- */

/* What is wrong with a secret's file; takes the newline at its end off. */
static const char *secret_fault(char *secret, size_t length)
{
    if (memchr(secret, '\0', length) != NULL)
        return "holds a NUL byte; write the secret as plain UTF-8 text (a certificate as PEM, which openssl pkcs12 -in "
               "FILE "
               "-out NEW_FILE -nodes makes of a .pfx)";
    if (length > 0 && secret[length - 1] == '\n')
        secret[--length] = '\0';
    if (length > 0 && secret[length - 1] == '\r')
        secret[--length] = '\0';
    return length == 0 ? "is empty; write the secret's value into it" : NULL;
}

char *environment_read_file(const struct environment *environment, const char *path, GError **error)
{
    size_t length = 0;
    char *secret = file_read(path, SECRET_FILE_MAX, &length);

    if (secret == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "cannot be read: %s",
                    errno == EFBIG ? "it is larger than 64 KiB, so it is no secret" : g_strerror(errno));
        return NULL;
    }
    g_ptr_array_add(environment->secret_files, g_strdup(path));
    const char *fault = secret_fault(secret, length);
    if (fault == NULL)
        return secret;
    g_set_error_literal(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, fault);
    explicit_bzero(secret, length);
    g_free(secret);
    return NULL;
}

GPtrArray *environment_secret_files(const struct environment *environment)
{
    return g_ptr_array_ref(environment->secret_files);
}

/* A secret that a file holds; `told_by` says what named the file. NULL with *error. */
static char *read_secret_file(const struct environment *environment, const char *told_by, const char *path,
                              GError **error)
{
    char *secret = environment_read_file(environment, path, error);

    if (secret == NULL)
        g_prefix_error(error, "%s names the file %s, which ", told_by, path);
    return secret;
}

/* $CREDENTIALS_DIRECTORY/KEY when systemd put one there, else NULL. */
static char *credential_path(const char *key)
{
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    if (directory == NULL || *directory == '\0')
        return NULL;
    g_autofree char *path = g_build_filename(directory, key, NULL);
    return access(path, F_OK) == 0 ? g_steal_pointer(&path) : NULL;
}

bool environment_secret(const struct environment *environment, const char *key, char **secret, char **where,
                        GError **error)
{
    g_autofree char *file_key = g_strconcat(key, "_FILE", NULL);
    g_autofree char *credential = credential_path(key);
    const char *value = environment_get(environment, key), *file = environment_get(environment, file_key);

    *secret = *where = NULL;
    if ((value != NULL) + (file != NULL) + (credential != NULL) > 1) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "%s is given in more than one way:%s%s%s%s%s; keep one of them", key,
                    value != NULL ? " as itself" : "", file != NULL ? " by " : "", file != NULL ? file_key : "",
                    credential != NULL ? " as systemd's credential " : "", credential != NULL ? credential : "");
        return false;
    }
    if (value != NULL) {
        *secret = g_strdup(value);
        *where = environment_where(environment, key);
        return true;
    }
    if (file == NULL && credential == NULL)
        return true;
    *secret = file != NULL ? read_secret_file(environment, file_key, file, error)
                           : read_secret_file(environment, "$CREDENTIALS_DIRECTORY", credential, error);
    *where = g_strdup_printf("the file %s", file != NULL ? file : credential);
    return *secret != NULL;
}

bool environment_has_secret(const struct environment *environment, const char *key)
{
    g_autofree char *file_key = g_strconcat(key, "_FILE", NULL), *credential = credential_path(key);

    return environment_get(environment, key) != NULL || environment_get(environment, file_key) != NULL ||
           credential != NULL;
}

void environment_share(const struct environment *environment)
{
    static const char *const names[][2] = {
        {"HTTPS_PROXY", "https_proxy"}, {"ALL_PROXY", "all_proxy"},         {"NO_PROXY", "no_proxy"},
        {"http_proxy", "http_proxy"},   {"SSL_CERT_FILE", "SSL_CERT_FILE"}, {"SSL_CERT_DIR", "SSL_CERT_DIR"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_getenv(names[i][0]) != NULL || g_getenv(names[i][1]) != NULL)
            continue;
        for (size_t j = 0; j < 2; j++) {
            const struct dotenv_value *value = g_hash_table_lookup(environment->values, names[i][j]);
            if (value != NULL)
                g_setenv(names[i][j], value->text, TRUE);
        }
    }
}
