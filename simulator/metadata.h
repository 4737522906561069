/* metadata.h - the documents in which Entra describes itself: where its endpoints are, which instance is asked, and
 * with which keys it signs. */
#ifndef SIM_METADATA_H
#define SIM_METADATA_H

#include "answer.h"

/* Whether path (without the query) is that of such a document. */
bool metadata_is_path(const char *path);

/* The tenant that the path names, NULL when it is none of ours or "common". Borrowed. */
struct tenant *metadata_tenant(const struct request *rq);

struct answer *metadata_answer(struct request *rq);

#endif
