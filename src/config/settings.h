/* settings - one setting's value: from the environment or .env, else from m365keep.yaml, else the default. */
#ifndef M365KEEP_CONFIG_SETTINGS_H
#define M365KEEP_CONFIG_SETTINGS_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/environment.h"
#include "config/yaml_file.h"

/* Where settings are looked up; borrowed. */
struct settings {
    const struct environment *environment;
    const struct yaml_file *file; /* never NULL; without a file an empty one */
};

/* One of them: its names, and what the file says. */
struct setting {
    const char *variable; /* NULL: there is none */
    const char *path;     /* in the file, "smtp.port"; NULL: it cannot stand there */
    const char *in_file;  /* the value; NULL: none */
};

/* What was found. */
typedef struct found {
    const char *key;  /* borrowed: the variable or the path */
    const char *text; /* borrowed; NULL: neither says anything */
    bool in_file;
    char *where; /* "the environment", ".env, line 3", "m365keep.yaml, line 12" */
} Found;
void found_clear(struct found *found);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

/* Looks it up. A value of the file that is null is none, one that is empty ("") stays. */
void settings_find(const struct settings *settings, struct setting setting, struct found *found);

/* False with "KEY (from WHERE) FAULT" in *error. A NULL fault is fine. */
bool settings_accept(const char *key, const char *where, const char *fault, GError **error);

/* Takes the text when `check` (NULL: anything but nothing) has no fault to find; *text is a copy, or of `otherwise`
 * when there is none. False with *error. */
bool settings_text(const struct settings *settings, struct setting setting, const char *(*check)(const char *),
                   const char *otherwise, char **text, GError **error);

/* A path of the file system; one in the file is relative to the file's folder. */
bool settings_path(const struct settings *settings, struct setting setting, const char *(*check)(const char *),
                   char **path, GError **error);

/* The path `text` of the file, as above. Returned: g_free. */
char *settings_resolve(const struct settings *settings, const char *text);

/* One of `names`, ended by NULL, case aside: its index. *index stays when nothing is said. */
bool settings_choice(const struct settings *settings, struct setting setting, const char *const *names,
                     unsigned *choice, GError **error);

/* The fault of a text that is none of `names`: which they are, and the one that was meant. Returned: g_free. */
char *settings_choice_fault(const char *text, const char *const *names);

/* The rest of struct config: all but database, pace, clock and customers. Secrets are left out unless they are needed.
 */
bool settings_read(const struct settings *settings, bool need_secrets, struct config *config, GError **error);

#endif
