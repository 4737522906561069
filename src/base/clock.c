#include "base/clock.h"

#include <math.h>

/* Results stay inside what int64_t microseconds and double can both say exactly, whatever the rate: about 285 years. */
#define REACH_US 9e15

/* One number of the specification, and what must follow it. */
static bool read_number(const char **at, char after, double *number)
{
    char *end;

    if (!g_ascii_isdigit(**at) && **at != '-' && **at != '.')
        return false; /* no white space, no "nan" */
    *number = g_ascii_strtod(*at, &end);
    if (end == *at || *end != after || !isfinite(*number))
        return false;
    *at = after == '\0' ? end : end + 1;
    return true;
}

bool clock_init(struct clock *clock, const char *spec, GError **error)
{
    const double reach_s = REACH_US / (double)CLOCK_US;
    const char *at = spec;

    *clock = (struct clock){0};
    if (spec == NULL || *spec == '\0')
        return true;
    if (!read_number(&at, '@', &clock->simulated_epoch_s) || !read_number(&at, '@', &clock->rate) ||
        !read_number(&at, '\0', &clock->real_epoch_s) || clock->rate < 0 || fabs(clock->simulated_epoch_s) > reach_s ||
        fabs(clock->real_epoch_s) > reach_s) {
        g_set_error(
            error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
            "M365KEEP_CLOCK is \"%s\", where <simulated epoch>@<rate>@<real epoch> was expected: seconds since 1970, "
            "a factor that is not negative, seconds since 1970",
            spec);
        *clock = (struct clock){0};
        return false;
    }
    clock->simulated = true;
    return true;
}

/* Rounded down. */
static int64_t bounded_us(double us)
{
    double inside = CLAMP(us, -REACH_US, REACH_US);
    int64_t whole = (int64_t)inside;

    return whole - ((double)whole > inside);
}

int64_t clock_now_us(const struct clock *clock)
{
    int64_t real_us = g_get_real_time();

    if (!clock->simulated)
        return real_us;
    double gone_us = (double)real_us - clock->real_epoch_s * (double)CLOCK_US;
    return bounded_us(clock->simulated_epoch_s * (double)CLOCK_US + gone_us * clock->rate);
}

int64_t clock_now(const struct clock *clock)
{
    int64_t us = clock_now_us(clock);

    return us / CLOCK_US - (us % CLOCK_US < 0);
}

int64_t clock_monotonic_us(const struct clock *clock)
{
    int64_t us = g_get_monotonic_time();

    return clock->simulated ? bounded_us((double)us * clock->rate) : us;
}

int64_t clock_real_wait_us(const struct clock *clock, int64_t wait_us)
{
    if (wait_us <= 0 || (clock->simulated && clock->rate <= 0))
        return 0;
    if (!clock->simulated)
        return wait_us;
    return bounded_us((double)wait_us / clock->rate) + 1; /* rather a microsecond late than early */
}
