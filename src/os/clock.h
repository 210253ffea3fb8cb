/* The only place that reads the host's clocks and randomness. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ns(void);
int64_t clock_civil_ns(void);               /* since 1970-01-01T00:00:00Z */
int64_t clock_cpu_ns(void);                 /* CPU time of this process */
int64_t clock_thread_ns(void);              /* of the thread that calls */

uint64_t entropy_u64(void);                 /* unpredictable; aborts when the host has none */
