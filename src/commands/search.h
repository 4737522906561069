/* search - what the parts of m365keep search share; private to the commands. */
#ifndef M365KEEP_SEARCH_H
#define M365KEEP_SEARCH_H

#include "commands.h"
#include "printer.h"
#include "store/store.h"

enum { SEARCH_COUNT_CAP = 10000 }; /* counting common words takes as long as reading them all */

struct search {
    /* The options. */
    char *in, *service, *actor, *operation, *result, *customer, *source, *start_text, *end_text;
    gboolean json, csv, raw, fts;
    int limit, time_limit_s;
    char *words;    /* never NULL */
    bool for_users; /* --in users */
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

/* --- for both ----------------------------------------------------------------------------------------------------- */

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

/* The words as prefixes, where that makes a difference; else NULL. Returned: g_free. */
char *search_prefixes(const struct search *search);

/* Whether the word occurs anywhere. */
typedef bool (*search_occurs)(struct store *store, const char *word);

/* The words that do not occur at all, quoted; NULL when there is none such. Returned: g_free. */
char *search_missing_words(const struct search *search, struct store *store, search_occurs occurs);

/* "1,234", or "10,000+" beyond the cap. Returned: g_free. */
char *search_capped(int64_t n, int64_t cap);

#endif
