/* What a SYN scan knows of each port of each host, and what is to be done next: no packet, no clock of its own.
 *
 * The three answers are nmap's: a SYN-ACK is open, an RST closed; silence after all retransmissions, and an ICMP
 * unreachable about the probe, are filtered. */
#pragma once
#include "base/addr.h"
#include "cli/ports.h"
#include "wire/icmp.h"

enum port_state { PORT_UNKNOWN, PORT_ASKED, PORT_OPEN, PORT_CLOSED, PORT_FILTERED };
enum scan_why { SCAN_SILENT, SCAN_SYN_ACK, SCAN_RESET, SCAN_ICMP, SCAN_DOWN };
enum { SCAN_HOSTS_MAX = 256, SCAN_PORTS_MAX = 65535, SCAN_PROBES_MAX = 1 << 20, SCAN_FLIGHT = 256, SCAN_HOST_FLIGHT = 64 };

struct scan_port { uint8_t state, why, tries, ttl; };

struct scan_host {
    struct addr addr;
    const char *name;                   /* as it was typed */
    bool up, down;                      /* it answered; nobody is at its address */
    struct addr said_by;                /* of down and ICMP: who */
    enum inet_trouble trouble;
    uint32_t next;                      /* the port that is asked next */
    uint32_t flight, window;            /* probes under way, and how many may be */
    int64_t rtt_ns, best_rtt_ns;        /* smoothed; 0: none yet */
    struct scan_port *port;             /* n_ports of them */
};

struct scan_probe { uint32_t host, port; int64_t sent_ns; };

struct scan {
    uint32_t n_hosts, n_ports, retries;
    int64_t gap_ns;                     /* between two probes, for the rate */
    int64_t next_ns;                    /* not before that */
    uint32_t turn;                      /* hosts are asked in turn */
    uint32_t n_flight;
    uint64_t sent;
    uint32_t seed;
    uint16_t *number;                   /* of the ports, ascending */
    struct scan_host *host;
    struct scan_probe flight[SCAN_FLIGHT];
};

/* False: no memory. */
bool scan_init(struct scan *s, const struct addr *addrs, uint32_t n_hosts, const struct port_set *ports, unsigned rate, unsigned retries, uint32_t seed);
void scan_fini(struct scan *s);
/* The next probe that is due, and counted as sent; false: none at this time. */
bool scan_next(struct scan *s, struct scan_probe *out, int64_t now_ns);
/* When scan_next has something again; DEADLINE_NEVER: all is known. */
int64_t scan_deadline(const struct scan *s, int64_t now_ns);
bool scan_is_over(const struct scan *s);
/* The sequence number of the SYN, by which its answer is known. */
uint32_t scan_seq(const struct scan *s, uint32_t host, uint32_t port);

struct scan_answer {
    struct addr from, about;
    uint16_t port;
    uint32_t seq;
    bool     has_seq;
    uint8_t  flags, ttl;
    enum inet_trouble trouble;
    bool     own;                       /* our own stack says it, of its neighbours or routes */
    int64_t  time_ns;
};
/* What belongs to no probe is passed over. */
void scan_answer(struct scan *s, const struct scan_answer *a);
uint32_t scan_count(const struct scan *s, uint32_t host, enum port_state state);

const char *port_state_text(uint8_t state);
const char *scan_why_text(uint8_t why);
