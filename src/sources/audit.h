/* audit - the parts of a directoryAudit record that both its fields and its sentence are made of.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_AUDIT_H
#define M365KEEP_SOURCES_AUDIT_H

#include "base/json.h"
#include "store/store.h"

/* The first target; go on with `next`. NULL when there is none. Older documentation spells the property in the
 * singular. */
const struct json_node *audit_targets(const struct json_node *record);

/* What a target is called: address, display name or id; NULL when it has none of them. */
const char *audit_target_name(const struct json_node *target);

/* One sentence: who did what to whom, and with what result. `document` has actor and result already. Returned: g_free.
 */
char *audit_sentence(const struct json_node *record, const struct document *document);

#endif
