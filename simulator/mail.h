/* mail.h - POST /users/{id}/sendMail in MIME format, and the mails that were accepted. Nothing is sent anywhere. */
#ifndef SIM_MAIL_H
#define SIM_MAIL_H

#include "answer.h"

struct mails;

struct mails *mails_new(void);
void mails_free(struct mails *mails);

/* The mailbox that a path to sendMail names, decoded and in lower case; NULL when it is no such path. Returned:
 * g_free(). */
char *mail_path_mailbox(const char *path);

/* 202, or why the mail is not accepted. While the request lasts it counts among those that are under way. */
struct answer *mail_answer(struct request *rq);

/* Keeps the mail of a request to sendMail whose answer, after all faults, says 202 still: also one that does not reach
 * the client. */
void mail_settle(const struct request *rq, const struct answer *answer);

/* The request is over. */
void mail_leave(struct request *rq);

/* The mails accepted so far, oldest first. Returned: cJSON_Delete() it. */
cJSON *mails_list(const struct mails *mails);

#endif
