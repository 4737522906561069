/* health_page.h - GET /admin/serviceAnnouncement/healthOverviews, /issues and /messages. */
#ifndef SIM_HEALTH_PAGE_H
#define SIM_HEALTH_PAGE_H

#include "answer.h"

/* Whether a path (lower case, without a slash at its end) is one of these lists, or one record of them; sets the
 * request's endpoint, version and page. */
bool health_classify(struct request *rq, const char *path);

bool health_is_endpoint(enum endpoint endpoint);

struct answer *health_answer(struct request *rq);

#endif
