#include "view/packet_line_int.h"
#include "wire/arp.h"
#include "wire/dhcp4.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include <stdarg.h>
#include <stdio.h>

void line_say(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(l->out + l->at, PACKET_LINE - l->at, format, args);
    va_end(args);
    if (n > 0)
        l->at = l->at + (size_t)n < PACKET_LINE ? l->at + (size_t)n : PACKET_LINE - 1;
}

static void say_arp(struct line *l, struct reader *r)
{
    struct arp a;
    char one[ADDR_TEXT], two[ADDR_TEXT], mac[MAC_TEXT];
    if (!arp_read(r, &a))
        line_say(l, "ARP malformed");
    else if (a.op == ARP_REPLY)
        line_say(l, "ARP %s is at %s", addr_text(a.sender, one), mac_text(a.sender_mac, mac));
    else if (addr_is_any(a.sender))
        line_say(l, "ARP probe: does anyone have %s?", addr_text(a.target, one));
    else if (addr_eq(a.sender, a.target))
        line_say(l, "ARP announcement: %s is at %s", addr_text(a.sender, one), mac_text(a.sender_mac, mac));
    else
        line_say(l, "ARP who has %s? tell %s", addr_text(a.target, one), addr_text(a.sender, two));
}

/* What `len` bytes of packet leave of the reader: Ethernet pads. */
static void trim(struct reader *r, size_t len)
{
    if (rd_left(r) > len)
        *r = rd_sub(r, len);
}

static void say_fragment(struct line *l, const struct line_ends *ends, unsigned offset)
{
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    line_say(l, "%s > %s fragment at %u", addr_text(ends->src, src), addr_text(ends->dst, dst), offset);
}

static void say_ip4(struct line *l, struct reader *r)
{
    struct ip4 h;
    const enum why bad = ip4_read(r, &h);
    if (bad != WHY_NONE) {
        line_say(l, "IPv4: %s", why_text(bad));
        return;
    }
    const struct line_ends ends = { h.src, h.dst };
    trim(r, (size_t)h.total_len - h.header_len);
    if (h.frag_offset > 0)
        say_fragment(l, &ends, h.frag_offset);
    else
        line_say_upper(l, r, &ends, h.proto);
    if (h.more_fragments)
        line_say(l, " (first of several fragments)");
}

static void say_ip6(struct line *l, struct reader *r)
{
    struct reader whole = *r;
    struct ip6 h;
    struct ip6_chain chain;
    enum why bad = ip6_read(r, &h);
    if (bad == WHY_NONE) {
        trim(&whole, (size_t)IP6_HEADER + h.payload_len);
        bad = ip6_chain_read(whole, &chain);
    }
    if (bad != WHY_NONE) {
        line_say(l, "IPv6: %s", why_text(bad));
        return;
    }
    const struct line_ends ends = { h.src, h.dst };
    rd_skip(&whole, chain.upper);
    if (chain.frag_offset > 0)
        say_fragment(l, &ends, chain.frag_offset);
    else
        line_say_upper(l, &whole, &ends, chain.proto);
    if (chain.more_fragments)
        line_say(l, " (first of several fragments)");
}

static void say_by_type(struct line *l, struct reader *r, uint16_t type)
{
    if (type == ETH_VLAN && rd_left(r) >= 4) {
        line_say(l, "VLAN %u ", rd_u16(r) & 0xfffu);
        type = rd_u16(r);
    }
    if (type == ETH_ARP)
        say_arp(l, r);
    else if (type == ETH_IP4)
        say_ip4(l, r);
    else if (type == ETH_IP6)
        say_ip6(l, r);
    else
        line_say(l, "EtherType 0x%04x len %zu", type, rd_left(r));
}

/* What begins with the IP header says its version itself. */
static uint16_t type_of_ip(const struct reader *r) { return rd_left(r) && *r->at >> 4 == 6 ? ETH_IP6 : ETH_IP4; }

const char *packet_line(const void *bytes, size_t len, bool ether, char out[PACKET_LINE])
{
    struct reader r = reader_of(bytes, len);
    struct line l = { out, 0 };
    struct eth e = { .type = type_of_ip(&r) };
    out[0] = '\0';
    if (ether && !eth_read(&r, &e))
        line_say(&l, "Ethernet malformed");
    else
        say_by_type(&l, &r, e.type);
    return out;
}

static enum packet_kind upper_kind(struct reader *r, uint8_t proto)
{
    struct udp_header u;
    struct tcp_header t;
    if (proto == IP_TCP)
        return tcp_header_read(r, &t) && (t.src_port == 53 || t.dst_port == 53) ? KIND_DNS : KIND_TCP;
    if (proto == IP_ICMP || proto == IP_ICMP6)
        return KIND_ICMP;
    if (proto != IP_UDP || !udp_read(r, &u))
        return KIND_OTHER;
    return line_is_port(&u, 53, 53) ? KIND_DNS : line_is_port(&u, DHCP4_CLIENT_PORT, DHCP4_SERVER_PORT) ? KIND_DHCP : KIND_UDP;
}

static enum packet_kind ip4_kind(struct reader *r)
{
    struct ip4 h;
    return ip4_read(r, &h) != WHY_NONE || h.frag_offset ? KIND_OTHER : upper_kind(r, h.proto);
}

static enum packet_kind ip6_kind(struct reader *r)
{
    struct ip6_chain chain;
    if (ip6_chain_read(*r, &chain) != WHY_NONE || chain.frag_offset)
        return KIND_OTHER;
    rd_skip(r, chain.upper);
    return upper_kind(r, chain.proto);
}

enum packet_kind packet_kind(const void *bytes, size_t len, bool ether)
{
    struct reader r = reader_of(bytes, len);
    struct eth e = { .type = type_of_ip(&r) };
    if (ether && !eth_read(&r, &e))
        return KIND_OTHER;
    if (e.type == ETH_ARP) {
        struct arp a;
        const bool own = arp_read(&r, &a) && (addr_is_any(a.sender) || addr_eq(a.sender, a.target));
        return own ? KIND_ARP_OWN : KIND_ARP;
    }
    return e.type == ETH_IP4 ? ip4_kind(&r) : e.type == ETH_IP6 ? ip6_kind(&r) : KIND_OTHER;
}
