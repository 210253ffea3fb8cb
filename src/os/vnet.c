#include "os/vnet.h"
#include "wire/ip4.h"
#include <linux/virtio_net.h>

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

bool vnet_read(const uint8_t in[VNET_HDR], struct pkt *k)
{
    struct virtio_net_hdr h;
    memcpy(&h, in, VNET_HDR);
    if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        if (h.csum_start >= k->len || k->len - h.csum_start < h.csum_offset + 2u)
            return false;
        k->csum = CSUM_PARTIAL;
        k->csum_field = (uint8_t)h.csum_offset;
        k->l4_off = (uint16_t)(k->head + h.csum_start);
    } else if (h.flags & VIRTIO_NET_HDR_F_DATA_VALID) {
        k->csum = CSUM_OK;
    }
    const uint8_t kind = h.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (kind == VIRTIO_NET_HDR_GSO_TCPV4 || kind == VIRTIO_NET_HDR_GSO_TCPV6) {
        k->gso_size = h.gso_size;
        k->proto = IP_TCP;
        return h.gso_size != 0;
    }
    return kind == VIRTIO_NET_HDR_GSO_NONE;
}
