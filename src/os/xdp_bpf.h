/* The program that an interface runs on each frame before the host's own stack sees it
 * (AF_XDP, Linux Documentation/networking/af_xdp.rst): what is for plumb goes to the socket
 * of the queue it came by, everything else on to the host.
 *
 * A frame cannot be had by both.  For plumb is what is sent to its own MAC; ARP for an
 * address of its own, whoever it is sent to; what is sent to the solicited-node group of
 * an IPv6 address of its own; and a DHCP answer to its MAC.  Every other
 * broadcast and multicast is the host's, and plumb does not hear it. */
#pragma once
#include "base/addr.h"
#include <stdbool.h>

struct xdp_bpf { int link, sockets, addrs; };   /* descriptors; when they close the program is gone */

enum { XDP_BPF_QUEUES = 64, XDP_BPF_ADDRS = 64 };

/* In the driver when it can, else in the kernel's generic way.  False: errno says why (EBUSY: there
 * is another program), nothing is open. */
bool xdp_bpf_attach(struct xdp_bpf *x, unsigned ifindex, struct mac own);
void xdp_bpf_detach(struct xdp_bpf *x);
bool xdp_bpf_socket(const struct xdp_bpf *x, unsigned queue, int fd);
/* Is plumb's, and its ARP with it; or, of a solicited-node group, the last four bytes, which begin with 0xff as no host's address does. */
void xdp_bpf_addr(const struct xdp_bpf *x, const uint8_t addr[4]);
