/* answer.h - what goes back to the client, before it is put on the wire; faults bend it in between. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include <cjson/cJSON.h>

#include "request.h"

enum cut {
    CUT_NONE,
    CUT_CLEAN, /* chunked, and properly ended too early: looks whole */
    CUT_HARD,  /* the full length announced, then the connection closed */
    CUT_STALL  /* the full length announced, then silence until the client gives up */
};

struct truth;

struct answer {
    unsigned status;
    GString *body;
    GPtrArray *headers; /* name, value, name, value... */
    enum cut cut;
    gsize cut_at;
    guint delay_ms;
    bool reset;          /* close the connection without a byte */
    struct truth *truth; /* taken; streamed in place of body */
};

struct answer *answer_new(unsigned status);
void answer_free(struct answer *a);

/* Adds a header; both texts are copied. */
void answer_header(struct answer *a, const char *name, const char *value);

/* Drops all headers of that name. */
void answer_drop_header(struct answer *a, const char *name);

/* The first value of that name, or NULL. Borrowed. */
const char *answer_find_header(const struct answer *a, const char *name);

/* 200 with the JSON; json is taken. */
struct answer *answer_json(cJSON *json);

/* Graph's error object. message is copied. */
struct answer *answer_graph_error(const struct request *rq, unsigned status, const char *code, const char *message);

/* Graph's words for a status that has none of its own. */
struct answer *answer_graph_default(const struct request *rq, unsigned status);

/* Graph's error of that code, in its words where they are known. */
struct answer *answer_graph_code(const struct request *rq, unsigned status, const char *code);

/* Entra's error object for an AADSTS number; about names what it complains of (a client, a tenant, a scope). */
struct answer *answer_entra_error(const struct request *rq, int number, const char *about);

/* The same in words of one's own. */
struct answer *answer_entra_words(const struct request *rq, unsigned status, const char *error, int number,
                                  const char *message);

#endif
