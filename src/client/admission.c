#include "client/admission.h"

void admission_init(struct admission *admission)
{
    *admission = (struct admission){.bodies = g_ptr_array_new()};
}

void admission_clear(struct admission *admission)
{
    g_ptr_array_unref(admission->bodies);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): admission writes to it. */
void admission_join(struct admission *admission, struct admission_body *body, uint64_t *turn, void *user)
{
    *body = (struct admission_body){.admission = admission, .user = user, .turn = turn};
}

void admission_leave(struct admission_body *body)
{
    if (!body->admission)
        return;
    g_ptr_array_remove(body->admission->bodies, body);
    body->admission = NULL;
}

/* --- room --------------------------------------------------------------------------------------------------------- */

/* Microseconds for which an admitted body still counts as getting on; 0: it does not. */
static int64_t progress_left_us(const struct admission_body *body, int64_t now_us)
{
    return MAX(body->marked_us + ADMISSION_PROGRESS_US - now_us, 0);
}

static bool takes_room(const struct admission_body *body, int64_t now_us)
{
    return body->admitted && progress_left_us(body, now_us) > 0;
}

static bool has_room(const struct admission *admission, int64_t now_us)
{
    int64_t taken = 0;

    for (guint i = 0; i < admission->bodies->len; i++) {
        const struct admission_body *body = g_ptr_array_index(admission->bodies, i);
        if (takes_room(body, now_us))
            taken += CLAMP(body->bytes, ADMISSION_EXPECTED_BYTES, ADMISSION_ROOM_BYTES - ADMISSION_EXPECTED_BYTES);
    }
    return taken > 0 ? admission->backlog + taken + ADMISSION_EXPECTED_BYTES <= ADMISSION_ROOM_BYTES
                     : admission->backlog < ADMISSION_ROOM_BYTES;
}

static void mark(struct admission_body *body, int64_t now_us)
{
    body->marked_bytes = body->bytes;
    body->marked_us = now_us;
}

static void admit(struct admission_body *body, int64_t now_us)
{
    body->waiting = false;
    body->admitted = true;
    *body->turn = ++body->admission->turns;
    mark(body, now_us);
}

/* --- bodies ------------------------------------------------------------------------------------------------------- */

bool admission_take(struct admission_body *body, size_t length, int64_t now_us)
{
    struct admission *admission = body->admission;

    if (body->waiting)
        return false;
    if (!body->admitted && body->bytes + (int64_t)length > ADMISSION_FREE_BYTES) {
        body->waiting = admission_is_full(admission) || !has_room(admission, now_us);
        g_ptr_array_add(admission->bodies, body);
        if (body->waiting)
            return false;
        admit(body, now_us);
    }
    body->bytes += (int64_t)length;
    if (body->bytes - body->marked_bytes >= ADMISSION_PROGRESS_BYTES)
        mark(body, now_us);
    return true;
}

static struct admission_body *next_with_room(const struct admission *admission, int64_t now_us)
{
    struct admission_body *next = NULL;

    if (!has_room(admission, now_us))
        return NULL;
    for (guint i = 0; i < admission->bodies->len; i++) {
        struct admission_body *body = g_ptr_array_index(admission->bodies, i);
        if (body->waiting && (!next || *body->turn < *next->turn))
            next = body;
    }
    return next;
}

struct admission_body *admission_next(struct admission *admission, int64_t now_us)
{
    struct admission_body *next = next_with_room(admission, now_us);

    if (next)
        admit(next, now_us);
    return next;
}

int64_t admission_wait_us(const struct admission *admission, int64_t now_us)
{
    int64_t wait_us = INT64_MAX;

    if (!admission_is_full(admission))
        return INT64_MAX;
    if (has_room(admission, now_us))
        return 0;
    for (guint i = 0; i < admission->bodies->len; i++) {
        const struct admission_body *body = g_ptr_array_index(admission->bodies, i);
        if (takes_room(body, now_us))
            wait_us = MIN(wait_us, progress_left_us(body, now_us));
    }
    return wait_us;
}

bool admission_is_full(const struct admission *admission)
{
    for (guint i = 0; i < admission->bodies->len; i++) {
        const struct admission_body *body = g_ptr_array_index(admission->bodies, i);
        if (body->waiting)
            return true;
    }
    return false;
}
