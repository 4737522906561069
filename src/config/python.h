/* python - reads the plain values that a Python module assigns. Literals only: nothing is executed.
 *
 * Strings with every prefix but f, escapes, triple quotes, strings side by side or joined by +; numbers; True, False
 * and None; lists, tuples and dictionaries of these, with trailing commas, comments and line continuations. Source: The
 * Python Language Reference, "Lexical analysis". */
#ifndef M365KEEP_CONFIG_PYTHON_H
#define M365KEEP_CONFIG_PYTHON_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    PYTHON_DEPTH_MAX = 32,     /* brackets in brackets */
    PYTHON_FILE_MAX = 1 << 20, /* bytes */
};

enum python_type { PYTHON_NONE, PYTHON_BOOL, PYTHON_NUMBER, PYTHON_STRING, PYTHON_LIST, PYTHON_DICT };

struct python_value {
    enum python_type type;
    unsigned line;    /* where it begins */
    bool truth;       /* of PYTHON_BOOL */
    char *text;       /* of PYTHON_STRING, in UTF-8, and PYTHON_NUMBER, as written but for underscores; wiped */
    GPtrArray *items; /* of PYTHON_LIST (tuples are lists), and PYTHON_DICT: key, value, key, value */
};

/* A module-level NAME = value. */
struct python_assignment {
    char *name;
    unsigned line;
    struct python_value *value; /* NULL: no plain value stands there; `fault` says why */
    char *fault;                /* "line 7: ...", without any value */
    unsigned changed_line; /* a later line that is more than an assignment: NAME.update(...), NAME[...] = ...; or 0 */
};

typedef struct python_module {
    GPtrArray *assignments; /* struct python_assignment *, of each name the last, in the order of the names' first */
    GHashTable *by_name;    /* the same by name */
    GArray *skipped;        /* unsigned: lines of statements that are none */
} PythonModule;

/* Reads the text of `file`. NULL with CONFIG_ERROR_INVALID when it is no Python at all: no UTF-8, a string or bracket
 * that is never closed. Returned: python_module_free. */
struct python_module *python_read(const char *file, const char *text, size_t length, GError **error);
void python_module_free(struct python_module *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PythonModule, python_module_free)

/* The assignment to `name`, or NULL. Borrowed. */
struct python_assignment *python_find(const struct python_module *module, const char *name);

#endif
