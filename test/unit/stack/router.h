/* A router for tests, on plain IP interfaces: packets put in on one side, taken out and verified on the other. */
#pragma once
#include "../test.h"
#include "base/checksum.h"
#include "stack/gate.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { INSIDE, OUTSIDE };

static struct stack *router;
static int64_t now_ns;

static inline struct addr ip(unsigned a, unsigned b, unsigned c, unsigned d) { return addr4(a << 24 | b << 16 | c << 8 | d); }

/* 192.168.1.1/24 inside, 203.0.113.1/24 outside and a default route there by .254.  gate NULL: none. */
static inline void router_begin(const struct gate_config *gate)
{
    now_ns = NS_PER_SEC;
    router = stack_new(&(struct stack_config){ .seed = 7, .forwarding = true, .small_pkts = 512, .large_pkts = 8 }, now_ns);
    for (unsigned i = 0; i < 2; i++) {
        const struct iface_config c = { .kind = IFACE_IP, .mtu = 1500 };
        assert_int_equal(stack_add_iface(router, &c, now_ns), i);
        const struct prefix p = { i ? ip(203, 0, 113, 1) : ip(192, 168, 1, 1), 24 };
        assert_int_equal(stack_add_addr(router, i, p, false, now_ns), PLUMB_OK);
    }
    assert_int_equal(stack_add_route(router, (struct prefix){ addr4(0), 0 }, ip(203, 0, 113, 254), OUTSIDE, now_ns), PLUMB_OK);
    if (!gate)
        return;
    assert_int_equal(stack_gate_open(router, gate, now_ns), PLUMB_OK);
    if (gate->nat)
        assert_int_equal(stack_nat_outside(router, OUTSIDE), PLUMB_OK);
}

static inline void router_end(void)
{
    struct batch b;
    for (unsigned i = 0; i < 2; i++) {
        batch_init(&b);
        stack_output(router, i, &b, now_ns);
        batch_free(&b);
    }
    stack_free(router);
}

static inline uint64_t drops(enum why why) { return stack_trace(router)->drops[why]; }
static inline void pass_time(int64_t ns)
{
    now_ns += ns;
    stack_tick(router, now_ns);
}

/* One packet; of ICMP queries sport or dport is the id. */
struct seen { struct tuple t; uint8_t flags, type, code, ttl; uint32_t len; uint16_t gso; };

static inline void put_l4_csum(uint8_t *l4, uint32_t at, const struct tuple *t, uint32_t len)
{
    const csum_t pseudo = t->proto == IP_ICMP ? (csum_t){ 0 } : csum_pseudo(t->src, t->dst, t->proto, len);
    memset(l4 + at, 0, 2);
    const uint16_t sum = csum_finish(csum_add(pseudo, l4, len));
    memcpy(l4 + at, &sum, 2);
}

static inline uint32_t csum_at(uint8_t proto) { return proto == IP_TCP ? 16 : proto == IP_UDP ? 6 : 2; }

/* `flags` of TCP; ICMP: an echo request when sport is set, else a reply. */
static inline struct pkt *make(const struct tuple *t, uint8_t flags, uint32_t payload)
{
    const uint32_t header = t->proto == IP_TCP ? 20 : 8, len = header + payload;
    struct pkt *k = pkt_new(stack_pools(router), 20 + len);
    struct writer w = writer_of(pkt_append(k, 20 + len), 20 + len);
    ip4_write(&w, &(struct ip4){ .src = t->src, .dst = t->dst, .ttl = 64, .proto = t->proto, .total_len = (uint16_t)(20 + len) });
    if (t->proto == IP_TCP) {
        tcp_header_write(&w, &(struct tcp_header){ .src_port = t->sport, .dst_port = t->dport, .flags = flags, .header_len = 20, .window = 1000 });
    } else if (t->proto == IP_UDP) {
        udp_write(&w, &(struct udp_header){ .src_port = t->sport, .dst_port = t->dport, .len = (uint16_t)len });
    } else {
        wr_u8(&w, t->sport ? ICMP4_ECHO : ICMP4_ECHO_REPLY);
        wr_fill(&w, 0, 3);
        wr_u16(&w, t->sport ? t->sport : t->dport);
        wr_u16(&w, 1);
    }
    wr_fill(&w, 0x5a, payload);
    put_l4_csum(pkt_head(k) + 20, csum_at(t->proto), t, len);
    return k;
}

static inline void put(unsigned iface, struct pkt *k)
{
    struct batch b;
    batch_init(&b);
    batch_add(&b, k);
    k->time_ns = now_ns;
    stack_input(router, iface, &b, now_ns);
}

/* Every checksum of it is right. */
static inline struct seen look(struct pkt *k)
{
    struct ip4 h;
    struct reader r = pkt_reader(k);
    assert_int_equal(ip4_read(&r, &h), WHY_NONE);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + h.header_len);
    k->proto = h.proto;
    struct seen s = { .ttl = h.ttl, .len = h.total_len, .gso = k->gso_size };
    const enum tuple_kind kind = tuple_read(k, &s.t);
    const uint8_t *l4 = pkt_l4(k);
    if (h.proto == IP_ICMP) {
        s.type = l4[0];
        s.code = l4[1];
    } else if (h.proto == IP_TCP) {
        s.flags = l4[13];
    }
    const csum_t pseudo = h.proto == IP_ICMP ? (csum_t){ 0 } : csum_pseudo(h.src, h.dst, h.proto, pkt_l4_len(k));
    if (!h.more_fragments && !h.frag_offset)
        assert_int_equal(csum_finish(csum_add(pseudo, l4, pkt_l4_len(k))), 0);
    if (kind == TUPLE_ERROR) {          /* what it quotes is sound too, as far as it goes */
        const uint8_t *q = l4 + 8;
        const uint32_t quoted = load_be16(q + 2), there = pkt_l4_len(k) - 8;
        assert_int_equal(csum_finish(csum_add((csum_t){ 0 }, q, 20)), 0);
        if (there >= quoted && q[9] != IP_ICMP)
            assert_int_equal(csum_finish(csum_add(csum_pseudo(addr4_bytes(q + 12), addr4_bytes(q + 16), q[9], quoted - 20), q + 20, quoted - 20)), 0);
    }
    return s;
}

/* False: nothing leaves there. */
static inline bool take(unsigned iface, struct seen *out)
{
    struct batch b;
    batch_init(&b);
    stack_output(router, iface, &b, now_ns);
    if (b.n == 0)
        return false;
    assert_int_equal(b.n, 1);
    *out = look(b.pkt[0]);
    batch_free(&b);
    return true;
}

static inline bool silent(void)
{
    struct seen s;
    return !take(INSIDE, &s) && !take(OUTSIDE, &s);
}

/* Puts it in, and takes out what leaves on the other side. */
static inline bool through(unsigned in, unsigned out, struct tuple t, uint8_t flags, struct seen *s)
{
    put(in, make(&t, flags, 16));
    return take(out, s);
}
static inline struct tuple tuple_of(uint8_t proto, struct addr src, unsigned sport, struct addr dst, unsigned dport)
{
    return (struct tuple){ .src = src, .dst = dst, .sport = (uint16_t)sport, .dport = (uint16_t)dport, .proto = proto };
}
