/* The inside of a stack, for the files of stack/ alone: the layers side by side,
 * and between them what only stack/ may string together. */
#pragma once
#include "link/neigh.h"
#include "net/autoconf.h"
#include "net/dhcp6_client.h"
#include "net/dhcp_client.h"
#include "net/gate.h"
#include "net/inet.h"
#include "stack/shard.h"
#include "stack/stack.h"
#include "udp/udp.h"

enum { IFACE_QUEUE_PKTS = 512, IFACE_QUEUE_BYTES = 1024 * 1024,     /* frames waiting for the device */
       SOFT_GSO_MAX = 65535, SOFT_OUT_BYTES = 128 * 1024,           /* large packets that are cut here, and how many bytes of them at once */
       LOOP_QUEUE_PKTS = 1024, LOOP_ROUNDS = 16,
       DEFAULT_SMALL_PKTS = 4096, DEFAULT_LARGE_PKTS = 64, NEIGH_ENTRIES = 512 };

struct stack_iface {
    struct iface_config cfg;
    bool                present, up;
    struct pktq         out;            /* frames ready for the device */
    struct dhcp_client  dhcp;           /* DHCP_OFF when unused */
    enum dhcp_state     dhcp_told;      /* as the last event said */
    struct addr         dhcp_addr;      /* configured by it; none: none */
    struct autoconf     autoconf;       /* off when unused */
    struct advertise    advertise;      /* off when unused */
    struct dhcp6_client dhcp6;          /* DHCP6_OFF when unused */
    enum dhcp6_state    dhcp6_told;     /* as the last event said */
};

struct stack_net {
    struct net   base;                  /* first: a struct net is a struct stack_net */
    struct stack *st;
    struct list  dgrams, streams, listeners;    /* all that are open */
    struct sipkey random_key;
    uint64_t     randoms;
};

struct stack {
    struct stack_config cfg;
    struct trace        trace;
    struct pkt_pools    pools;
    struct rng          rng;
    int64_t             now_ns;         /* of the last call */
    uint32_t            serial;         /* of packets */
    uint32_t            generation;     /* of paths, as tcp was told */
    struct stack_iface  iface[IFACE_MAX];
    struct neigh        neigh;
    struct inet         inet;
    struct gate        *gate;           /* NULL: what passes is not looked at */
    struct udp          udp;
    struct tcp         *tcp;
    struct sipkey       stable_secret;  /* of the addresses we make ourselves; drawn with the first interface that does */
    bool                has_stable_secret;
    int64_t             autoconf_ns;    /* the next step of any interface's autoconfiguration or advertisements */
    bool                touched;        /* by a user since the last of the four calls */
    struct pktq         loop;           /* packets to own addresses: the next input */
    struct udp_sock     dhcp_sock;
    bool                dhcp_open;
    struct udp_sock     dhcp6_sock;
    bool                dhcp6_open;
    struct stack_net    net;
    struct loop_task   *watch;          /* of echo answers and addresses; lent */
    bool                addr_news;      /* not yet told to it */
    uint32_t            echoes_told;    /* of those that wait */
    struct stack_probes *probes;        /* NULL: nobody probes */
    bool                probe_news;     /* not yet told to the watch */
    uint32_t            shards_told;    /* bits, for whoever wakes them */
    struct shard_counts shard_counts;
    uint8_t             scratch[PKT_LARGE];     /* where a packet is gathered to be shown */
};

/* in.c: from the IP header on; and from behind it, for packets that came from another shard. */
void stack_journey_in(struct stack *st, struct batch *in, int64_t now_ns);
void stack_journey_up(struct stack *st, struct batch *in, int64_t now_ns);

/* out.c.  stack_emit takes a whole IP packet with iface and next_hop: to the loop, to
 * a neighbour, into the interface's queue.  stack_settle carries on whatever the
 * layers left for each other, until nothing is left; every call into the stack ends
 * with it.  stack_touch does so for a user's call: watches are not deferred before
 * the next of the four calls, so that an owner can set its watch first. */
void stack_emit(struct stack *st, struct pkt *k, int64_t now_ns);
void stack_settle(struct stack *st, int64_t now_ns);
void stack_touch(struct stack *st, int64_t now_ns);
void stack_loop_in(struct stack *st, int64_t now_ns);
bool stack_iface_congested(const struct stack *st, unsigned iface);
static inline void stack_number(struct stack *st, struct pkt *k)
{
    if (k->id == 0)
        k->id = ++st->serial;
}

/* gate.c: forwards `others`, and what of `in` is for somebody behind us. */
void stack_gate(struct stack *st, struct batch *in, struct batch *others, int64_t now_ns);
void stack_gate_free(struct stack *st);

/* errors.c: ICMP errors to the sockets they are about. */
void stack_give_errors(struct stack *st, int64_t now_ns);
void stack_give_error(struct stack *st, const struct net_error *e, int64_t now_ns);

/* probe.c.  Without probes these do nothing. */
void stack_probe_in(struct stack *st, struct batch *in, int64_t now_ns);
bool stack_probe_error(struct stack *st, const struct net_error *e, int64_t now_ns);   /* true: it was about a probe */

