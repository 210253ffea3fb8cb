/* One host: its interfaces, addresses, routes and sockets; one share-nothing
 * instance.  Four calls are the whole contract with the world: packets come in as
 * batches, packets go out as batches, time is an argument.
 *
 * A stack belongs to one thread.  It never calls its user: readiness reaches the
 * loop as deferred tasks (stack_net). */
#pragma once
#include "base/loop.h"
#include "base/path.h"
#include "base/pkt.h"
#include "net/advertise.h"
#include "net/route.h"
#include "socket/net.h"
#include "tcp/tcp.h"
#include "trace/trace.h"
#include "wire/icmp.h"

struct stack;

struct stack_config {                   /* all-zero gives the defaults in brackets */
    uint16_t node;                      /* names the stack in events */
    uint64_t seed;                      /* of all its randomness; a real host passes entropy */
    bool     forwarding;                /* a router: packets for others go on */
    uint32_t small_pkts, large_pkts;    /* packet blocks [4096, 64] */
    uint8_t  ttl;                       /* [64] */
    bool     polled;                    /* its connections are used through stack_tcp alone, whose events the user takes: no struct net */
    struct tcp_config tcp;
    struct shards *shards;              /* one of several stacks that are one host (stack/shard.h); NULL: it is alone */
    uint8_t  shard;                     /* which */
};

struct stack *stack_new(const struct stack_config *cfg, int64_t now_ns);     /* NULL: no memory */
void stack_free(struct stack *st);      /* NULL is fine */
struct trace *stack_trace(struct stack *st);
struct pkt_pools *stack_pools(struct stack *st);        /* for whoever feeds it packets */

/* ------------------------------------------------------------ the four calls */

/* Packets that arrived on an interface, head at the Ethernet (or IP) header, time_ns set; takes them all. */
void stack_input(struct stack *st, unsigned iface, struct batch *b, int64_t now_ns);
/* Appends frames to send on it.  What is appended may borrow send buffers until
 * the next call into the stack: write or pkt_own them first.  Call until it adds nothing. */
void stack_output(struct stack *st, unsigned iface, struct batch *b, int64_t now_ns);
/* When it next wants a tick; <= now: output is due. */
int64_t stack_deadline(const struct stack *st);
void stack_tick(struct stack *st, int64_t now_ns);

/* --------------------------------------------------------------- interfaces */

/* Of several shards all add the same interfaces in the same order; addresses, routes and
 * the state of links are set on shard 0 (INVALID elsewhere), which tells the others. */

enum iface_kind { IFACE_ETHER, IFACE_IP };
struct iface_config {
    enum iface_kind kind;
    struct mac mac;
    uint16_t mtu;                       /* IP bytes [1500] */
    bool tx_csum;                       /* the device completes CSUM_PARTIAL */
    uint32_t gso_max;                   /* largest packet the device segments; 0: none */
    bool soft_offload;                  /* the stack cuts large packets for the device, and joins what arrives small */
    bool ip6;                           /* it makes itself a link-local IPv6 address and follows what routers advertise (RFC 4862) */
    bool reverse_path;                  /* a router takes from it only what could be answered by it (RFC 3704) */
    bool any_address;                   /* every destination is ours (a gateway's inner side) */
    char name[16];                      /* for people */
};
/* Its index, or -1: no more than IFACE_MAX. */
int stack_add_iface(struct stack *st, const struct iface_config *cfg, int64_t now_ns);
const char *stack_iface_name(const struct stack *st, unsigned iface);   /* for people; "": it has none */
void stack_set_link(struct stack *st, unsigned iface, bool up, int64_t now_ns);

/* With `probe`, RFC 5227 and for IPv6 RFC 4862 §5.4: the address is used after the probes went unanswered; a
 * conflict is an event and, while probing, loses the address. */
enum plumb_err stack_add_addr(struct stack *st, unsigned iface, struct prefix p, bool probe, int64_t now_ns);
enum plumb_err stack_del_addr(struct stack *st, unsigned iface, struct addr a, int64_t now_ns);
bool stack_addr_ready(const struct stack *st, unsigned iface, struct prefix *out);   /* a usable one */

/* via none: on link. */
enum plumb_err stack_add_route(struct stack *st, struct prefix dst, struct addr via, unsigned iface, int64_t now_ns);
/* Nobody goes there: thrown away, or its sender is told why (RFC 1812 §5.2.7.1). */
enum plumb_err stack_refuse_route(struct stack *st, struct prefix dst, enum route_kind kind, int64_t now_ns);
enum plumb_err stack_del_route(struct stack *st, struct prefix dst);
/* The path packets to `remote` take, from `local` (none: chosen). NO_ROUTE. */
enum plumb_err stack_route(struct stack *st, struct addr local, struct addr remote, struct path *out);

