/* directory.h - the accounts of one tenant at any moment.
 *
 * The directory has a fixed number of seats. The first ones belong for good to the people of the sign-ins; in each of
 * the others account follows account. When an account is made, changes, goes to the recycle bin, comes back and is
 * gone for good follows from seed, tenant and seat alone: nothing is stored, and what was true at any moment can be
 * told at any other. Only what a test edits by hand is remembered. */
#ifndef SIM_DIRECTORY_H
#define SIM_DIRECTORY_H

#include <cjson/cJSON.h>

#include "edits.h"
#include "profile.h"

struct directory_habits {
    int64_t users;
    double change_percent;   /* of the users, a day: some facet changes */
    double turnover_percent; /* of the users, a day: removed, and as many made */
};

enum { DIRECTORY_BIN_DAYS = 30 }; /* how long what is in the recycle bin can come back */

/* A moment, and the number of edits made until then: several may share a moment while the clock stands. */
struct moment {
    int64_t time, edits;
};

struct account {
    uint32_t place;
    int64_t generation; /* of the accounts that follow each other at one place */
    uint64_t key;
    const struct person *person;
    bool guest, synced;
    int64_t born, binned, back, removed, purged; /* INT64_MAX: never; born INT64_MIN: always there */
    const struct script *script;                 /* what tests did to it; NULL: nothing */
};

/* An account at one moment. */
struct view {
    struct profile profile;
    const struct edit *edit; /* counts in place of profile; NULL: never edited */
};

struct directory;

/* company is borrowed. */
struct directory *directory_new(const struct company *company, uint64_t seed, const struct directory_habits *habits);
void directory_free(struct directory *d);

/* The moment now, with all edits made so far. */
struct moment directory_moment(const struct directory *d, int64_t now);

/* Places are numbered from 0; the seats come first, then accounts that tests added, in order. */
uint32_t directory_seats(const struct directory *d);
uint32_t directory_places(const struct directory *d);

/* The generations at a place of which some may have been there, or in the recycle bin, between two times. */
void directory_generations(const struct directory *d, uint32_t place, int64_t from, int64_t to, int64_t *lo,
                           int64_t *hi);

void directory_account(const struct directory *d, uint32_t place, int64_t generation, struct account *a);

enum presence directory_presence(const struct directory *d, const struct account *a, struct moment at);

/* Whether the account came, went or came back after since, until included. */
bool directory_moved(const struct directory *d, const struct account *a, struct moment since, struct moment until);

/* Adds what changed after since, until included, while the account was there. */
void directory_changes(const struct directory *d, const struct account *a, struct moment since, struct moment until,
                       struct properties *changed);

/* a is borrowed by the view. */
void directory_view(const struct directory *d, const struct account *a, struct moment at, struct view *view);

enum value view_append(const struct view *view, guint property, GString *out);

/* Members of an edited account that are in no table, each with a comma before it. */
void view_append_extra(const struct view *view, GString *out);

/* Appends the account's id as the inside of a JSON string, without the quotes. */
void directory_append_id(const struct directory *d, const struct account *a, GString *out);

/* What a test does by hand: sets an account's JSON (all of it, or some members), removes or restores it, now.
 * json: {"id":...} and one of "set" (object), "patch" (object), "set_base64", "patch_base64", "remove"
 * ("changed"|"deleted"), "restore" (true). Without id, "set" makes an account. NULL when done, *id being whose
 * (returned: g_free()); else what is wrong, to be freed. */
char *directory_edit(struct directory *d, int64_t now, const cJSON *json, char **id);

#endif
