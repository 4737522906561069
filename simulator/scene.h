/* scene.h - who and what a made-up audit is about, and the marks that stand for them in the texts of records:
 *   %i %u %n %N  id, address, name, name inside nested JSON of the person it was done to
 *   %r %R        a role's name and id          %o %O  a group's name and id
 *   %a %A        an app's name and id          %g     a fresh GUID
 *   %t           the moment, seven digits      %d     a digit */
#ifndef SIM_SCENE_H
#define SIM_SCENE_H

#include "stream.h"

struct scene {
    const struct plan *plan;
    const struct person *actor, *target;
    uint32_t role, group, app;
};

/* Rolls a scene; few administrators act in most of them. company and plan are borrowed. */
struct scene scene_roll(struct dice *d, const struct company *company, const struct plan *plan);

/* Appends text, which is the inside of JSON strings, with its marks filled in. */
void scene_append(GString *out, struct dice *d, const struct scene *s, const char *text);

#endif
