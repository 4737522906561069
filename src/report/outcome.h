/* outcome - what became of a report, in words and as a status. */
#ifndef M365KEEP_REPORT_OUTCOME_H
#define M365KEEP_REPORT_OUTCOME_H

#include "report/figures.h"
#include "report/report.h"

/* "Sun 22 Nov 2026: 10 services, the worst: Exchange Online (Degraded)". Returned: g_free. */
char *outcome_of_figures(const struct report_figures *figures);

/* The state of the mail, and what is to be known of it. `held_back`: why it was not tried, NULL: it was;
 * `next_attempt_at`: when it will be. Fills status, notes and, after `begin` (outcome_of_figures; NULL: there are
 * none), summary. */
void outcome_tell(struct report_customer *result, const struct report_window *window, const char *begin,
                  const char *held_back, int64_t next_attempt_at);

/* What a log says of a mail that this run did not try: why, and what to do; NULL: nothing, it was sent. Names days in
 * the zone (NULL: UTC). Returned: g_free. */
char *outcome_warning(const char *customer, const char *zone_name, const struct store_mail *mail,
                      const char *held_back);

/* True when it was sent, and to all: exit status 0. */
bool outcome_is_through(const struct store_mail *mail);

#endif
