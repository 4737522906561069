/* decode - one function a collection: from a record to what people see of it. The time, the text and the keys are
 * derived from that in sources.c, the same way for all.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_DECODE_H
#define M365KEEP_SOURCES_DECODE_H

#include "base/json.h"
#include "store/store.h"

/* auditLogs/signIns (signIn resource type). */
void sign_ins_decode(const struct json_node *record, struct document *document);

/* auditLogs/directoryAudits (directoryAudit resource type). */
void directory_audits_decode(const struct json_node *record, struct document *document);

/* deviceManagement/auditEvents (auditEvent resource type of Intune). */
void intune_audits_decode(const struct json_node *record, struct document *document);

#endif
