/* walk.h - steps through what one source or several show at one moment, generated and loaded records merged in order of
 * time. */
#ifndef SIM_WALK_H
#define SIM_WALK_H

#include "filter.h"
#include "loaded.h"
#include "stream.h"

/* Where a walk stands in one source; enough to go on from there later, also after records were added. */
struct position {
    int64_t generated;    /* the number to look at next */
    int64_t last;         /* the generated record served last; INT64_MIN: none */
    bool begun;           /* something was served: the next two count */
    int64_t time, serial; /* loaded records up to here are past, whether they were there already or not */
};

struct leg {
    const struct stream *stream;
    const struct loaded *loaded;
    int64_t lo, hi; /* numbers of generated records */
    struct position at;
};

struct walk {
    const struct filter *filter; /* NULL: everything */
    int64_t now;                 /* the moment whose state is shown */
    int64_t oldest;              /* records before it are no longer kept */
    bool descending, beta;
    int64_t from, to; /* times of loaded records */
    struct leg legs[SOURCE_COUNT];
    int count;                          /* of legs */
    int last;                           /* the leg that walk_next() took a record from */
    const struct loaded_record *record; /* what it was; NULL: a generated one */
};

/* Begins a walk; filter is borrowed until it is done. beta: records as that version shows them. */
void walk_init(struct walk *w, const struct filter *filter, int64_t now, int64_t oldest, bool descending, bool beta);

/* Adds a source to walk through; both are borrowed. at NULL: from the start. */
void walk_add(struct walk *w, const struct stream *stream, const struct loaded *loaded, const struct position *at);

/* Appends the next record's bytes to out; false at the end. */
bool walk_next(struct walk *w, GString *out);

#endif
