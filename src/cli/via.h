/* --via V: which network a command runs on.
 *   tap:NAME[,addr=A/LEN]...[,gw=G]...[,dns=D]...[,mtu=M][,ip6=on|off][,offload=on|soft|off]   a TAP interface
 *   packet:IFACE[,ring=on],...                         an interface of the host, by a packet socket; ring: by blocks, up to 1 ms late
 *   xdp:IFACE,...                                      the same by AF_XDP
 *   host                                               the host's own sockets
 *   virtual                                            the internet inside plumb */
#pragma once
#include "base/addr.h"
#include <stdint.h>

enum via_kind { VIA_UNSET, VIA_VIRTUAL, VIA_HOST, VIA_TAP, VIA_PACKET, VIA_XDP };
/* Checksums and segmentation are left to the device; done by plumb's stack; every packet has wire size and its checksum. */
enum via_offload { VIA_OFFLOAD_ON, VIA_OFFLOAD_SOFT, VIA_OFFLOAD_OFF };
/* Whether the interface has IPv6, that is a link-local address of its own, those given, and those that routers advertise a
 * prefix for.  UNSET: unless it was given IPv4 addresses alone. */
enum via_ip6 { VIA_IP6_UNSET, VIA_IP6_ON, VIA_IP6_OFF };
enum { VIA_ADDRS = 8, VIA_DNS = 4 };

struct via {
    enum via_kind kind;
    char name[32];
    struct prefix addr[VIA_ADDRS];      /* none: DHCP, and IPv6's own ways */
    unsigned n_addr;
    struct addr gw4, gw6;               /* ADDR_NONE: not given */
    struct addr dns[VIA_DNS];
    unsigned n_dns;
    enum via_ip6 ip6;
    uint16_t mtu;                       /* 0: the interface's */
    enum via_offload offload;
    bool ring;                          /* packet: a ring of blocks */
};

/* False: `error` holds one line. */
bool via_parse(const char *text, struct via *out, char error[200]);
bool via_has_ip6(const struct via *v);
static inline bool via_is_wire(enum via_kind k) { return k == VIA_TAP || k == VIA_PACKET || k == VIA_XDP; }
