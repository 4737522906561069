/* smtp_verdict - what a session with a mail server means for the mail. Pure. */
#ifndef M365KEEP_REPORT_SMTP_VERDICT_H
#define M365KEEP_REPORT_SMTP_VERDICT_H

#include "report/smtp_session.h"

/* Fills *result and each of the `recipients` (struct store_mail_recipient *, in the order's order) from the record of
 * a session. Nothing of it holds the order's password, even where the server repeats it. */
void smtp_verdict(const struct smtp_order *order, const struct smtp_record *record, const GPtrArray *recipients,
                  struct transport_result *result);

#endif