/* shard.c.  Without shards these do nothing. */
void stack_shard_configure(struct stack_config *c);
void stack_shard_join(struct stack *st);
bool stack_shard_follows(const struct stack *st);       /* it is not shard 0 */
void stack_shard_take(struct stack *st, int64_t now_ns);/* what other shards have given */
/* Takes out what belongs to another shard. */
void stack_shard_strays(struct stack *st, struct batch *in, int64_t now_ns);
void stack_shard_fragments(struct stack *st, struct batch *in, int64_t now_ns);
void stack_shard_arp(struct stack *st, struct batch *arp, int64_t now_ns);
bool stack_shard_error(struct stack *st, const struct net_error *e, int64_t now_ns);    /* true: given away */
/* Facts for all others. */
bool stack_shards_room(const struct stack *st);         /* for one more each */
void stack_shards_addr(struct stack *st, const struct inet_addr *a, bool ours);
void stack_shards_route(struct stack *st, const struct route *r, bool there);
void stack_shards_link(struct stack *st, unsigned iface, bool up);
void stack_shards_mtu(struct stack *st, unsigned iface, uint16_t mtu);
void stack_shards_link6(struct stack *st, unsigned iface, uint16_t mtu6, uint8_t hop_limit);
void stack_shards_pmtu(struct stack *st, const struct net_error *e);
void stack_shards_neigh(struct stack *st);

/* config.c */
void stack_apply_link(struct stack *st, unsigned iface, bool up, int64_t now_ns);
void stack_apply_mtu(struct stack *st, unsigned iface, uint16_t mtu);
bool stack_put_route(struct stack *st, const struct route *r);
bool stack_take_route(struct stack *st, struct prefix dst);
void stack_take_verdicts(struct stack *st, int64_t now_ns);
void stack_configure_addr(struct stack *st, unsigned iface, struct prefix p, enum acd_start how, int64_t now_ns);
void stack_unconfigure_addr(struct stack *st, unsigned iface, struct addr a, int64_t now_ns);

/* dhcp.c */
void stack_dhcp_step(struct stack *st, int64_t now_ns);
void stack_dhcp_in(struct stack *st, int64_t now_ns);
int64_t stack_dhcp_deadline(const struct stack *st);
/* The offered address is free or not; true when it was one of DHCP's. */
bool stack_dhcp_verdict(struct stack *st, unsigned iface, struct addr a, bool is_free, int64_t now_ns);

/* nd.c: neighbour and router discovery, autoconfiguration */
void stack_autoconf_start(struct stack *st, unsigned iface);
void stack_autoconf_stop(struct stack *st, unsigned iface, int64_t now_ns);
bool stack_nd_due(const struct stack *st);
void stack_nd_step(struct stack *st, int64_t now_ns);
void stack_nd_verdict(struct stack *st, unsigned iface, struct addr a, bool is_free, int64_t now_ns);
/* An address that a machine was lent is to be there, or not. */
void stack_own_addr_act(struct stack *st, unsigned iface, const struct own_action *a, uint8_t prefix_len, int64_t now_ns);
struct addr stack_link_local(const struct stack *st, unsigned iface);   /* that is ready; none: not yet */
void stack_apply_link6(struct stack *st, unsigned iface, uint16_t mtu6, uint8_t hop_limit);

/* dhcp6.c: what routers say of it was heard; returns when it wants its next step */
void stack_dhcp6_advertised(struct stack *st, unsigned iface, int64_t now_ns);
void stack_dhcp6_stop(struct stack *st, unsigned iface, int64_t now_ns);
int64_t stack_dhcp6_step(struct stack *st, int64_t now_ns);

/* segments.c: every call of tcp's steps */
bool stack_segments_new(struct stack *st, int64_t now_ns);
void stack_segments_free(struct stack *st);
void stack_segments_in(struct stack *st, struct batch *in, int64_t now_ns);
void stack_segments_out(struct stack *st, unsigned iface, struct batch *out, int64_t now_ns);
bool stack_segments_due(const struct stack *st);
bool stack_segments_due_on(const struct stack *st, unsigned iface);
int64_t stack_segments_deadline(const struct stack *st);
void stack_segments_tick(struct stack *st, int64_t now_ns);
void stack_segments_route(struct stack *st, int64_t now_ns);    /* paths for those that lack one, replies without a connection */
void stack_segments_error(struct stack *st, const struct net_error *e, int64_t now_ns);

/* net_stack.c, dgram.c, streams.c: what applications hold */
void stack_net_init(struct stack *st);
void stack_net_fini(struct stack *st);
void stack_wake(struct stack *st);      /* defers the watches of what became ready */
enum plumb_err stack_dgram_new(struct net *n, const struct dgram_opts *o, struct dgram **out);
void stack_dgrams_wake(struct stack *st);
void stack_dgrams_room(struct stack *st, unsigned iface);
void stack_dgrams_free(struct stack *st);
enum plumb_err stack_stream_connect(struct net *n, const struct connect_opts *o, struct stream **out);
enum plumb_err stack_stream_listen(struct net *n, const struct listen_opts *o, struct listener **out);
void stack_streams_wake(struct stack *st);
void stack_streams_free(struct stack *st);
