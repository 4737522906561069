/* mail - the way out of mails: what of it can be told without sending one. */
#ifndef M365KEEP_DOCTOR_MAIL_H
#define M365KEEP_DOCTOR_MAIL_H

#include "doctor/finding.h"

/* True when the customer's application sends mail by Graph: that of smtp.customer everybody's, else each its own
 * customer's. */
bool mail_sends(const struct config *config, const struct config_customer *customer);

/* Looks at whether a server and a sender are named, or, if mail goes by Graph and there is anybody to mail to, at who
 * sends from where. `asked`: struct config_customer *, whose applications are being asked what they may do. */
void mail_check(struct section *section, const struct config *config, GPtrArray *asked);

#endif
