/* activities.h - the kinds of directory audits and what is special about each. */
#ifndef SIM_ACTIVITIES_H
#define SIM_ACTIVITIES_H

#include "text.h"

/* One kind. The texts are the insides of JSON strings as they go over the wire. */
struct activity {
    const char *name, *category, *service, *operation, *prefix; /* prefix: how its ids begin */
    const char *failure;                                        /* resultReason when it failed */
    char *targets; /* from ,"targetResources" to the record's end, with the marks of scene.h */
};

/* Must have been called once before activities_roll(). */
void activities_prepare(void);

/* One of them, the common ones more often. Borrowed for good. */
const struct activity *activities_roll(struct dice *d);

#endif
