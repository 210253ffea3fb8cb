#include "os/clock.h"
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_ns(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t clock_civil_ns(void)     { return read_clock(CLOCK_REALTIME); }
int64_t clock_cpu_ns(void)       { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
int64_t clock_thread_ns(void)    { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

uint64_t entropy_u64(void)
{
    uint64_t v;
    if (getrandom(&v, sizeof v, 0) != sizeof v)
        abort();                            /* a guessable sequence number is worse than no connection */
    return v;
}
