/* finding - what the checks of one part of the installation find, kept until all parts before it have been told. */
#ifndef M365KEEP_DOCTOR_FINDING_H
#define M365KEEP_DOCTOR_FINDING_H

#include "doctor/doctor.h"

/* The findings of one part, in order. Filled by one thread. */
struct section {
    const char *customer; /* borrowed; whom they concern; NULL: all */
    GPtrArray *findings;  /* struct doctor_finding *, owned */
};

struct section *section_new(const char *customer);
void section_free(struct section *section);

/* Each adds a finding and returns it, borrowed, for what else there is to say of it. The message is one line whatever
 * it is made of; `mend` is copied. */
struct doctor_finding *section_ok(struct section *section, const char *check, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
struct doctor_finding *section_note(struct section *section, const char *check, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
struct doctor_finding *section_warn(struct section *section, const char *check, const char *mend, const char *format,
                                    ...) G_GNUC_PRINTF(4, 5);
struct doctor_finding *section_fail(struct section *section, const char *check, const char *mend, const char *format,
                                    ...) G_GNUC_PRINTF(4, 5);

/* "2027-03-01", and "in less than a day", "in 1 day", "in 29 days". Returned: g_free. */
char *finding_date(int64_t seconds);
char *finding_days(int64_t seconds);

/* Judges the day on which what the app signs in with expires: over, within 30 days, or later. `what` begins a sentence:
 * "The client secret". */
struct doctor_finding *section_expiry(struct section *section, const char *check, const char *what, const char *mend,
                                      int64_t expires, int64_t now);

#endif
