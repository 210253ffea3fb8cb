#include "stack/probe.h"
#include "base/checksum.h"
#include "stack/inner.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"
#include "wire/udp.h"
#include <stdlib.h>

enum { SYN_WINDOW = 1024, MSS_OPTION = 4, IP6_HEADER_LEN = 40 };

struct stack_probes {
    uint16_t port, n_ports;
    uint32_t first, n;
    struct probe_answer answer[PROBE_ANSWERS];
};

enum plumb_err stack_probe_open(struct stack *st, uint16_t n, uint16_t *first)
{
    if (st->probes || st->cfg.shards || n == 0 || n > PROBE_PORTS_MAX)
        return PLUMB_INVALID;
    st->probes = calloc(1, sizeof *st->probes);
    if (!st->probes)
        return PLUMB_NO_MEMORY;
    *first = (uint16_t)(PROBE_PORT_FIRST + rng_u64(&st->rng) % (PROBE_PORT_LAST - PROBE_PORT_FIRST + 2u - n));
    st->probes->port = *first;
    st->probes->n_ports = n;
    return PLUMB_OK;
}

void stack_probe_close(struct stack *st)
{
    free(st->probes);
    st->probes = NULL;
}

static bool is_probes(const struct stack_probes *s, uint16_t port) { return (uint16_t)(port - s->port) < s->n_ports; }

/* ------------------------------------------------------------------- out */

static uint32_t ip_header_len(const struct path *p) { return addr_is4(p->remote) ? IP4_HEADER : IP6_HEADER_LEN; }

static struct pkt *build_tcp(struct stack *st, const struct probe *q, const struct path *p)
{
    const uint8_t flags = q->flags ? q->flags : SYN;
    const uint32_t len = TCP_HEADER + (flags & SYN ? MSS_OPTION : 0u);
    struct pkt *k = pkt_new(&st->pools, len);
    if (!k)
        return NULL;
    uint8_t *at = pkt_append(k, len);
    struct writer w = writer_of(at, len);
    tcp_header_write(&w, &(struct tcp_header){ .src_port = q->local_port, .dst_port = q->to.port, .seq = seq(q->tcp_seq), .header_len = (uint8_t)len,
                                               .flags = flags, .window = SYN_WINDOW });
    if (flags & SYN)
        tcp_opt_write(&w, &(struct tcp_opt){ .has_mss = true, .mss = (uint16_t)(p->mtu - ip_header_len(p) - TCP_HEADER) });
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(p->local, p->remote, IP_TCP, len), at, len));
    memcpy(at + 16, &sum, sizeof sum);
    k->path = p;
    k->proto = IP_TCP;
    return k;
}

static enum plumb_err send_built(struct stack *st, const struct probe *q, struct pkt *k, int64_t now_ns)
{
    if (!k)
        return PLUMB_NO_MEMORY;
    k->ttl = q->ttl;
    k->tos = q->tos;
    k->dont_fragment = q->dont_fragment;
    k->time_ns = now_ns;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
    return PLUMB_OK;
}

static enum plumb_err send_echo(struct stack *st, const struct probe *q, int64_t now_ns)
{
    return inet_echo(&st->inet, &(struct inet_echo_request){ .from = q->from, .to = q->to.addr, .id = q->id, .seq = q->seq, .ttl = q->ttl, .data = q->data,
                                                             .len = q->len, .tos = q->tos, .dont_fragment = q->dont_fragment }, now_ns);
}

enum plumb_err stack_probe_send(struct stack *st, const struct probe *q, int64_t now_ns)
{
    struct path p;
    const uint32_t header = q->kind == PROBE_TCP ? TCP_HEADER + MSS_OPTION : UDP_HEADER;
    enum plumb_err e = PLUMB_OK;
    if (st->cfg.shards || (q->kind != PROBE_ECHO && (!st->probes || !is_probes(st->probes, q->local_port))))
        return PLUMB_INVALID;
    if (!inet_route(&st->inet, q->from, q->to.addr, &p))
        return PLUMB_NO_ROUTE;
    if (q->len > UINT16_MAX - 60 - header || (q->dont_fragment && ip_header_len(&p) + header + q->len > p.mtu))
        return PLUMB_TOO_BIG;
    p.tx_csum = 0;                      /* an error quotes the datagram as it left: with its checksum */
    if (q->kind == PROBE_ECHO)
        e = send_echo(st, q, now_ns);
    else if (q->kind == PROBE_UDP)
        e = send_built(st, q, udp_build(&st->udp, &p, q->local_port, q->to.port, q->data, q->len), now_ns);
    else
        e = send_built(st, q, build_tcp(st, q, &p), now_ns);
    stack_touch(st, now_ns);
    return e;
}

