/* The Internet layer of one host: own addresses, routes, IP in and out, fragments,
 * ICMP, forwarding.  net/ holds what RFC 791, 792, 1122 §3 and 1812 ask of a host
 * and a plain router, as steps that stack/ strings together; the DHCP client is
 * here too because its result is configuration.
 *
 * Packets to send collect in `out` as whole IP packets with iface and next_hop,
 * ICMP errors about our own packets in `error`; stack/ empties both after each call. */
#pragma once
#include "base/addr_select.h"
#include "base/path.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "net/frag.h"
#include "net/groups.h"
#include "net/pmtu.h"
#include "net/route.h"
#include "trace/trace.h"
#include "wire/icmp.h"
#include "wire/icmp4.h"
#include "wire/ip.h"
#include "wire/ip4.h"

enum { INET_ADDRS = 64, INET_ECHOES = 64, INET_IDS = 256, INET_REDIRECTS = 64, INET_HOPS = 64,
       INET_LOOP = IFACE_MAX - 1,       /* the loopback interface: packets to own addresses */
       INET_LOOP_MTU = 65535 };

struct inet_addr {
    struct prefix prefix;
    struct addr   broadcast;            /* of its network; none: there is none */
    uint8_t       iface;
    bool          ready;                /* false: still probed */
    bool          lone;                 /* its prefix is not on the link by itself (RFC 5942 §4): it brings no route */
    bool          deprecated;           /* RFC 4862 §5.5.4 */
    bool          temporary;            /* RFC 8981 */
};
/* reverse_path: what is sent on must come by the interface that leads back to its source (RFC 3704 §2.2).
 * mtu6 and hop_limit are what routers say for IPv6; 0: as the link has it, as the stack has it. */
struct inet_iface { bool up, any_address, reverse_path; uint16_t mtu, mtu6; uint8_t hop_limit; uint32_t gso_max; bool tx_csum; };

/* An ICMP error about a packet of ours, as tcp and udp can use it. */
struct net_error {
    enum inet_trouble trouble;
    uint8_t  type, code;                /* as they came */
    uint8_t  proto;                     /* of the packet quoted */
    uint16_t mtu;                       /* TROUBLE_TOO_BIG: what it claims */
    struct flow flow;                   /* local is our side */
    uint32_t seq;                       /* of the TCP segment quoted, when has_seq */
    bool     has_seq;
    struct addr from;                   /* who said so */
};

/* What came of an echo request of ours. */
struct inet_echo {
    enum inet_trouble trouble;          /* TROUBLE_NONE: the answer */
    struct addr from, about;
    uint16_t id, seq;
    uint8_t  ttl, type, code;           /* as they came */
    uint16_t mtu;                       /* TROUBLE_TOO_BIG */
    uint32_t len;
    int64_t  time_ns;
};
struct inet_echo_request {
    struct addr from, to;               /* from none: chosen */
    uint16_t id, seq;
    uint8_t  ttl, tos;                  /* ttl 0: the stack's */
    bool     dont_fragment;
    const void *data;
    size_t   len;
};


/* A first hop that is better than the gateway to `dst`, as the gateway said. */
struct inet_hop { struct addr dst, via; uint8_t iface; int64_t expires_ns; };

