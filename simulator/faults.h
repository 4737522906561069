/* faults.h - answers gone wrong on purpose.
 *
 * A fault is {"match":{"path","tenant","page","endpoint","query"},"skip":N,"times":N,"percent":P,"action":{...}}: of
 * the requests that match, the first skip are left alone, the next times (0: all) get the action, or P percent of them.
 * Of several faults the first that fires is applied; the keys of one action combine. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "answer.h"

struct faults;

struct faults *faults_new(void);
void faults_free(struct faults *faults);

/* Replaces the list by a JSON array, which is borrowed. On error the old list stays and *message (g_free() it) says
 * which part was not understood. */
bool faults_set(struct faults *faults, const cJSON *list, char **message);

/* The list with "matched" and "fired" counts; returned. */
cJSON *faults_list(const struct faults *faults);

/* The action that hits this request, or NULL. Borrowed until the list is replaced. */
const cJSON *faults_fire(struct faults *faults, const struct request *rq);

/* What an action does before the answer is made: edits of the page, the token's end. */
void fault_before(const cJSON *action, struct request *rq);

/* What it does to the finished answer; returns the answer to send, which may be another one. */
struct answer *fault_after(const cJSON *action, const struct request *rq, struct answer *answer);

#endif
