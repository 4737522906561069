/* customer - what Microsoft says to a customer's app: is it let in, may it do what it must, does each source answer? */
#ifndef M365KEEP_DOCTOR_CUSTOMER_H
#define M365KEEP_DOCTOR_CUSTOMER_H

#include "client/client.h"
#include "doctor/finding.h"

struct customer_check;

/* Begins to ask; goes on from client_step. All but the section, which is filled once everything was answered, is
 * borrowed too. `mails`: mail goes by Graph. Returned: customer_check_free, after client_free. */
struct customer_check *customer_check_new(struct client *client, const struct config_customer *customer, bool mails,
                                          struct section *section);
void customer_check_free(struct customer_check *check);

bool customer_check_done(const struct customer_check *check);

/* Judges this machine's clock by what all customers' services said of the time. */
void customer_check_clock(struct section *section, GPtrArray *checks);

#endif
