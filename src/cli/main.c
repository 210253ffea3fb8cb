/* plumb: finds the subcommand and hands over. */
#include "cli/cli.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command { const char *name; int (*run)(int, char **); const char *help; } commands[] = {
    { "fetch", cmd_fetch, "fetch a URL and tell its journey, layer by layer" },
    { "serve", cmd_serve, "serve a directory over HTTP" },
    { "ping",  cmd_ping,  "send ICMP echo requests" },
    { "traceroute", cmd_traceroute, "tell the routers on the way" },
    { "scan",  cmd_scan,  "tell which TCP ports are open, closed or filtered" },
    { "dump",  cmd_dump,  "print packets: of an interface, a file, or the virtual internet" },
    { "addr",  cmd_addr,  "tell what an address is; arithmetic with prefixes" },
    { "neigh", cmd_neigh, "show the neighbours a stack knows" },
    { "arp",   cmd_arp,   "show those of IPv4, as arp does" },
    { "route", cmd_route, "show the routes a stack has" },
    { "nat",   cmd_nat,   "show a router\'s NAT mappings" },
    { "dhcpd", cmd_dhcpd, "hand out addresses by DHCP" },
    { "dhcp6d", cmd_dhcp6d, "hand out IPv6 addresses by DHCPv6" },
    { "dnsd",  cmd_dnsd,  "answer DNS questions from a master file" },
    { "bench", cmd_bench, "measure the stack" },
    { "pkt",   cmd_pkt,   "run packet scripts against the stack" },
    { "bridge", cmd_bridge, "join interfaces by a switch, with VLANs and the spanning tree" },
    { "router", cmd_router, "forward packets between interfaces, with NAT" },
    { "wire",  cmd_wire,  "join two interfaces by an emulated link" },
    { "sim",   cmd_sim,   "run seeded worlds and check their invariants" },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("plumb: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

bool want_color(FILE *to)
{
    return isatty(fileno(to)) && !getenv("NO_COLOR");
}

static void usage(FILE *to)
{
    fputs("plumb, a complete internet in user space\n\nusage: plumb COMMAND [OPTION...]\n\n", to);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`plumb COMMAND --help` tells a command's options.\n", to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("plumb 0.1.0");
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    complain("no command is called \"%s\" (see: plumb --help)", argv[1]);
    return EXIT_USAGE;
}
