/* edition - one customer's report of one window, step by step: what the store knows, figures, charts and words, the
 * message. */
#ifndef M365KEEP_REPORT_EDITION_H
#define M365KEEP_REPORT_EDITION_H

#include "report/report.h"
#include "report/view.h"

enum {
    EDITION_HISTORY_DAYS = 90,
    EDITION_ACTION_DAYS = 30, /* so long before its date an announcement to be acted upon is told again */
};

/* What is not made yet is NULL. */
typedef struct edition {
    const struct report_options *options;   /* borrowed */
    const struct config_customer *customer; /* likewise */
    const struct report_window *window;     /* likewise */
    int64_t now;
    struct report_window *history;
    bool known; /* the database has this customer */
    struct report_figures *figures;
    GPtrArray *charts; /* struct report_chart *, the overview and the history first */
    struct report_words *words;
    GBytes *message;
    char *message_id;
} Edition;

/* Opens the database: for writing only where a mail is to be stored. NULL with *error. Returned: store_close. */
struct store *edition_open_store(const struct report_options *options, GError **error);

/* True for a customer that the options ask for. */
bool edition_is_wanted(const struct report_options *options, const char *name);

/* The window of a customer, as the options or the configuration have it. NULL with *error (REPORT_ERROR_USAGE).
 * Returned: report_window_free. */
struct report_window *edition_window(const struct report_options *options, const struct config_customer *customer,
                                     int64_t now, GError **error);

/* An edition of which nothing is made yet. Everything is borrowed. Returned: edition_free. */
struct edition *edition_new(const struct report_options *options, const struct config_customer *customer,
                            const struct report_window *window, int64_t now);
void edition_free(struct edition *edition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Edition, edition_free)

/* Whether the signature and the templates of the configuration can be used, and `folder` (NULL: none) can be one: what
 * is at fault there is so for every customer. The edition, of which nothing is made yet, is of no other use afterwards.
 * False with *error (REPORT_ERROR_USAGE). */
bool edition_check(struct edition *edition, const char *folder, GError **error);

/* Until when announcements with an action date belong to the window. */
int64_t edition_actions_to(const struct report_window *window);

/* Makes the figures from what the store knows; where that does not fit the configuration, `warnings` (char *; may be
 * NULL) says so. */
bool edition_read(struct edition *edition, struct store *store, GPtrArray *warnings, GError **error);

/* Makes charts and words; the charts' remarks are appended to `warnings` (char *), each once. */
bool edition_draw(struct edition *edition, GPtrArray *warnings, GError **error);

/* True when sender and recipients are known. */
bool edition_has_envelope(const struct edition *edition);

/* Makes the message, in place of an earlier one. `follows` is the mail_id of the mail that this one is sent after; 0:
 * of none. Where the transport does not take a message of that size, the charts of single services are left out, of
 * files too, and a warning says so. */
bool edition_compose(struct edition *edition, int64_t follows, GPtrArray *warnings, GError **error);

/* Writes the files into `folder` and appends their paths to `files`. Where one cannot be written, none is left. */
bool edition_write(const struct edition *edition, const char *folder, GPtrArray *files, GError **error);

#endif
