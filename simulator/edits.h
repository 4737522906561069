/* edits.h - what tests did to accounts by hand: for each account touched a script of edits, in order. */
#ifndef SIM_EDITS_H
#define SIM_EDITS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum presence { PRESENCE_NONE, PRESENCE_LIVE, PRESENCE_BIN, PRESENCE_GONE };

struct member {
    char *name, *value; /* value: JSON text */
};

/* The whole account after an edit. */
struct edit {
    int64_t time, serial;
    enum presence presence;
    GPtrArray *members;
};

struct script {
    char *id;
    uint32_t place;
    int64_t generation;
    bool generated; /* before its first edit the account was an ordinary one; edits[0] then holds what it was */
    GPtrArray *edits;
};

struct script *script_new(const char *id, uint32_t place, int64_t generation);
void script_free(struct script *s);

/* Adds an edit; members is taken. */
void script_add(struct script *s, int64_t time, int64_t serial, enum presence presence, GPtrArray *members);

/* Number of the last edit that counts at the moment, or -1. */
int script_at(const struct script *s, int64_t time, int64_t serial);

const struct edit *script_edit(const struct script *s, int number);

/* The members of a JSON object, values byte for byte. NULL when text is no object. Returned: g_ptr_array_unref(). */
GPtrArray *members_read(const char *text, gsize len);

/* An array for members, empty. */
GPtrArray *members_new(void);

/* Adds a member, or replaces the one of that name. Both texts are copied. */
void members_set(GPtrArray *members, const char *name, const char *value);

/* A copy. */
GPtrArray *members_copy(const GPtrArray *members);

/* The value, or NULL. Borrowed. */
const char *members_find(const GPtrArray *members, const char *name);

#endif
