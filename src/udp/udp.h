/* UDP (RFC 768, RFC 1122 §4.1): sockets, their queues, datagrams in and out.
 *
 * A socket is found by its local port; the one that names most of the packet's
 * addresses wins.  Received packets stay in their blocks until consumed, bounded per
 * socket and for all.  Readiness is a list that stack/ empties between steps. */
#pragma once
#include "base/err.h"
#include "base/group.h"
#include "base/list.h"
#include "base/path.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "trace/trace.h"
#include "wire/ip.h"
#include "wire/steer.h"

enum { UDP_BUCKETS = 1024, UDP_ERRORS = 4, UDP_QUEUE_PKTS = 256, UDP_QUEUE_BYTES = 512 * 1024,
       UDP_ANY_IFACE = 0xff, UDP_PORT_FIRST = STEER_UDP_FIRST };    /* RFC 6335 §6: the dynamic ports */

struct udp_sock {
    struct udp_sock *chain;             /* same bucket */
    struct list      ready;             /* in udp.ready */
    struct endpoint  local;             /* addr none: any; 0.0.0.0: any of IPv4 */
    struct endpoint  remote;            /* port 0: not connected */
    uint8_t          iface;             /* that holds local.addr; UDP_ANY_IFACE */
    bool             v6only;            /* any: of IPv6 alone */
    bool             whole;             /* what it sends may not be fragmented on the way: ICMP about its size is to be believed */
    bool             broadcast;         /* may send to broadcast addresses */
    bool             reuse_addr;        /* may be bound where another is that says so too; the last one hears */
    bool             reuse_port;        /* the same, and those who share get a part of the flows each */
    struct group_member *groups;        /* it is in */
    struct pktq      queue;
    uint32_t         held_bytes;        /* of blocks in the queue */
    uint8_t          n_errors;
    uint8_t          errors[UDP_ERRORS];/* enum plumb_err */
};

struct udp {
    struct trace     *trace;
    struct pkt_pools *pools;
    struct rng       *rng;
    uint32_t          held_pkts, max_held_pkts;     /* in all queues: a share of the pools */
    struct list       ready;
    struct sipkey     key;              /* of the flows of those who share a port */
    bool              keyed;
    struct steer      steer;            /* one shard of several: ports are picked whose datagrams come home */
    struct udp_sock  *bucket[UDP_BUCKETS];
};

void udp_init(struct udp *u, struct trace *trace, struct pkt_pools *pools, struct rng *rng);

/* Binds s->local and s->remote (set by the caller); port 0 picks an unpredictable
 * one (RFC 6056 §3.3.1).  ADDR_IN_USE, NO_PORTS. */
enum plumb_err udp_open(struct udp *u, struct udp_sock *s);
void udp_share(struct udp *u, struct udp_sock *s, bool reuse_port);
/* Whether another socket keeps `s` from this port. */
bool udp_in_use(struct udp *u, const struct udp_sock *s, uint16_t port);
void udp_close(struct udp *u, struct udp_sock *s);      /* frees what was queued; the memory is the caller's */

/* Takes UDP that a socket wants, and what is malformed; the rest stays. */
void udp_in(struct udp *u, struct batch *b, int64_t now_ns);
/* An ICMP error about a datagram with this flow.  The socket that can have sent it; NULL: there is none. */
const struct udp_sock *udp_error(struct udp *u, const struct flow *f, enum plumb_err e);

/* A datagram with its header at the head, path set (lent); NULL: no buffer. */
struct pkt *udp_build(struct udp *u, const struct path *p, uint16_t src_port, uint16_t dst_port, const void *bytes, size_t len);

struct udp_datagram { struct endpoint from; struct addr to; uint8_t iface; const uint8_t *bytes; size_t len; };
bool udp_peek(struct udp_sock *s, struct udp_datagram *out);
void udp_consume(struct udp *u, struct udp_sock *s);
enum plumb_err udp_take_error(struct udp_sock *s);
/* A socket with something new; NULL: none. */
struct udp_sock *udp_next_ready(struct udp *u);
