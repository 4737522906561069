/* clock - the program's time, injectable.
 *
 * Everything that schedules, windows, paces or backs off asks a clock; only network time-outs use the machine's own
 * time. M365KEEP_CLOCK=<simulated epoch>@<rate>@<real epoch> makes simulated = simulated epoch + (real now - real
 * epoch) x rate, so that programs started at different moments agree. At rate 0 time stands: waits then take none. */
#ifndef M365KEEP_CLOCK_H
#define M365KEEP_CLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_US INT64_C(1000000) /* microseconds in a second */

struct clock {
    bool simulated;
    double simulated_epoch_s, rate, real_epoch_s; /* used when simulated */
};

/* Fills *clock from `spec`, M365KEEP_CLOCK's value; NULL or "" is the real clock. False with *error (domain
 * G_OPTION_ERROR) when it cannot be read or the rate is negative. */
bool clock_init(struct clock *clock, const char *spec, GError **error);

/* Microseconds since 1970 UTC. May jump when the machine's clock is set. */
int64_t clock_now_us(const struct clock *clock);

/* Whole seconds since 1970 UTC, rounded down. */
int64_t clock_now(const struct clock *clock);

/* Microseconds on a clock that never jumps; only differences mean something. Runs at the simulated rate, so waits and
 * budgets measured on it agree with a simulator's. */
int64_t clock_monotonic_us(const struct clock *clock);

/* How long to sleep, in real microseconds, until `wait_us` of this clock have gone by; 0 when time stands. */
int64_t clock_real_wait_us(const struct clock *clock, int64_t wait_us);

#endif