struct inet {
    struct trace        *trace;
    struct pkt_pools    *pools;
    bool                 forwarding;
    bool                 whole_transit; /* what passes is put together first: whoever looks at it wants its ports */
    uint8_t              ttl;
    uint32_t             generation;    /* moves when a path may have changed */
    uint32_t             ifaces_up;     /* bits */
    bool                 no_fast_path;
    struct { uint32_t generation, src, dst; uint8_t iface; } last;     /* addresses, in memory order, that were found good and ours (input.c) */
    struct { uint32_t generation; uint8_t iface, addrs[32]; } last6;    /* the same of IPv6 */
    struct { struct addr local; struct path path; uint8_t prefix_len; } kept;   /* the path that was asked for last (path.c) */
    struct inet_iface    iface[IFACE_MAX];
    uint32_t             n_addr;
    struct inet_addr     addr[INET_ADDRS];
    struct route_table   routes;
    struct pmtu          pmtu;
    struct frag          frag;
    uint32_t             n_hop;
    struct inet_hop      hop[INET_HOPS];
    struct groups        groups;
    struct sipkey        key;
    uint16_t             atomic_id;     /* IP identification of packets that may not be fragmented */
    uint16_t             id[INET_IDS];  /* of the others, by hash of the flow (RFC 6864) */
    uint16_t             id_step, id_self;      /* [1, 0] */
    uint32_t             id6[INET_IDS]; /* how many fragmented packets of IPv6 each hash has sent (RFC 7739) */
    struct { uint64_t words[5]; uint32_t value; } label;    /* of the flow that sent last (output6.c) */
    uint64_t             echo_sent[INET_ECHOES];    /* hashes of our latest echo requests over IPv6, whose errors are believed */
    int64_t              redirect_ns[INET_REDIRECTS];   /* when who sends from here to there may be told again (redirect.c) */
    int64_t              error_credit_ns;   /* the token bucket of ICMP errors, in time */
    struct pktq          out;
    struct pktq          nd, mld;       /* ICMPv6 that came, valid, head at the IP header, l4_off set: neighbour discovery (hop limit 255,
                                         * code 0) and multicast listeners; stack/ empties both */
    uint32_t             n_error;
    struct net_error     error[BATCH_MAX];
    uint32_t             echo_first, n_echo;
    struct inet_echo     echo[INET_ECHOES];
};

void inet_init(struct inet *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, int64_t now_ns);
void inet_fini(struct inet *n);
/* One of several that send from the same addresses: no two of them use one IP identification. */
void inet_share_ids(struct inet *n, unsigned self, unsigned n_sharers);
/* Adds the interface or changes it. */
void inet_set_iface(struct inet *n, unsigned iface, const struct inet_iface *cfg);

/* ---------------------------------------------------- own addresses: addrs.c */

/* False: the table is full. The route to its network comes and goes with it. */
bool inet_add_addr(struct inet *n, unsigned iface, struct prefix p, bool ready);
bool inet_del_addr(struct inet *n, unsigned iface, struct addr a);
/* What autoconfiguration says of an address. */
void inet_mark_addr(struct inet *n, unsigned iface, struct addr a, bool lone, bool deprecated);
bool inet_addr_became_ready(struct inet *n, unsigned iface, struct addr a);
const struct inet_addr *inet_find_addr(const struct inet *n, unsigned iface, struct addr a);    /* NULL: not there */
bool inet_is_ours(const struct inet *n, struct addr a);             /* ready; 127.0.0.0/8 and ::1 too */
/* Limited broadcast, or that of a network on the interface. */
bool inet_is_broadcast(const struct inet *n, unsigned iface, struct addr a);
/* The IPv4 address that hosts behind us hide behind on the interface: its first; none: there is none. */
struct addr inet_source_on(const struct inet *n, unsigned iface);
/* The address that packets of our own to `remote` carry, which leave by that interface towards next_hop: of IPv4 one of
 * next_hop's network, of IPv6 by RFC 6724 §5.  None: there is none. */
struct addr inet_source_for(const struct inet *n, unsigned iface, struct addr remote, struct addr next_hop);
/* The source of what goes to `remote`, for addr_sort: an addr_source_fn, whose `arg` is a struct inet. */
bool inet_source_of(void *arg, struct addr remote, struct addr_source *out);
/* The interface that holds a ready address, or -1. */
int inet_iface_of(const struct inet *n, struct addr a);
static inline void inet_moved(struct inet *n) { n->generation++; }

/* ------------------------------------------------------------- paths: path.c */