struct route_info { struct prefix dst; struct addr via; uint8_t iface; enum route_kind kind; };
bool stack_walk_routes(const struct stack *st, uint32_t *cursor, struct route_info *out);
struct addr_info { struct prefix addr; uint8_t iface; bool ready; };    /* not ready: still probed */
bool stack_walk_addrs(const struct stack *st, uint32_t *cursor, struct addr_info *out);
struct neigh_info { struct addr addr; struct mac mac; uint8_t iface; const char *state; };
bool stack_walk_neigh(const struct stack *st, uint32_t *cursor, struct neigh_info *out);
struct tcp *stack_tcp(struct stack *st);

/* ------------------------------------------------------------ configuration */

/* Starts a DHCP client; its lease brings address, default route and name servers. */
void stack_dhcp_start(struct stack *st, unsigned iface, const char *host_name, int64_t now_ns);
void stack_dhcp_release(struct stack *st, unsigned iface, int64_t now_ns);
struct dhcp_lease_info { bool bound; struct prefix addr; struct addr router, server; struct addr dns[4]; uint8_t n_dns; uint32_t lease_s; uint16_t mtu; };
bool stack_dhcp_lease(const struct stack *st, unsigned iface, struct dhcp_lease_info *out);

/* Advertises a router on an interface that has a link-local address (`ip6`, or one that was given); NULL: no longer,
 * after a good-bye.  What the message says of prefixes is the caller's; our MAC is added. */
enum plumb_err stack_advertise(struct stack *st, unsigned iface, const struct advertise_config *c, int64_t now_ns);
/* Name servers that routers advertise (RFC 8106) on an interface, then those of DHCPv6; how many, at most `max`. */
unsigned stack_router_dns(const struct stack *st, unsigned iface, struct addr *out, unsigned max);

/* ------------------------------------------------------------- applications */

/* What stands behind a connection or a listener of stack_tcp as its user: struct net's
 * streams, or (src/api) the BSD calls, whose task is deferred with what happened since. */
enum stack_user_kind { STACK_STREAM, STACK_LISTENER, STACK_BSD };
struct stack_user { enum stack_user_kind kind; uint8_t news; struct loop_task task; };
/* After calls on what stack_tcp holds, as stack_net's do. */
void stack_called(struct stack *st, int64_t now_ns);
/* What a stream of stack_net is on stack_tcp. */
struct tcp_conn *stack_stream_conn(struct stream *s);
/* Whether `local` may be bound to: any (none: of both families, 0.0.0.0: of IPv4), or one of ours.  ADDR_NOT_OURS. */
enum plumb_err stack_own_addr(const struct stack *st, struct addr local);

/* More than struct net asks of datagrams. */
struct stack_dgram_opts { struct dgram_opts plain; bool reuse_addr, reuse_port, v6only; };
enum plumb_err stack_datagram(struct stack *st, const struct stack_dgram_opts *o, struct dgram **out);
/* Its peer from now on; port 0: none, and the local address is `bound` again.  NO_ROUTE, ADDR_IN_USE. */
enum plumb_err stack_dgram_connect(struct dgram *d, struct endpoint remote, struct addr bound);
struct stack_dgram_tune {
    uint8_t tos, ttl;                   /* ttl 0: the stack's */
    bool broadcast, reuse_addr, reuse_port;
    enum dgram_size size;
    uint8_t group_ttl;
    bool group_silent;
    struct addr group_own;              /* of the interface by which what is sent to groups leaves; none: by the route */
};
/* Groups, as inet_group_set has them; those of a datagram socket. */
enum plumb_err stack_group_set(struct stack *st, struct group_member **list, unsigned iface, struct addr group, const struct source_filter *f, int64_t now_ns);
void stack_group_leave_all(struct stack *st, struct group_member **list, int64_t now_ns);
struct group_member **stack_dgram_groups(struct dgram *d);
/* The interface of an own address, or (any) the one that leads to the group; -1: none. */
int stack_group_iface(const struct stack *st, struct addr own, struct addr group);
struct addr stack_iface_addr(const struct stack *st, unsigned iface, bool v4);         /* its first; none: it has none */
void stack_dgram_set(struct dgram *d, const struct stack_dgram_tune *o);

/* The stack as applications see it, and as raw echo. Lives as long as the stack. */
struct net *stack_net(struct stack *st, struct loop *loop);

/* Defers the task on stack_net's loop when echo answers wait, and when an address became usable or was lost. NULL: no more. */
void stack_watch(struct stack *st, struct loop_task *task);

/* Sends an ICMP or ICMPv6 echo request; answers and errors about it wait in a bounded queue.  Of several shards, on shard 0 only (INVALID). */
enum plumb_err stack_echo_send(struct stack *st, struct addr to, uint16_t id, uint16_t seq, const void *data, size_t len,
                               uint8_t ttl, int64_t now_ns);
struct echo_result {
    enum inet_trouble trouble;          /* TROUBLE_NONE: the answer; else what was said of the request */
    struct addr from, about;
    uint16_t id, seq;
    uint8_t  ttl, icmp_type, icmp_code;
    uint16_t mtu;                       /* TROUBLE_TOO_BIG */
    uint32_t len;
    int64_t  time_ns;
};
bool stack_echo_take(struct stack *st, struct echo_result *out);    /* false: none waits */
