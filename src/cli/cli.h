/* The command line: one file per subcommand, cmd_NAME.  A command returns the
 * process's exit status; 2 is a usage error everywhere. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

enum { EXIT_USAGE = 2, EXIT_UNWRITABLE = 23, EXIT_INTERRUPTED = 130 };

int cmd_fetch(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_dhcpd(int argc, char **argv);
int cmd_dhcp6d(int argc, char **argv);
int cmd_dnsd(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_pkt(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_bridge(int argc, char **argv);
int cmd_router(int argc, char **argv);
int cmd_wire(int argc, char **argv);
int cmd_addr(int argc, char **argv);
int cmd_neigh(int argc, char **argv);
int cmd_arp(int argc, char **argv);
int cmd_route(int argc, char **argv);
int cmd_nat(int argc, char **argv);
int state_addrs(int argc, char **argv);      /* plumb addr without an address */
int cmd_dump(int argc, char **argv);
int cmd_scan(int argc, char **argv);
int cmd_traceroute(int argc, char **argv);

int bench_net(int argc, char **argv);        /* argv[0]: "server" or "client" */
int bench_paths(int argc, char **argv);

/* "plumb: " and one line on stderr. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
/* True when `to` is a terminal, NO_COLOR is unset and --color was not "never". */
bool want_color(FILE *to);
