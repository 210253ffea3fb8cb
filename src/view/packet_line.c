#include "view/packet_line.h"
#include "wire/arp.h"
#include "wire/dhcp4.h"
#include "wire/dns.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"
#include "wire/udp.h"
#include <stdarg.h>
#include <stdio.h>

struct line { char *out; size_t at; };

__attribute__((format(printf, 2, 3))) static void say(struct line *l, const char *format, ...)
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
        say(l, "ARP malformed");
    else if (a.op == ARP_REPLY)
        say(l, "ARP %s is at %s", addr_text(a.sender, one), mac_text(a.sender_mac, mac));
    else if (addr_is_any(a.sender))
        say(l, "ARP probe: does anyone have %s?", addr_text(a.target, one));
    else if (addr_eq(a.sender, a.target))
        say(l, "ARP announcement: %s is at %s", addr_text(a.sender, one), mac_text(a.sender_mac, mac));
    else
        say(l, "ARP who has %s? tell %s", addr_text(a.target, one), addr_text(a.sender, two));
}

static void say_tcp_options(struct line *l, struct reader *r)
{
    struct tcp_opt o;
    if (!tcp_opt_read(r, &o)) {
        say(l, " options malformed");
        return;
    }
    if (o.has_mss)
        say(l, " mss %u", o.mss);
    if (o.has_wscale)
        say(l, " wscale %u", o.wscale);
    if (o.sack_permitted)
        say(l, " sackOK");
    for (unsigned i = 0; i < o.n_sack; i++)
        say(l, " sack %u-%u", o.sack[i].from.n, o.sack[i].to.n);
    if (o.has_ts)
        say(l, " ts %u/%u", o.ts_val, o.ts_ecr);
}

static void say_tcp(struct line *l, struct reader *r, const struct ip4 *ip, size_t total)
{
    static const struct { uint8_t bit; const char *name; } flags[] = {
        { SYN, "SYN" }, { FIN, "FIN" }, { RST, "RST" }, { PSH, "PSH" }, { ACK, "ACK" }, { URG, "URG" }, { ECE, "ECE" }, { CWR, "CWR" } };
    struct tcp_header h;
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    if (!tcp_header_read(r, &h)) {
        say(l, "TCP malformed");
        return;
    }
    say(l, "%s:%u > %s:%u TCP", addr_text(ip->src, src), h.src_port, addr_text(ip->dst, dst), h.dst_port);
    const char *separator = " ";
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!(h.flags & flags[i].bit))
            continue;
        say(l, "%s%s", separator, flags[i].name);
        separator = ",";
    }
    say(l, " seq %u", h.seq.n);
    if (h.flags & ACK)
        say(l, " ack %u", h.ack.n);
    say(l, " win %u", h.window);
    if (h.flags & URG)
        say(l, " urg %u", h.urgent);
    if (total > h.header_len)
        say(l, " len %zu", total - h.header_len);
    struct reader options = rd_sub(r, h.header_len - TCP_HEADER);
    say_tcp_options(l, &options);
}

static void say_dns(struct line *l, struct reader msg)
{
    struct reader r = msg;
    struct dns_header h;
    struct dns_question q;
    char name[DNS_NAME_TEXT], a[ADDR_TEXT];
    if (!dns_header_read(&r, &h) || h.qd != 1 || !dns_question_read(&r, msg, &q)) {
        say(l, " DNS malformed");
        return;
    }
    const char *type = dns_type_text(q.type);
    say(l, " DNS %s %.80s %s", h.qr ? "answer" : "query", dns_name_text(&q.name, name), type ? type : "?");
    if (!h.qr)
        return;
    say(l, " %s", dns_rcode_text(h.rcode));
    for (unsigned i = 0; i < h.an; i++) {
        struct dns_record rr;
        struct addr addr;
        if (!dns_record_read(&r, msg, &rr))
            return;
        if (dns_record_addr(&rr, &addr))
            say(l, " %s", addr_text(addr, a));
    }
}

