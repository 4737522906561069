/* records - issues and announcements, from what Microsoft Graph says of them. Pure.
 *
 * Private to the room. */
#ifndef M365KEEP_REPORT_RECORDS_H
#define M365KEEP_REPORT_RECORDS_H

#include "base/json.h"
#include "report/figures.h"

/* Reads a record's JSON; one that cannot be read is told by its id alone. `tree` is only borrowed. Returned:
 * record_issue_free, record_announcement_free. */
struct report_issue *record_issue_new(struct json_tree *tree, const struct store_report_record *record);
struct report_announcement *record_announcement_new(struct json_tree *tree, const struct store_report_record *record);

/* Each a GDestroyNotify. */
void record_issue_free(void *issue);
void record_announcement_free(void *announcement);

#endif
