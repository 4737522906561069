/* smtp - does the mail server answer, and offer what the configuration wants of it? No mail is sent, and nobody signs
 * in: STARTTLS and AUTH are only looked for in what the server lists (RFC 5321, section 4.1.1.1). */
#ifndef M365KEEP_DOCTOR_SMTP_H
#define M365KEEP_DOCTOR_SMTP_H

#include "doctor/finding.h"
#include "doctor/task.h"

extern const struct task_kind smtp_check_kind;

/* A check of the configuration's mail server. `config` and `section` are borrowed, the section filled by the task's
 * thread. */
struct smtp_check;
struct smtp_check *smtp_check_new(const struct config *config, struct section *section);

/* A reply of a server: its code, and how many bytes of `text` it takes. False when it is not whole yet; *code is -1
 * when it cannot be one. */
bool smtp_reply(const char *text, size_t length, int *code, size_t *taken);

/* True when a reply to EHLO lists the extension, case aside. */
bool smtp_offers(const char *reply, const char *extension);

#endif
