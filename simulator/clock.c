#include "clock.h"

#include <math.h>

#include "ticks.h"

void sim_clock_init(struct sim_clock *clock)
{
    *clock = (struct sim_clock){0, 0, 1.0};
}

static bool read_number(const char *text, double least, double most, double *number)
{
    char *end = NULL;

    *number = g_ascii_strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number) && *number >= least && *number <= most;
}

bool sim_clock_set(struct sim_clock *clock, const char *spec, GError **error)
{
    g_auto(GStrv) part = g_strsplit(spec, "@", 0);
    double simulated = 0, rate = 0, real = 0;

    if (g_strv_length(part) != 3 || !read_number(part[0], 0, 1e11, &simulated) ||
        !read_number(part[1], 0, 1e6, &rate) || !read_number(part[2], 0, 1e11, &real)) {
        g_set_error(
            error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
            "clock \"%s\" is not of the form <simulated epoch>@<rate>@<real epoch> (seconds, rate 0 to 1000000)", spec);
        return false;
    }
    clock->simulated_ticks = llround(simulated * 1e6) * 10;
    clock->real_us = llround(real * 1e6);
    clock->rate = rate;
    return true;
}

int64_t sim_clock_now(const struct sim_clock *clock)
{
    double passed_us = (double)(g_get_real_time() - clock->real_us) * clock->rate;

    return clock->simulated_ticks + (int64_t)passed_us * 10;
}
