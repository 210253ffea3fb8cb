/* A RST in somebody's name: what a router says of a TCP segment that it refuses (RFC 9293 §3.10.7.1). */
#include "base/checksum.h"
#include "net/inet.h"
#include "wire/tcp.h"

enum { TCP_AT_CHECKSUM = 16 };

/* SEQ is what the segment acknowledges, else 0 and ACK is of all it holds. */
static bool answer_to(const struct pkt *k, struct tcp_header *out)
{
    struct tcp_header h;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    if (!tcp_header_read(&r, &h) || h.flags & RST)
        return false;
    const uint32_t text = pkt_l4_len(k) - h.header_len;
    *out = (struct tcp_header){ .src_port = h.dst_port, .dst_port = h.src_port, .header_len = TCP_HEADER, .flags = RST };
    if (h.flags & ACK) {
        out->seq = h.ack;
        return true;
    }
    out->flags |= ACK;
    out->ack = seq_add(h.seq, text + !!(h.flags & SYN) + !!(h.flags & FIN));
    return true;
}

void inet_reset(struct inet *n, const struct pkt *k, int64_t now_ns)
{
    struct tcp_header h;
    const struct addr to = ip_src(k);
    const struct route *r = route_find(&n->routes, to, n->ifaces_up);
    if (k->group || k->proto != IP_TCP || !r || r->kind != ROUTE_ON || !answer_to(k, &h))
        return;
    const struct path p = { .local = ip_dst(k), .remote = to, .next_hop = addr_is_none(r->via) ? to : r->via, .generation = n->generation,
                            .mtu = n->iface[r->iface].mtu, .iface = r->iface };
    struct pkt *e = pkt_new(n->pools, TCP_HEADER);
    if (!e) {
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    struct writer w = writer_of(pkt_append(e, TCP_HEADER), TCP_HEADER);
    tcp_header_write(&w, &h);
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(p.local, p.remote, IP_TCP, TCP_HEADER), pkt_head(e), TCP_HEADER));
    memcpy(pkt_head(e) + TCP_AT_CHECKSUM, &sum, 2);
    e->path = &p;
    e->proto = IP_TCP;
    e->time_ns = now_ns;
    e->dont_fragment = true;
    e = inet_send(n, e, now_ns);
    if (e)
        pktq_push(&n->out, e);
}
