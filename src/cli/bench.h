/* The benchmarks of plumb bench that have a file of their own. */
#pragma once
#include <stdint.h>

/* bench_conns.c: a number in the unit of its row; negative: it went wrong */
double bench_rr_1000(void);
double bench_rr_100000(void);
double bench_crr(void);
double bench_crr_waiting(void);
double bench_idle(void);
double bench_cores_wall(void);          /* bench_cores.c */
double bench_cores_cpu(void);
uint64_t bench_resident(void);          /* bytes of this process in memory */

/* bench_lent.c: ns per 1460 bytes; negative: it went wrong */
double bench_lent_1500(void);
double bench_lent_64k(void);

double bench_forward(void);             /* bench_forward.c: packets a second */
double bench_nat(void);
double bench_route(void);               /* bench_route.c: ns per look */

int bench_scale(int argc, char **argv); /* argv[0]: "scale" */
