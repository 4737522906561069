/* sources - Microsoft's collections, one file and one row each: what to ask for, and how a record becomes a document.
 */
#ifndef M365KEEP_SOURCES_H
#define M365KEEP_SOURCES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "client/client.h"
#include "store/store.h"

struct source {
    const char *name; /* as users write it: "sign-ins" */
    enum client_api api;
    enum client_family family;
    const char *path;           /* below the API's base URL: "/v1.0/auditLogs/signIns" */
    const char *time_field;     /* the property that windows are cut by, with ge and le only */
    int page_size;              /* $top */
    int64_t reach_s;            /* how far back the API keeps records */
    int64_t reach_unlicensed_s; /* the same for a tenant without a premium licence; the API does not tell which it is */
    int64_t overlap_s;          /* read again on each run, for what came late */
    const char *permission;     /* application permission it needs */
    const char *licence;        /* NULL: none */
    /* Fills the document (all but `raw` and what document_seal computes) from a record; never fails: what cannot be
     * read stays NULL, and the record is kept. `received_at` stands in for a missing time. */
    void (*decode)(const struct json_node *record, struct document *document);
};

/* Every source, ended by a NULL name. */
const struct source *sources_all(void);

/* NULL when there is none of that name. */
const struct source *source_find(const char *name);

/* The URL of the first page of a window, [from, to] in seconds UTC, below `base_url`. Returned: g_free. */
char *source_window_url(const struct source *source, const char *base_url, int64_t from, int64_t to);

/* Decodes one record: parses, decodes, derives text and dedupe key, and points raw at the slice. `tree` is scratch.
 * NULL with *error when the record cannot be looked into (too deep, not an object, text that is not UTF-8): the caller
 * keeps it as unreadable. */
struct document *source_decode(const struct source *source, struct json_tree *tree, struct json_slice record,
                               int64_t received_at, GError **error);

#endif
