/* search - what the parts of m365keep search share; private to the commands. */
#ifndef M365KEEP_SEARCH_H
#define M365KEEP_SEARCH_H

#include "commands.h"
#include "printer.h"
#include "store/store.h"

enum { SEARCH_COUNT_CAP = 10000 }; /* counting common words takes as long as reading them all */

/* What is searched, as --in names it. */
enum search_in { SEARCH_EVENTS, SEARCH_USERS, SEARCH_ISSUES, SEARCH_MESSAGES };

struct search {
    /* The options. */
    char *in_text, *service, *actor, *operation, *result, *customer, *source, *start_text, *end_text;
    gboolean json, csv, raw, fts;
    int limit, time_limit_s;
    char *words; /* never NULL */
    enum search_in in;
    bool has_start, has_end;
    int64_t start, end; /* seconds UTC */
    /* What came. */
    struct printer *printer;
    int printed;
    bool cut_off; /* standard output took no more */
};

/* Each prints what matches, and says how much that is or why it is nothing; returns the exit status. */
int search_events(const struct command_context *context, struct search *search, struct store *store);
int search_users(const struct command_context *context, struct search *search, struct store *store);
int search_health(const struct command_context *context, struct search *search, struct store *store);

/* --- for all ------------------------------------------------------------------------------------------------------ */

/* The printer that the options ask for. Returned: printer_free. */
struct printer *search_printer(const struct search *search, const struct print_kind *kind);

/* What --customer means to the store: NULL for any. Borrowed. */
const char *search_customer(const struct search *search);

/* Closes the output; `error` is why the search broke off, NULL when it did not, and `narrower` what to do against a
 * search that takes too long. Returns the exit status. */
int search_finish(const struct command_context *context, struct search *search, const GError *error,
                  const char *narrower);

/* True when there are words, and nothing but words: no phrase, no FTS5 syntax. */
bool search_has_plain_words(const struct search *search);

/* How the same search would do with other words. */
struct search_probe {
    const char *noun; /* what is searched for, one of them: "event" */
    struct store *store;
    const void *found; /* the search's own */
    /* How many there are with these words in place of its own, or, `alone`, with them and without any filter: up to one
     * more than the cap; -1 when that cannot be told in time. */
    int64_t (*count)(const struct search_probe *probe, const char *words, bool alone, int64_t cap);
};

/* Says how other words would do better: as prefixes, or without those that do not occur at all. False when there is
 * nothing to say about that. */
bool search_suggest_words(const struct command_context *context, const struct search *search,
                          const struct search_probe *probe);

/* Of the values that there are, the one that was probably meant: the nearest, or one that contains it. NULL when there
 * is none such. Borrowed. */
const char *search_meant(const char *value, const char *const *values);

/* The first of the values, with commas between. Returned: g_free. */
char *search_list(const char *const *values);

/* "1,234", or "10,000+" beyond the cap. Returned: g_free. */
char *search_capped(int64_t n, int64_t cap);

#endif
