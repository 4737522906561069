/* report - building the report; reading it is in collect.h. */
#ifndef M365KEEP_COLLECT_REPORT_H
#define M365KEEP_COLLECT_REPORT_H

#include "collect/collect.h"

struct collect_report *collect_report_new(int64_t started);

/* Adds a customer (strings copied); owned by the report. */
struct collect_customer *collect_report_customer(struct collect_report *report, const char *name,
                                                 const char *tenant_id);

/* Adds a source, or a part of one ("" for the default); both names are static; owned by the customer. */
struct collect_source *collect_report_source(struct collect_customer *customer, const char *name, const char *part);

/* "ok", "partial", "failed", "skipped". */
const char *collect_status_name(enum collect_status status);

#endif
