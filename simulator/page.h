/* page.h - one page of signIns, directoryAudits or auditEvents. */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "answer.h"

/* Answers the GET of a source's list for the request's tenant: checks the query options as Graph does, then
 * serves up to a page of records, newest first unless $orderby says otherwise. */
struct answer *page_answer(struct request *rq, enum source source);

#endif
