/* clock.h - the simulated time that everything here runs on: visibility of records, budgets, token lifetimes, Date
 * headers.
 *
 * A SPEC is "<simulated epoch>@<rate>@<real epoch>", seconds that may be fractional:
 *     simulated now = simulated epoch + (real now - real epoch) * rate.
 * Two programs given the same SPEC agree whenever they were started. Rate 0 stands still. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_clock {
    int64_t simulated_ticks;
    int64_t real_us;
    double rate;
};

/* Real time. */
void sim_clock_init(struct sim_clock *clock);

/* Sets clock from a SPEC; on error says what is wrong with it and leaves clock alone. */
bool sim_clock_set(struct sim_clock *clock, const char *spec, GError **error);

int64_t sim_clock_now(const struct sim_clock *clock);

#endif
