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

enum source_kind {
    SOURCE_EVENTS,   /* records with a time, read in windows of it */
    SOURCE_ACCOUNTS, /* users: a listing, then delta rounds, and signInActivity on its own */
    SOURCE_HEALTH    /* service health: three listings, read whole in each scan */
};

/* A permission that a source needs, or that makes it better. */
struct source_permission {
    const char *name;                /* application permission, as the portal writes it: "AuditLog.Read.All" */
    const char *resource;            /* the API that it belongs to: "Microsoft Graph" */
    const char *const *satisfied_by; /* wider permissions that include it, NULL-ended; NULL: none */
    const char *purpose;             /* what it lets m365keep read */
    bool optional;                   /* without it the source works, less what `purpose` names */
};

/* A class of a source's records that is read by queries of its own. */
struct source_part {
    const char *name;   /* as coverage and users write it: "nonInteractiveUser"; "" for the source's default */
    const char *path;   /* below the API's base URL: "/v1.0/auditLogs/signIns" */
    const char *filter; /* ANDed to the window's: "signInEventTypes/any(t: t eq 'nonInteractiveUser')"; NULL: none */
};

struct source {
    const char *name; /* as users write it: "sign-ins" */
    enum source_kind kind;
    enum client_api api;
    enum client_family family;
    int page_size;                   /* $top */
    const struct source_part *parts; /* ended by a NULL name; the first is the default */
    const char *time_field;          /* the property that windows are cut by, with ge and le only */
    int64_t reach_s;                 /* how far back the API keeps records */
    int64_t reach_unlicensed_s; /* the same for a tenant without a premium licence; the API does not tell which it is */
    int64_t overlap_s;          /* read again on each run, for what came late */
    const char *permission;     /* what the hint of a 403 names */
    const struct source_permission *permissions; /* each that it needs or can use; ended by a NULL name */
    const char *licence;                         /* NULL: none */
    bool no_top; /* $top is not documented: it is left out, and page_size is only what pages are known to hold */
    /* Of SOURCE_EVENTS. Fills the document (all but `raw` and what document_seal computes) from a record; never fails:
     * what cannot be read stays NULL, and the record is kept. `received_at` stands in for a missing time. */
    void (*decode)(const struct json_node *record, struct document *document);
};

/* A request that a permission and the licence of a source can be judged by: one record, or few. */
struct source_probe {
    char *url;                  /* owned: g_free */
    const char *const *headers; /* NULL-ended; static; NULL: none */
    const char *permission;     /* that it cannot do without, as in struct source; static */
};

/* The source's probes, one for each listing that needs a permission of its own, from index 0 on. False when there is
 * none of that index: then *probe is untouched. The first of SOURCE_HEALTH lists all services. */
bool source_probe(const struct source *source, unsigned index, const char *base_url, struct source_probe *probe);

/* True when one of `roles` (NULL-ended; of an access token) is the permission or includes it. */
bool source_permission_granted(const struct source_permission *permission, const char *const *roles);

/* Every source, ended by a NULL name. */
const struct source *sources_all(void);

/* NULL when there is none of that name. */
const struct source *source_find(const char *name);

/* The part that is called `name` ("" for the default; "interactiveUser" is the default part of sign-ins). NULL when
 * there is none of that name. */
const struct source_part *source_part_find(const struct source *source, const char *name);

/* The URL of the first page of a window, [from, to] in seconds UTC, below `base_url`. Returned: g_free. */
char *source_window_url(const struct source *source, const struct source_part *part, const char *base_url, int64_t from,
                        int64_t to);

/* Decodes one record: parses, decodes, derives text and dedupe key, and points raw at the slice. `tree` is scratch.
 * NULL with *error when the record cannot be looked into (too deep, not an object, text that is not UTF-8): the caller
 * keeps it as unreadable. */
struct document *source_decode(const struct source *source, struct json_tree *tree, struct json_slice record,
                               int64_t received_at, GError **error);

/* --- users ----------------------------------------------------------------------------------------------------------
 */

/* The properties worth having of an account, as $select wants them: with commas between. signInActivity is not among
 * them: it has a budget, a licence and a query of its own. */
extern const char users_select[];

/* The property among them that needs a permission beside the source's own: without it the service may refuse all the
 * rest together with it. And the permission. */
extern const char users_guarded_property[], users_guarded_permission[];

/* The first page of the listing, of a delta round that begins now ($deltatoken=latest: no records, only the link to go
 * on from), and of the signInActivity of all. `select` is users_select or what is left of it. Returned: g_free. */
char *users_listing_url(const char *base_url, const char *select);
char *users_delta_latest_url(const char *base_url, const char *select);
char *users_activity_url(const char *base_url);

/* A listing of one account, only to see whether the service takes `select`. Returned: g_free. */
char *users_probe_url(const char *base_url, const char *select);

/* `select` less the property that an error message names, when the message names one of them; else NULL. Id is never
 * dropped. *dropped is the name. Returned: g_free both. */
char *users_select_without(const char *select, const char *message, char **dropped);

/* Id and removal of one record of a page; raw borrowed from the slice. NULL with *error when it is no account (no
 * object, no id, text that is not UTF-8): the caller keeps it as unreadable. */
struct account_record *users_record(struct json_tree *tree, struct json_slice slice, GError **error);

/* An account_decode. */
void users_decode(const char *raw, size_t length, struct account *account);

/* --- service health -------------------------------------------------------------------------------------------------
 */

/* The first page of a listing. Pages are asked for by health_headers, never by $top: with it the service names no next
 * link. Returned: g_free. */
char *health_url(enum store_health_kind kind, const char *base_url);
extern const char *const health_headers[]; /* NULL-ended */

/* The permission that a listing needs; static. */
const char *health_permission(enum store_health_kind kind);

/* What an overview says beside its id. Strings are owned; NULL where it says nothing. */
struct health_overview {
    char *service; /* the display name ("Exchange Online") */
    char *status;  /* as received */
};
void health_overview_clear(struct health_overview *overview);

/* One record of a page; raw borrowed from the slice. *overview, which may be NULL, is filled from that of an overview.
 * NULL with *error, and *overview untouched, when it is none (no object, no id, text that is not UTF-8): the caller
 * keeps it as unreadable. */
struct health_record *health_record_read(struct json_tree *tree, struct json_slice slice,
                                         struct health_overview *overview, GError **error);

/* A health_decode. */
void health_decode_record(enum store_health_kind kind, const char *raw, size_t length,
                          struct health_document *document);

/* Graph's spelling of a serviceHealthStatus, whatever the case it came in; NULL when it is none of those known. */
const char *health_status_name(const char *status);

#endif