/* From `local` (none: chosen) to `remote`; false: no route. */
bool inet_route(const struct inet *n, struct addr local, struct addr remote, struct path *out);
bool inet_route_again(struct inet *n, struct addr local, struct addr remote, struct path *out);    /* the same, soon for the same ends again */
bool inet_add_route(struct inet *n, const struct route *r);
bool inet_del_route(struct inet *n, struct prefix dst);
uint16_t inet_link_mtu(const struct inet *n, unsigned iface, struct addr remote);     /* of what goes to `remote` by it */
/* A redirect came by `iface` from `from`: what goes to `dst` had better go to `hop`.  WHY_NONE, or why it is not believed: only
 * from the gateway that is used for it now, only to somebody on the same link, and not by a router. */
enum why inet_redirected(struct inet *n, unsigned iface, struct addr from, struct addr dst, struct addr hop, int64_t now_ns);
const struct inet_hop *inet_better_hop(const struct inet *n, unsigned iface, struct addr dst);     /* NULL: none was heard of */
void inet_hop_died(struct inet *n, unsigned iface, struct addr hop);    /* it no longer answers: the gateway again (RFC 1122 §3.3.1.5) */
int64_t inet_hops_deadline(const struct inet *n);
void inet_hops_tick(struct inet *n, int64_t now_ns);
/* A TROUBLE_TOO_BIG that whoever sent the packet believes: paths to its remote shrink. */
void inet_learn_pmtu(struct inet *n, const struct net_error *e, int64_t now_ns);

/* ---------------------------------------------------------- in: input.c, icmp.c */

/* Validates; head stays at the IP header, the rest is cut to its length.  What is
 * for us stays in `in`, whole; what is for others goes to `transit` (empty on entry). */
void inet_in(struct inet *n, struct batch *in, struct batch *transit, int64_t now_ns);
/* Takes ICMP: answers echo requests, keeps replies, notes errors. */
void inet_icmp_in(struct inet *n, struct batch *in, int64_t now_ns);
/* Takes what nobody wanted and says so to its sender. */
void inet_unwanted(struct inet *n, struct batch *in, int64_t now_ns);
/* Takes packets for others and sends them on; net/forward.h has the steps. */
void inet_forward(struct inet *n, struct batch *transit, int64_t now_ns);

/* `k`, which is sent on, could have gone from its sender to next_hop by itself: tells it, when that is so and allowed. */
void inet_redirect(struct inet *n, struct pkt *k, struct addr next_hop, int64_t now_ns);

/* Resets the connection of a TCP segment that was refused on its way, in the name of whom it was for. */
void inet_reset(struct inet *n, const struct pkt *k, int64_t now_ns);

/* ------------------------------------------------- out: output.c, icmp_send.c */

/* Takes a packet with its transport header at the head, path and proto set, and
 * puts the IP header before it.  It comes back whole with iface and next_hop; NULL:
 * it was fragmented into `out`, or dropped. */
struct pkt *inet_send(struct inet *n, struct pkt *k, int64_t now_ns);
/* Cuts an IP packet into fragments of at most `mtu`, onto `out`; takes it. Of IPv6: our own only (RFC 8200 §4.5). */
void inet_fragment(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns);
/* Tells the sender of `k` (head at its IP header; stays the caller's) in its own family's words, when RFC 1122
 * §3.2.2 and RFC 4443 §2.4 (e) allow: never about an ICMP error, a later fragment, or what came or went to a group. */
void inet_error(struct inet *n, struct pkt *k, enum inet_trouble t, uint32_t arg, int64_t now_ns);
/* An echo request of our own; NO_ROUTE, NO_MEMORY, TOO_BIG. */
enum plumb_err inet_echo(struct inet *n, const struct inet_echo_request *e, int64_t now_ns);
bool inet_echo_was_sent(const struct inet *n, const struct flow *f);    /* whether such a request, over IPv6, is one of our latest */
void inet_keep_echo(struct inet *n, const struct inet_echo *e, int64_t now_ns);

int64_t inet_deadline(const struct inet *n);
void inet_tick(struct inet *n, int64_t now_ns);
