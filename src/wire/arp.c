#include "wire/arp.h"
#include "wire/eth.h"

enum { HARDWARE_ETHERNET = 1 };

static struct addr read_addr4(struct reader *r) { return addr4(rd_u32(r)); }

bool arp_read(struct reader *r, struct arp *out)
{
    const uint16_t hardware = rd_u16(r), protocol = rd_u16(r);
    const uint8_t hardware_len = rd_u8(r), protocol_len = rd_u8(r);
    if (hardware != HARDWARE_ETHERNET || protocol != ETH_IP4 || hardware_len != 6 || protocol_len != 4)
        return false;
    out->op = rd_u16(r);
    rd_copy(r, out->sender_mac.b, 6);
    out->sender = read_addr4(r);
    rd_copy(r, out->target_mac.b, 6);
    out->target = read_addr4(r);
    return !r->bad;
}

void arp_write(struct writer *w, const struct arp *a)
{
    wr_u16(w, HARDWARE_ETHERNET);
    wr_u16(w, ETH_IP4);
    wr_u8(w, 6);
    wr_u8(w, 4);
    wr_u16(w, a->op);
    wr_bytes(w, a->sender_mac.b, 6);
    wr_u32(w, addr_v4(a->sender));
    wr_bytes(w, a->target_mac.b, 6);
    wr_u32(w, addr_v4(a->target));
}