static void say_dhcp(struct line *l, struct reader r)
{
    static const char *const type[] = { "?", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM" };
    struct dhcp4 m;
    char a[ADDR_TEXT];
    if (!dhcp4_read(&r, &m)) {
        say(l, " DHCP malformed");
        return;
    }
    say(l, " DHCP %s", m.type <= DHCP4_INFORM ? type[m.type] : "?");
    if (!addr_is_any(m.yiaddr))
        say(l, " %s", addr_text(m.yiaddr, a));
    else if (!addr_is_none(m.requested))
        say(l, " %s", addr_text(m.requested, a));
}

static bool is_port(const struct udp_header *h, uint16_t a, uint16_t b)
{
    return h->src_port == a || h->dst_port == a || h->src_port == b || h->dst_port == b;
}

static void say_udp(struct line *l, struct reader *r, const struct ip4 *ip)
{
    struct udp_header h;
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    if (!udp_read(r, &h)) {
        say(l, "UDP malformed");
        return;
    }
    say(l, "%s:%u > %s:%u UDP", addr_text(ip->src, src), h.src_port, addr_text(ip->dst, dst), h.dst_port);
    if (is_port(&h, 53, 53))
        say_dns(l, *r);
    else if (is_port(&h, DHCP4_CLIENT_PORT, DHCP4_SERVER_PORT))
        say_dhcp(l, *r);
    else
        say(l, " len %u", h.len - UDP_HEADER);
}

/* What the code of a destination unreachable message says (RFC 792). */
static const char *unreachable_text(uint8_t code)
{
    static const char *const text[] = { "network", "host", "protocol", "port", "fragmentation needed" };
    return code < sizeof text / sizeof text[0] ? text[code] : "other";
}

static void say_icmp(struct line *l, struct reader *r, const struct ip4 *ip)
{
    struct icmp4 m;
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    if (!icmp4_read(r, &m)) {
        say(l, "ICMP malformed");
        return;
    }
    say(l, "%s > %s ICMP ", addr_text(ip->src, src), addr_text(ip->dst, dst));
    if (m.type == ICMP4_ECHO || m.type == ICMP4_ECHO_REPLY)
        say(l, "echo %s id %u seq %u", m.type == ICMP4_ECHO ? "request" : "reply", m.id, m.seq);
    else if (m.type == ICMP4_UNREACHABLE)
        say(l, "unreachable: %s", unreachable_text(m.code));
    else if (m.type == ICMP4_TIME_EXCEEDED)
        say(l, "time exceeded");
    else
        say(l, "type %u code %u", m.type, m.code);
}

static void say_ip4(struct line *l, struct reader *r)
{
    struct ip4 h;
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    const enum why bad = ip4_read(r, &h);
    if (bad != WHY_NONE) {
        say(l, "IPv4: %s", why_text(bad));
        return;
    }
    if (rd_left(r) > (size_t)h.total_len - h.header_len)
        *r = rd_sub(r, (size_t)h.total_len - h.header_len);
    if (h.frag_offset > 0)
        say(l, "%s > %s fragment at %u", addr_text(h.src, src), addr_text(h.dst, dst), h.frag_offset);
    else if (h.proto == IP_TCP)
        say_tcp(l, r, &h, rd_left(r));
    else if (h.proto == IP_UDP)
        say_udp(l, r, &h);
    else if (h.proto == IP_ICMP)
        say_icmp(l, r, &h);
    else
        say(l, "%s > %s protocol %u len %zu", addr_text(h.src, src), addr_text(h.dst, dst), h.proto, rd_left(r));
    if (h.more_fragments)
        say(l, " (first of several fragments)");
}

const char *packet_line(const void *bytes, size_t len, bool ether, char out[PACKET_LINE])
{
    struct reader r = reader_of(bytes, len);
    struct line l = { out, 0 };
    struct eth e = { .type = ETH_IP4 };
    out[0] = '\0';
    if (ether && !eth_read(&r, &e))
        say(&l, "Ethernet malformed");
    else if (e.type == ETH_ARP)
        say_arp(&l, &r);
    else if (e.type == ETH_IP4)
        say_ip4(&l, &r);
    else
        say(&l, "EtherType 0x%04x len %zu", e.type, rd_left(&r));
    return out;
}

static enum packet_kind ip_kind(struct reader *r)
{
    struct ip4 h;
    struct udp_header u;
    if (ip4_read(r, &h) != WHY_NONE || h.frag_offset)
        return KIND_OTHER;
    if (h.proto == IP_TCP) {
        struct tcp_header t;
        return tcp_header_read(r, &t) && (t.src_port == 53 || t.dst_port == 53) ? KIND_DNS : KIND_TCP;
    }
    if (h.proto == IP_ICMP)
        return KIND_ICMP;
    if (h.proto != IP_UDP || !udp_read(r, &u))
        return KIND_OTHER;
    return is_port(&u, 53, 53) ? KIND_DNS : is_port(&u, DHCP4_CLIENT_PORT, DHCP4_SERVER_PORT) ? KIND_DHCP : KIND_UDP;
}

enum packet_kind packet_kind(const void *bytes, size_t len, bool ether)
{
    struct reader r = reader_of(bytes, len);
    struct eth e = { .type = ETH_IP4 };
    if (ether && !eth_read(&r, &e))
        return KIND_OTHER;
    if (e.type == ETH_ARP) {
        struct arp a;
        const bool own = arp_read(&r, &a) && (addr_is_any(a.sender) || addr_eq(a.sender, a.target));
        return own ? KIND_ARP_OWN : KIND_ARP;
    }
    return e.type == ETH_IP4 ? ip_kind(&r) : KIND_OTHER;
}
