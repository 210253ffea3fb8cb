/* Reports as packets: to the routers of the link alone, with the alert that makes them look (RFC 9776 §4, RFC 9777 §5). */
#include "base/checksum.h"
#include "net/groups_int.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

enum { IP4_ALERT = 24, IP6_ALERT = IP6_HEADER + 8, REPORT_HEAD = 8, CONTROL = 0xc0 };
enum { ALL_ROUTERS_4 = (int)0xe0000002, REPORTS_4 = (int)0xe0000016 };
static const uint8_t all_routers_6[16] = { 0xff, 2, [15] = 2 }, reports_6[16] = { 0xff, 2, [15] = 22 };

/* Of the interface; IPv6's link-local one.  None yet: the unspecified address (RFC 9776 §4.2.13, RFC 3590). */
static struct addr source(const struct inet *n, unsigned iface, bool v4)
{
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *a = &n->addr[i];
        if (a->ready && a->iface == iface && addr_is4(a->prefix.addr) == v4 && (v4 || addr_is_link_local(a->prefix.addr)))
            return a->prefix.addr;
    }
    return v4 ? addr4(0) : ADDR_NONE;
}

/* RFC 2113: the option stands behind the header, whose length and checksum are mended. */
static void put_ip4(struct inet *n, uint8_t *to, struct addr src, struct addr dst, uint32_t len)
{
    static const uint8_t alert[4] = { 148, 4, 0, 0 };
    const struct ip4 h = { .src = src, .dst = dst, .total_len = (uint16_t)(IP4_ALERT + len), .tos = CONTROL, .ttl = 1, .proto = IP_IGMP,
                           .dont_fragment = true, .id = n->atomic_id++ };
    ip4_put(to, &h);
    memcpy(to + IP4_HEADER, alert, sizeof alert);
    to[0] = 4 << 4 | IP4_ALERT / 4;
    memset(to + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, to, IP4_ALERT));
    memcpy(to + 10, &sum, 2);
}

/* RFC 2711: in a hop-by-hop header, padded to eight bytes. */
static void put_ip6(uint8_t *to, struct addr src, struct addr dst, uint32_t len)
{
    static const uint8_t alert[8] = { IP_ICMP6, 0, 5, 2, 0, 0, 1, 0 };
    struct writer w = writer_of(to, IP6_ALERT);
    ip6_write(&w, &(struct ip6){ .src = src, .dst = dst, .payload_len = (uint16_t)(8 + len), .next = IP6_HOP_BY_HOP, .hop_limit = 1 });
    wr_bytes(&w, alert, sizeof alert);
}

static void send(struct inet *n, unsigned iface, struct addr dst, const uint8_t *message, uint32_t len, int64_t now_ns)
{
    const bool v4 = addr_is4(dst);
    const uint32_t head = v4 ? IP4_ALERT : IP6_ALERT;
    const struct addr src = source(n, iface, v4);
    struct pkt *k = pkt_new(n->pools, head + len);
    if (!k) {
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    uint8_t *at = pkt_append(k, head + len);
    memcpy(at + head, message, len);
    const csum_t pseudo = v4 ? (csum_t){ 0 } : csum_pseudo(src, dst, IP_ICMP6, len);
    const uint16_t sum = csum_finish(csum_add(pseudo, at + head, len));
    memcpy(at + head + 2, &sum, 2);
    if (v4)
        put_ip4(n, at, src, dst, len);
    else
        put_ip6(at, src, dst, len);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + head);
    k->proto = v4 ? IP_IGMP : IP_ICMP6;
    k->iface = (uint8_t)iface;
    k->next_hop = dst;
    k->time_ns = now_ns;
    pktq_push(&n->out, k);
}

void group_report_begin(struct group_report *r, struct inet *n, unsigned iface, bool v4)
{
    r->n = n;
    r->iface = iface;
    r->v4 = v4;
    r->n_record = 0;
    r->len = REPORT_HEAD;
}

void group_report_end(struct group_report *r, int64_t now_ns)
{
    if (r->n_record == 0)
        return;
    struct writer w = writer_of(r->bytes, REPORT_HEAD);
    if (r->v4)
        igmp_records_write(&w, r->n_record);
    else
        mld_records_write(&w, r->n_record);
    send(r->n, r->iface, r->v4 ? addr4((uint32_t)REPORTS_4) : addr6_bytes(reports_6), r->bytes, r->len, now_ns);
    group_report_begin(r, r->n, r->iface, r->v4);
}

void group_report_add(struct group_report *r, const struct group_record *rec, int64_t now_ns)
{
    const uint32_t mtu = r->n->iface[r->iface].mtu, room = mtu < sizeof r->bytes ? mtu : sizeof r->bytes;
    const uint32_t len = group_record_len(rec);
    if (r->len + len + IP6_ALERT > room)
        group_report_end(r, now_ns);
    struct writer w = writer_of(r->bytes + r->len, sizeof r->bytes - r->len);
    group_record_write(&w, rec);
    if (w.bad)
        return;
    r->len += len;
    r->n_record++;
}

void group_send_old(struct inet *n, const struct group *g, enum membership_kind kind, enum membership_version version, int64_t now_ns)
{
    uint8_t bytes[24];
    const bool v4 = addr_is4(g->addr), leave = kind == MEMBERSHIP_LEAVE;
    const struct membership m = { .kind = kind, .version = version, .group = g->addr };
    struct writer w = writer_of(bytes, sizeof bytes);
    if (v4)
        igmp_write(&w, &m);
    else
        mld_write(&w, &m);
    const struct addr routers = v4 ? addr4((uint32_t)ALL_ROUTERS_4) : addr6_bytes(all_routers_6);
    send(n, g->iface, leave ? routers : g->addr, bytes, (uint32_t)wr_len(&w), now_ns);
}