/* -------------------------------------------------------------------- in */

static void keep(struct stack *st, const struct probe_answer *a, int64_t now_ns)
{
    struct stack_probes *s = st->probes;
    if (s->n == PROBE_ANSWERS) {
        trace_count(&st->trace, WHY_ECHO_QUEUE_FULL, now_ns);
        return;
    }
    s->answer[(s->first + s->n++) % PROBE_ANSWERS] = *a;
    st->probe_news = true;
}

static bool checksum_good(const struct pkt *k)
{
    const csum_t pseudo = csum_pseudo(ip_src(k), ip_dst(k), k->proto, pkt_l4_len(k));
    return k->csum != CSUM_NONE || csum_finish(csum_add(pseudo, k->data + k->l4_off, pkt_l4_len(k))) == 0;
}

static uint8_t ttl_of(const struct pkt *k) { return k->data[k->net_off + (ip_version(k) == 4 ? 8u : 7u)]; }

static void note_segment(struct stack *st, const struct pkt *k, int64_t now_ns)
{
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    struct tcp_header h;
    if (!tcp_header_read(&r, &h) || !is_probes(st->probes, h.dst_port) || !checksum_good(k))
        return;
    keep(st, &(struct probe_answer){ .kind = PROBE_TCP, .from = ip_src(k), .about = { ip_src(k), h.src_port }, .local_port = h.dst_port,
                                     .tcp_seq = h.ack.n - 1, .has_seq = h.flags & ACK, .flags = h.flags, .ttl = ttl_of(k), .time_ns = k->time_ns }, now_ns);
}

/* True: it is a probe's, and goes no further. */
static bool take_datagram(struct stack *st, struct pkt *k, int64_t now_ns)
{
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    struct udp_header h;
    if (!udp_read(&r, &h) || !is_probes(st->probes, h.dst_port) || (h.checksum && !checksum_good(k)))
        return false;
    keep(st, &(struct probe_answer){ .kind = PROBE_UDP, .from = ip_src(k), .about = { ip_src(k), h.src_port }, .local_port = h.dst_port,
                                     .len = h.len - UDP_HEADER, .ttl = ttl_of(k),
                                     .time_ns = k->time_ns }, now_ns);
    pkt_free(k);
    return true;
}

void stack_probe_in(struct stack *st, struct batch *in, int64_t now_ns)
{
    if (!st->probes)
        return;
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (k->proto == IP_TCP && !k->group)
            note_segment(st, k, now_ns);
        if (k->proto != IP_UDP || k->group || !take_datagram(st, k, now_ns))
            batch_keep(&w, k);
    }
}

bool stack_probe_error(struct stack *st, const struct net_error *e, int64_t now_ns)
{
    if (!st->probes || (e->proto != IP_UDP && e->proto != IP_TCP) || !is_probes(st->probes, e->flow.local_port))
        return false;
    keep(st, &(struct probe_answer){ .kind = e->proto == IP_UDP ? PROBE_UDP : PROBE_TCP, .trouble = e->trouble, .from = e->from,
                                     .about = { e->flow.remote, e->flow.remote_port }, .local_port = e->flow.local_port,
                                     .tcp_seq = e->seq, .has_seq = e->has_seq, .type = e->type, .code = e->code, .mtu = e->mtu, .time_ns = now_ns }, now_ns);
    return true;
}

bool stack_probe_take(struct stack *st, struct probe_answer *out)
{
    struct stack_probes *s = st->probes;
    struct echo_result r;
    if (s && s->n > 0) {
        *out = s->answer[s->first];
        s->first = (s->first + 1) % PROBE_ANSWERS;
        s->n--;
        return true;
    }
    if (!stack_echo_take(st, &r))
        return false;
    *out = (struct probe_answer){ .kind = PROBE_ECHO, .trouble = r.trouble, .from = r.from, .about = { r.about, 0 }, .id = r.id, .seq = r.seq, .ttl = r.ttl,
                                  .type = r.icmp_type, .code = r.icmp_code, .mtu = r.mtu, .len = r.len, .time_ns = r.time_ns };
    return true;
}
