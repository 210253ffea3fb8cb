#include "os/vnet.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/udp.h"
#include <linux/virtio_net.h>

enum { TCP_CHECKSUM_AT = 16, UDP_CHECKSUM_AT = 6 };

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HDR, "the header without mergeable buffers");

void vnet_write(uint8_t out[VNET_HDR], const struct pkt *k)
{
    struct virtio_net_hdr h = { 0 };
    if (k->csum == CSUM_PARTIAL) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = (uint16_t)(k->l4_off - k->head);
        h.csum_offset = k->csum_field;
    }
    if (k->gso_size) {
        const bool v4 = k->data[k->net_off] >> 4 == 4;
        h.gso_type = v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
        h.gso_size = k->gso_size;
        h.hdr_len = (uint16_t)(k->l4_off - k->head + (k->data[k->l4_off + 12] >> 4) * 4);
    }
    memcpy(out, &h, VNET_HDR);
}

/* Where the transport header begins and its checksum lies; false: not one of TCP or UDP over IP,
 * or the frame is too short for it. */
static bool read_partial(const struct virtio_net_hdr *h, struct pkt *k)
{
    const uint32_t header = h->csum_offset == TCP_CHECKSUM_AT ? TCP_HEADER : UDP_HEADER;
    if (h->csum_offset != TCP_CHECKSUM_AT && h->csum_offset != UDP_CHECKSUM_AT)
        return false;
    if (h->csum_start < ETH_HEADER + IP4_HEADER || h->csum_start + header > k->len)
        return false;
    k->csum = CSUM_PARTIAL;
    k->csum_field = (uint8_t)h->csum_offset;
    k->l4_off = (uint16_t)(k->head + h->csum_start);
    return true;
}

bool vnet_read(const uint8_t in[VNET_HDR], struct pkt *k)
{
    struct virtio_net_hdr h;
    memcpy(&h, in, VNET_HDR);
    if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !read_partial(&h, k))
        return false;
    if (!(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && h.flags & VIRTIO_NET_HDR_F_DATA_VALID)
        k->csum = CSUM_OK;
    const uint8_t kind = h.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (kind == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    /* nobody can tell whether the checksum of a large packet is right, unless it was left out or verified */
    if ((kind != VIRTIO_NET_HDR_GSO_TCPV4 && kind != VIRTIO_NET_HDR_GSO_TCPV6) || k->csum == CSUM_NONE ||
        (k->csum == CSUM_PARTIAL && k->csum_field != TCP_CHECKSUM_AT))
        return false;
    k->gso_size = h.gso_size;
    k->proto = IP_TCP;
    return h.gso_size != 0;
}
