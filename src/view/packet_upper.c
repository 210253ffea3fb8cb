/* TCP, UDP and what stands in them, in words. */
#include "view/packet_line_int.h"
#include "wire/dhcp4.h"
#include "wire/dns.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"

static void say_tcp_options(struct line *l, struct reader *r)
{
    struct tcp_opt o;
    if (!tcp_opt_read(r, &o)) {
        line_say(l, " options malformed");
        return;
    }
    if (o.has_mss)
        line_say(l, " mss %u", o.mss);
    if (o.has_wscale)
        line_say(l, " wscale %u", o.wscale);
    if (o.sack_permitted)
        line_say(l, " sackOK");
    for (unsigned i = 0; i < o.n_sack; i++)
        line_say(l, " sack %u-%u", o.sack[i].from.n, o.sack[i].to.n);
    if (o.has_ts)
        line_say(l, " ts %u/%u", o.ts_val, o.ts_ecr);
}

static void say_tcp(struct line *l, struct reader *r, const struct line_ends *ends)
{
    static const struct { uint8_t bit; const char *name; } flags[] = {
        { SYN, "SYN" }, { FIN, "FIN" }, { RST, "RST" }, { PSH, "PSH" }, { ACK, "ACK" }, { URG, "URG" }, { ECE, "ECE" }, { CWR, "CWR" } };
    struct tcp_header h;
    char src[ENDPOINT_TEXT], dst[ENDPOINT_TEXT];
    const size_t total = rd_left(r);
    if (!tcp_header_read(r, &h)) {
        line_say(l, "TCP malformed");
        return;
    }
    line_say(l, "%s > %s TCP", endpoint_text((struct endpoint){ ends->src, h.src_port }, src), endpoint_text((struct endpoint){ ends->dst, h.dst_port }, dst));
    const char *separator = " ";
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!(h.flags & flags[i].bit))
            continue;
        line_say(l, "%s%s", separator, flags[i].name);
        separator = ",";
    }
    line_say(l, " seq %u", h.seq.n);
    if (h.flags & ACK)
        line_say(l, " ack %u", h.ack.n);
    line_say(l, " win %u", h.window);
    if (h.flags & URG)
        line_say(l, " urg %u", h.urgent);
    if (total > h.header_len)
        line_say(l, " len %zu", total - h.header_len);
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
        line_say(l, " DNS malformed");
        return;
    }
    const char *type = dns_type_text(q.type);
    line_say(l, " DNS %s %.80s %s", h.qr ? "answer" : "query", dns_name_text(&q.name, name), type ? type : "?");
    if (!h.qr)
        return;
    line_say(l, " %s", dns_rcode_text(h.rcode));
    for (unsigned i = 0; i < h.an; i++) {
        struct dns_record rr;
        struct addr addr;
        if (!dns_record_read(&r, msg, &rr))
            return;
        if (dns_record_addr(&rr, &addr))
            line_say(l, " %s", addr_text(addr, a));
    }
}

static void say_dhcp(struct line *l, struct reader r)
{
    static const char *const type[] = { "?", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM" };
    struct dhcp4 m;
    char a[ADDR_TEXT];
    if (!dhcp4_read(&r, &m)) {
        line_say(l, " DHCP malformed");
        return;
    }
    line_say(l, " DHCP %s", m.type <= DHCP4_INFORM ? type[m.type] : "?");
    if (!addr_is_any(m.yiaddr))
        line_say(l, " %s", addr_text(m.yiaddr, a));
    else if (!addr_is_none(m.requested))
        line_say(l, " %s", addr_text(m.requested, a));
}

static void say_udp(struct line *l, struct reader *r, const struct line_ends *ends)
{
    struct udp_header h;
    char src[ENDPOINT_TEXT], dst[ENDPOINT_TEXT];
    if (!udp_read(r, &h)) {
        line_say(l, "UDP malformed");
        return;
    }
    line_say(l, "%s > %s UDP", endpoint_text((struct endpoint){ ends->src, h.src_port }, src), endpoint_text((struct endpoint){ ends->dst, h.dst_port }, dst));
    if (line_is_port(&h, 53, 53))
        say_dns(l, *r);
    else if (addr_is4(ends->src) && line_is_port(&h, DHCP4_CLIENT_PORT, DHCP4_SERVER_PORT))
        say_dhcp(l, *r);
    else
        line_say(l, " len %u", h.len - UDP_HEADER);
}

void line_say_upper(struct line *l, struct reader *r, const struct line_ends *ends, uint8_t proto)
{
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    switch (proto) {
    case IP_TCP:   say_tcp(l, r, ends); return;
    case IP_UDP:   say_udp(l, r, ends); return;
    case IP_ICMP:  line_say_icmp(l, r, ends); return;
    case IP_ICMP6: line_say_icmp6(l, r, ends); return;
    case IP_IGMP:  line_say_igmp(l, r, ends); return;
    default:
        line_say(l, "%s > %s protocol %u len %zu", addr_text(ends->src, src), addr_text(ends->dst, dst), proto, rd_left(r));
    }
}
