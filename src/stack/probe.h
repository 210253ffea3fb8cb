/* Probes: single packets of traceroute and scan, each with a hop limit and an id of its own, and what comes back for
 * them.  They stand beside the sockets: no connection, no retransmission, no port in use.
 *
 * What comes back waits in a bounded queue, and stack_watch's task is told.  A SYN-ACK is also given to TCP, which knows
 * no such connection and resets it, as RFC 9293 §3.10.7.1 asks; that a SYN of ours is half open at the peer lasts one
 * round trip. */
#pragma once
#include "stack/stack.h"

enum probe_kind { PROBE_ECHO, PROBE_UDP, PROBE_TCP };
enum { PROBE_ANSWERS = 256, PROBE_PORTS_MAX = 4096, PROBE_PORT_FIRST = 20000, PROBE_PORT_LAST = 32767 };   /* below the ports that connections are given */

struct probe {
    enum probe_kind kind;
    uint8_t  flags;                     /* TCP's; 0: SYN */
    uint8_t  ttl;                       /* 0: the stack's */
    uint8_t  tos;
    bool     dont_fragment;
    struct addr from;                   /* none: chosen */
    struct endpoint to;
    uint16_t local_port;                /* of those that were opened; not echo's */
    uint16_t id, seq;                   /* echo's */
    uint32_t tcp_seq;
    const void *data;                   /* behind the header; of UDP and echo */
    size_t   len;
};

struct probe_answer {
    enum probe_kind kind;
    enum inet_trouble trouble;          /* TROUBLE_NONE: `about` itself answered; else what `from` says of the probe */
    struct addr from;
    struct endpoint about;              /* where the probe went */
    uint16_t local_port;                /* from where */
    uint16_t id, seq;                   /* echo's */
    uint32_t tcp_seq;                   /* of the probe, as quoted or acknowledged; only when has_seq */
    bool     has_seq;
    uint8_t  flags;                     /* of TCP's answer */
    uint8_t  ttl;                       /* as the answer came in */
    uint8_t  type, code;                /* of the ICMP message */
    uint16_t mtu;                       /* TROUBLE_TOO_BIG */
    uint32_t len;                       /* of echo's or UDP's answer, without headers */
    int64_t  time_ns;
};

/* `n` ports for probes, *first and those behind it, until stack_probe_close.  INVALID: of several shards, or open already; NO_MEMORY. */
enum plumb_err stack_probe_open(struct stack *st, uint16_t n, uint16_t *first);
void stack_probe_close(struct stack *st);
/* NO_ROUTE, NO_MEMORY, TOO_BIG (dont_fragment, and it does not fit the link), INVALID. */
enum plumb_err stack_probe_send(struct stack *st, const struct probe *p, int64_t now_ns);
bool stack_probe_take(struct stack *st, struct probe_answer *out);      /* false: none waits */
