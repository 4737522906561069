/* profile.h - what an account's properties say: the property table of Graph's user type, and made-up values that follow
 * from the account's key and from which of its events happened last.
 *
 * Properties that change together are a facet. An event of an account is about one facet; the facet's values are rolled
 * anew from the number of the event, so that a value is known without knowing what it was before. */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include "company.h"

enum facet {
    FACET_FIXED, /* never changes */
    FACET_NAME,
    FACET_TITLE,
    FACET_DEPARTMENT,
    FACET_COMPANY,
    FACET_OFFICE,
    FACET_PHONE,
    FACET_ENABLED,
    FACET_LICENCE,
    FACET_PASSWORD,
    FACET_POLICY,
    FACET_EMPLOYEE,
    FACET_MAILS,
    FACET_LANGUAGE,
    FACET_EXTERNAL, /* of guests, in place of FACET_POLICY */
    FACET_SYNC,     /* of accounts that come from a local directory: changes with every event */
    FACET_COUNT
};

enum property_kind {
    PROPERTY_PLAIN,
    PROPERTY_LIST,    /* never null: [] */
    PROPERTY_REFUSED, /* 501 in a list of users */
    PROPERTY_ACTIVITY /* signInActivity */
};

enum { PROPERTY_MOST = 127, PROPERTY_EXTRA = 127 };

/* A set of properties by number. PROPERTY_EXTRA stands for members of an edited account that are in no table. */
struct properties {
    uint64_t bits[2];
};

static inline bool properties_have(const struct properties *p, guint number)
{
    return (p->bits[number / 64] >> (number % 64)) & 1;
}

static inline void properties_add(struct properties *p, guint number)
{
    p->bits[number / 64] |= UINT64_C(1) << (number % 64);
}

static inline void properties_unite(struct properties *p, const struct properties *other)
{
    p->bits[0] |= other->bits[0];
    p->bits[1] |= other->bits[1];
}

static inline bool properties_meet(const struct properties *a, const struct properties *b)
{
    return (a->bits[0] & b->bits[0]) || (a->bits[1] & b->bits[1]);
}

/* The state of one property: Graph's delta leaves out what was never set, and says null for what was taken away. */
enum value { VALUE_NEVER, VALUE_CLEARED, VALUE_SET };

/* An account at one moment. */
struct profile {
    const struct company *company;
    const struct person *person; /* of the sign-ins; NULL: another */
    uint64_t key;
    uint32_t number;            /* makes addresses unique */
    int64_t born;               /* INT64_MIN: before all records */
    int64_t now;                /* what signInActivity is told for */
    bool restored;              /* came back from the recycle bin once */
    int64_t event[FACET_COUNT]; /* the number of the facet's last event; PROFILE_FIRST: none yet */
    int64_t when[FACET_COUNT];  /* its moment */
    bool guest, synced;
};

#define PROFILE_FIRST INT64_MIN

extern const guint property_count;

/* Number of the property, or -1. Names are compared with case, as in $select. */
int property_find(const char *name);
const char *property_name(guint number);
enum property_kind property_kind(guint number);

/* What GET /users gives without $select, and the list of all properties that an audit wants to see. */
const struct properties *properties_usual(void);
const struct properties *properties_documented(void);

/* All properties of a facet, of all facets. */
const struct properties *properties_of_facet(enum facet facet);

/* What an account is all its life: invited from elsewhere, or kept in step with a local directory. */
void profile_traits(uint64_t key, const struct person *person, bool *guest, bool *synced);

/* Appends the property's JSON value when it is VALUE_SET. */
enum value profile_append(const struct profile *p, guint number, GString *out);

/* Appends the account's id, without quotes. */
void profile_append_id(const struct profile *p, GString *out);

#endif
