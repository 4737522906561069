/* activities - what the directory's audited activities are called, and how a person would say them.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_ACTIVITIES_H
#define M365KEEP_SOURCES_ACTIVITIES_H

#include <stdbool.h>
#include <stddef.h>

/* An activity and its sentence: ACTOR past OBJECT; ACTOR "failed to" base OBJECT.
 *
 * The object is a template. {a|b|c} is the first of its alternatives that the record can fill in:
 *
 *     @User          name of the first target of that type
 *     $Group         name of the last target of that type
 *     #2             name of the second target
 *     Role.DisplayName  value of that modified property, new or else old
 *     +key           value of that additional detail
 *     !changes       something worked out; see audit_sentence.c
 *     '(unknown)     these words
 *
 * [...] is left out when something inside cannot be filled in. A template that cannot be filled in outside of brackets
 * falls back to the general sentence. */
struct activity {
    const char *name; /* activityDisplayName in lower case, with plain dashes, without a full stop at its end */
    const char *past; /* "added" */
    const char *base; /* "add"; NULL: an observation that is told in the past even if it is a failure */
    const char *object;
    const char *own;     /* the template when actor and first target user are the same; NULL: no difference */
    const char *differs; /* a modified property that holds a list: with entries only added the next row's words count,
                            with entries only removed those of the row after it; NULL: does not matter */
    bool by_user;        /* done by the target user, even where an application is named as the actor */
};

/* NULL when the table does not know the activity. */
const struct activity *activity_find(const char *display_name);

/* How a verb of an activity's name is said: "Add" -> "added", "add". */
struct verb {
    const char *name, *past, *base;
};

/* By the first word of an activity's name; NULL when it is no verb. */
const struct verb *activity_verb(const char *display_name, size_t word_length);

#endif
