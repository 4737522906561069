/* filter.h - OData's $filter, as far as Graph takes it for sign-ins, directory audits and Intune's audits.
 *
 * Grammar: comparisons "field op literal" and startswith(field,'text'), joined by and, or, not and parentheses. Which
 * fields and operators a source takes is a table; anything else is refused with the words that Graph uses. */
#ifndef SIM_FILTER_H
#define SIM_FILTER_H

#include "stream.h"

struct filter;

/* Compiles text (already percent-decoded). beta also takes signInEventTypes/any(...). On refusal returns NULL and sets
 * *message, which the caller frees. */
struct filter *filter_new(const char *text, enum source source, bool beta, char **message);
void filter_free(struct filter *filter);

/* The widest window of times that can match, both ends included. A NULL filter matches everything. */
void filter_window(const struct filter *filter, int64_t *from, int64_t *to);

/* Whether a query for source, with this filter or none, shows records of `of`: sign-ins are the interactive ones unless
 * the filter speaks of classes, and then those that it can match. */
bool filter_covers(const struct filter *filter, enum source source, enum source of);

/* Whether the record's text is needed to decide, beyond its source and time. */
bool filter_needs_body(const struct filter *filter);

/* time INT64_MIN: not readable, every comparison of the time holds. body may be NULL unless filter_needs_body(). */
bool filter_match(const struct filter *filter, enum source of, int64_t time, const char *body, gsize len);

#endif
