/* Time is int64_t nanoseconds, monotonic, and always an argument: nothing below
 * os/ reads a clock.  Civil time (Date headers, leases, certificates) is
 * nanoseconds since 1970-01-01T00:00:00Z and comes from the loop. */
#pragma once
#include <stdint.h>

#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

#define DEADLINE_NEVER INT64_MAX

static inline int64_t time_min(int64_t a_ns, int64_t b_ns) { return a_ns < b_ns ? a_ns : b_ns; }
static inline int64_t time_max(int64_t a_ns, int64_t b_ns) { return a_ns > b_ns ? a_ns : b_ns; }

/* now + delay without overflow; a negative delay is zero. */
static inline int64_t time_after(int64_t now_ns, int64_t delay_ns)
{
    if (delay_ns < 0)
        delay_ns = 0;
    return delay_ns > DEADLINE_NEVER - now_ns ? DEADLINE_NEVER : now_ns + delay_ns;
}
