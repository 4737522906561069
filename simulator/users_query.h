/* users_query.h - the query options of GET /users and GET /users/delta, and how an account is written. */
#ifndef SIM_USERS_QUERY_H
#define SIM_USERS_QUERY_H

#include "answer.h"
#include "directory.h"

/* The properties of $select, in its order. */
struct selection {
    uint8_t order[PROPERTY_MOST];
    guint count;
    struct properties set;
    bool given, activity; /* whether there was a $select; whether it wants signInActivity */
};

/* Reads a $select; NULL: what is given without one. NULL when all is well, else the refusal. */
struct answer *selection_read(const struct request *rq, const char *text, struct selection *s);

/* "(displayName,id)" for the context; nothing where nothing was selected. */
void selection_append(const struct selection *s, GString *out);

enum form {
    FORM_LISTING, /* what has no value is null, or [] */
    FORM_DELTA    /* what never had one is left out; the id is always there */
};

/* Appends the account's object. only: nothing but these, and the id; NULL: all that is selected. */
void account_append(const struct directory *d, const struct account *a, const struct view *view,
                    const struct selection *s, enum form form, const struct properties *only, GString *out);

struct filter_terms;

/* Reads a $filter: comparisons with eq, joined by or, or by and. only_id: id eq, joined by or, 50 at most. Returns NULL
 * with *refusal set when it is not taken. */
struct filter_terms *filter_terms_read(const struct request *rq, const char *text, bool only_id,
                                       struct answer **refusal);
void filter_terms_free(struct filter_terms *f);

/* NULL terms match everything. */
bool filter_terms_match(const struct filter_terms *f, const struct directory *d, const struct account *a,
                        struct moment at);

/* NULL when every $option of the query is one of the known ones (a NULL-terminated list). */
struct answer *options_refuse_others(const struct request *rq, const char *const *known);

/* A page in the making. */
struct users_page {
    GString *records;   /* with commas between */
    char *next, *delta; /* links; NULL: none */
    int64_t count;      /* @odata.count; -1: not told */
};

/* The record is to follow: counts it, and puts a comma before it where one is needed. */
void page_begin_record(struct request *rq, struct users_page *page);

/* The answer of a page, with whatever a fault changes inside it. The page's parts are taken. */
struct answer *page_close(const struct request *rq, struct users_page *page, const struct selection *s);

#endif
