/* health_text.h - the JSON of health records. */
#ifndef SIM_HEALTH_TEXT_H
#define SIM_HEALTH_TEXT_H

#include "health_plan.h"
#include "health_services.h"

/* How a record is written. */
struct telling {
    int64_t now;
    bool newest_members; /* the client wants enum members that came after unknownFutureValue by their names */
};

/* A moment, with as many of three fraction digits as it has, and Z. */
void health_append_moment(GString *out, int64_t moment);

/* Appends a member of an enum, given in camel case, as it is or in Pascal case. */
void health_append_member(GString *out, const char *name, bool pascal);

/* Appends a status in camel case, or as some answers write it in Pascal case. */
void health_append_status(GString *out, enum health_status status, bool pascal, const struct telling *how);

/* "EX900001" */
void issue_append_id(GString *out, const struct issue_plan *plan, const struct health_service *service);

/* The issue as it is at how->now; it must have been published by then. */
void issue_append(GString *out, const struct issue_plan *plan, const struct health_service *service,
                  const struct telling *how);

/* "MC900001" */
void message_append_id(GString *out, const struct message_plan *plan);

void message_append(GString *out, const struct message_plan *plan, const GPtrArray *services,
                    const struct telling *how);

#endif
