/* Neighbour discovery and the machine of reachability: RFC 4861 §7.2, §7.3 and the table of appendix C. */
#include "../test.h"
#include "base/checksum.h"
#include "link/neigh.h"
#include "wire/eth.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct neigh n;
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } }, other = { { 2, 0, 0, 0, 0, 3 } }, none;
static const struct addr ALL_NODES = { .b = { 0xff, 2, [15] = 1 } };

static struct addr ip(unsigned last) { return (struct addr){ .b = { 0xfe, 0x80, [14] = (uint8_t)(last >> 8), [15] = (uint8_t)last } }; }

static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 512, 1));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    assert_true(neigh_init(&n, &trace, &pools, &rng, 16, 100));
    neigh_set_iface(&n, 0, &(struct neigh_iface){ .mac = own, .ether = true });
    assert_true(acd_add(&n.acd, 0, own, ip(1), ACD_USE, 0));
    neigh_tick(&n, 0);
    pktq_free(&n.ready);                /* the announcement */
}

static void end(void)
{
    neigh_fini(&n);
    assert_int_equal(pools.small.used, 0);
    pkt_pools_fini(&pools);
}

static struct pkt *ip_packet(struct addr src, struct addr dst)
{
    struct pkt *k = pkt_new(&pools, IP6_HEADER);
    struct writer w = writer_of(pkt_append(k, IP6_HEADER), IP6_HEADER);
    ip6_write(&w, &(struct ip6){ .src = src, .dst = dst, .next = IP_ICMP6, .hop_limit = 255 });
    k->net_off = (uint16_t)k->head;
    k->next_hop = dst;
    return k;
}

static bool sends(unsigned last, int64_t now_ns)
{
    struct pkt *k = neigh_send(&n, ip_packet(ip(1), ip(last)), now_ns);
    pkt_free(k);
    return k;
}

static void hear(struct addr src, struct addr dst, struct nd m, int64_t now_ns) { neigh_nd_in(&n, ip_packet(src, dst), &m, now_ns); }

enum { SOLICITED = 1, OVERRIDE = 2, ROUTER = 4 };
static void advert(unsigned last, struct mac mac, unsigned flags, int64_t now_ns)
{
    hear(ip(last), ip(1), (struct nd){ .type = ICMP6_NEIGH_ADVERT, .target = ip(last), .solicited = flags & SOLICITED, .override = flags & OVERRIDE,
                                       .router = flags & ROUTER, .has_target_mac = !mac_eq(mac, none), .target_mac = mac }, now_ns);
}

struct said { struct mac dst; struct ip6 ip; struct nd nd; };

/* The next frame, whole and with its checksum right. */
static struct said said(void)
{
    struct said s;
    struct eth e;
    struct pkt *k = pktq_pop(&n.ready);
    assert_non_null(k);
    struct reader r = pkt_reader(k);
    assert_true(eth_read(&r, &e));
    assert_int_equal(e.type, ETH_IP6);
    assert_true(mac_eq(e.src, own));
    s.dst = e.dst;
    assert_int_equal(ip6_read(&r, &s.ip), WHY_NONE);
    assert_int_equal(s.ip.hop_limit, 255);
    r = reader_of(r.at, s.ip.payload_len);
    assert_int_equal(csum_finish(csum_add(csum_pseudo(s.ip.src, s.ip.dst, IP_ICMP6, s.ip.payload_len), r.at, s.ip.payload_len)), 0);
    assert_true(nd_read(&r, &s.nd));
    pkt_free(k);
    return s;
}

static const struct neigh_entry *entry(unsigned last)
{
    const struct neigh_entry *e;
    for (uint32_t cursor = 0; (e = neigh_walk(&n, &cursor));)
        if (addr_eq(e->addr, ip(last)))
            return e;
    return NULL;
}
static int state(unsigned last) { return entry(last) ? entry(last)->state : NEIGH_FREE; }

/* Brings fe80::2 into a state, its MAC `peer`; returns the time. */
static int64_t bring(enum neigh_state s)
{
    int64_t t = 10 * NS_PER_SEC;
    assert_false(sends(2, t));
    pktq_free(&n.ready);
    if (s == NEIGH_INCOMPLETE)
        return t;
    advert(2, peer, OVERRIDE | (s == NEIGH_REACHABLE ? SOLICITED : 0), t);
    pktq_free(&n.ready);
    if (s == NEIGH_DELAY || s == NEIGH_PROBE)
        assert_true(sends(2, t));
    if (s == NEIGH_PROBE)
        neigh_tick(&n, t += 5 * NS_PER_SEC);
    pktq_free(&n.ready);
    assert_int_equal(state(2), s);
    return t;
}

static void solicits_and_waits(void **s)
{
    (void)s;
    begin();
    for (int i = 0; i < 3; i++)
        assert_false(sends(2, 0));
    const struct said q = said();
    assert_int_equal(n.ready.n, 0);                     /* one for them all */
    assert_memory_equal(q.dst.b, "\x33\x33\xff\x00\x00\x02", 6);
    assert_true(addr_eq(q.ip.dst, nd_solicited_node(ip(2))) && addr_eq(q.ip.src, ip(1)));
    assert_true(q.nd.type == ICMP6_NEIGH_SOLICIT && addr_eq(q.nd.target, ip(2)) && q.nd.has_source_mac && mac_eq(q.nd.source_mac, own));
    advert(2, peer, SOLICITED | OVERRIDE, NS_PER_MS);
    assert_int_equal(n.ready.n, 3);
    assert_int_equal(state(2), NEIGH_REACHABLE);
    assert_true(sends(2, NS_PER_MS));
    end();
}

/* INCOMPLETE: three times a second apart, then the packets are given back. */
static void nobody_answers(void **s)
{
    (void)s;
    begin();
    assert_false(sends(2, 0));
    for (int i = 1; i <= 3; i++) {
        (void)said();
        neigh_tick(&n, i * NS_PER_SEC);
    }
    assert_int_equal(n.ready.n, 0);
    assert_int_equal(n.failed.n, 1);
    assert_null(entry(2));
    end();
}

/* §7.3.2: REACHABLE, STALE, used: DELAY, PROBE to itself alone, gone. */
static void ages(void **s)
{
    (void)s;
    begin();
    int64_t t = bring(NEIGH_REACHABLE);
    const int64_t until = neigh_deadline(&n);
    assert_in_range(until - t, 15 * NS_PER_SEC, 45 * NS_PER_SEC);
    neigh_tick(&n, t = until);
    assert_int_equal(state(2), NEIGH_STALE);
    assert_int_equal(neigh_deadline(&n), DEADLINE_NEVER);
    assert_true(sends(2, t));
    assert_int_equal(state(2), NEIGH_DELAY);
    assert_int_equal(n.ready.n, 0);
    assert_int_equal(neigh_deadline(&n) - t, 5 * NS_PER_SEC);
    for (int i = 0; i < 3; i++) {
        neigh_tick(&n, t = neigh_deadline(&n));
        assert_int_equal(state(2), NEIGH_PROBE);
        assert_true(sends(2, t));
        const struct said q = said();
        assert_true(mac_eq(q.dst, peer) && addr_eq(q.ip.dst, ip(2)) && q.nd.type == ICMP6_NEIGH_SOLICIT);
    }
    neigh_tick(&n, neigh_deadline(&n));
    assert_null(entry(2));
    end();
}

static void times_of_the_routers(void **s)
{
    (void)s;
    begin();
    neigh_set_times(&n, 0, &(struct neigh_times){ .reachable_ns = 2 * NS_PER_SEC, .retrans_ns = 250 * NS_PER_MS });
    const int64_t t = bring(NEIGH_REACHABLE);
    assert_in_range(neigh_deadline(&n) - t, NS_PER_SEC, 3 * NS_PER_SEC);
    assert_false(sends(3, t));
    assert_int_equal(neigh_deadline(&n) - t, 250 * NS_PER_MS);
    end();
}

/* Appendix C: what an advertisement does, by state, flags and whether the MAC is another. */
static void every_advertisement(void **s)
{
    (void)s;
    static const struct { enum neigh_state from; unsigned flags; int mac; enum neigh_state to; bool taken; } row[] = {
        /* mac: 0 none, 1 the same, 2 another */
        { NEIGH_INCOMPLETE, 0,                    0, NEIGH_INCOMPLETE, false },
        { NEIGH_INCOMPLETE, SOLICITED | OVERRIDE, 0, NEIGH_INCOMPLETE, false },
        { NEIGH_INCOMPLETE, 0,                    2, NEIGH_STALE,      true },
        { NEIGH_INCOMPLETE, SOLICITED,            2, NEIGH_REACHABLE,  true },
        { NEIGH_REACHABLE,  0,                    2, NEIGH_STALE,      false },
        { NEIGH_REACHABLE,  SOLICITED,            2, NEIGH_STALE,      false },
        { NEIGH_REACHABLE,  OVERRIDE,             2, NEIGH_STALE,      true },
        { NEIGH_REACHABLE,  SOLICITED | OVERRIDE, 2, NEIGH_REACHABLE,  true },
        { NEIGH_REACHABLE,  OVERRIDE,             1, NEIGH_REACHABLE,  false },
        { NEIGH_REACHABLE,  0,                    0, NEIGH_REACHABLE,  false },
        { NEIGH_STALE,      0,                    1, NEIGH_STALE,      false },
        { NEIGH_STALE,      SOLICITED,            1, NEIGH_REACHABLE,  false },
        { NEIGH_STALE,      SOLICITED,            2, NEIGH_STALE,      false },
        { NEIGH_STALE,      SOLICITED | OVERRIDE, 2, NEIGH_REACHABLE,  true },
        { NEIGH_STALE,      OVERRIDE,             2, NEIGH_STALE,      true },
        { NEIGH_DELAY,      0,                    1, NEIGH_DELAY,      false },
        { NEIGH_DELAY,      SOLICITED,            1, NEIGH_REACHABLE,  false },
        { NEIGH_DELAY,      SOLICITED,            2, NEIGH_DELAY,      false },
        { NEIGH_DELAY,      OVERRIDE,             2, NEIGH_STALE,      true },
        { NEIGH_PROBE,      SOLICITED,            0, NEIGH_REACHABLE,  false },
        { NEIGH_PROBE,      0,                    2, NEIGH_PROBE,      false },
        { NEIGH_PROBE,      OVERRIDE,             1, NEIGH_PROBE,      false },
        { NEIGH_PROBE,      OVERRIDE,             2, NEIGH_STALE,      true },
        { NEIGH_PROBE,      SOLICITED | OVERRIDE, 2, NEIGH_REACHABLE,  true },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        begin();
        const int64_t t = bring(row[i].from);
        advert(2, row[i].mac == 0 ? none : row[i].mac == 1 ? peer : other, row[i].flags, t);
        if (state(2) != (int)row[i].to)
            fail_msg("row %zu: %s", i, neigh_state_name((uint8_t)state(2)));
        assert_int_equal(mac_eq(entry(2)->mac, other), row[i].taken);
        end();
    }
}

static void what_nobody_asked_for(void **s)
{
    (void)s;
    begin();
    advert(7, peer, OVERRIDE, 0);
    assert_int_equal(trace.drops[WHY_ND_UNASKED], 1);
    assert_null(entry(7));
    hear(ip(2), ALL_NODES, (struct nd){ .type = ICMP6_NEIGH_ADVERT, .target = ip(2), .solicited = true }, 0);
    hear(ip(2), ip(1), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(1), .has_source_mac = true, .source_mac = MAC_BROADCAST }, 0);
    hear(ADDR_NONE, ip(1), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(1) }, 0);                /* not to the group */
    hear(ADDR_NONE, nd_solicited_node(ip(1)), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(1), .has_source_mac = true }, 0);
    assert_int_equal(trace.drops[WHY_ND_BAD], 4);
    hear(ip(2), nd_solicited_node(ip(9)), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(9) }, 0);
    assert_int_equal(trace.drops[WHY_ND_NOT_OURS], 1);
    assert_int_equal(n.ready.n, 0);
    end();
}

static void solicitations_are_answered(void **s)
{
    (void)s;
    begin();
    struct nd q = { .type = ICMP6_NEIGH_SOLICIT, .target = ip(1), .has_source_mac = true, .source_mac = peer };
    hear(ip(2), nd_solicited_node(ip(1)), q, 0);
    struct said a = said();
    assert_true(mac_eq(a.dst, peer) && addr_eq(a.ip.src, ip(1)) && addr_eq(a.ip.dst, ip(2)));
    assert_true(a.nd.type == ICMP6_NEIGH_ADVERT && a.nd.solicited && a.nd.override && !a.nd.router && addr_eq(a.nd.target, ip(1)));
    assert_true(a.nd.has_target_mac && mac_eq(a.nd.target_mac, own));
    assert_int_equal(state(2), NEIGH_DELAY);            /* learnt, and answered */
    q.source_mac = other;
    hear(ip(2), nd_solicited_node(ip(1)), q, 0);
    assert_true(mac_eq(said().dst, other));
    n.forwarding = true;
    q = (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(1) };
    hear(ADDR_NONE, nd_solicited_node(ip(1)), q, 0);    /* somebody's probe for ours */
    a = said();
    assert_memory_equal(a.dst.b, "\x33\x33\x00\x00\x00\x01", 6);
    assert_true(!a.nd.solicited && a.nd.override && a.nd.router);
    hear(ip(5), ip(1), q, 0);                           /* it does not say its MAC: it is asked for, then answered */
    a = said();
    assert_true(a.nd.type == ICMP6_NEIGH_SOLICIT && addr_eq(a.nd.target, ip(5)));
    advert(5, peer, SOLICITED, 0);
    a = said();
    assert_true(a.nd.type == ICMP6_NEIGH_ADVERT && addr_eq(a.ip.dst, ip(5)));
    end();
}

static void upper_layers_confirm(void **s)
{
    (void)s;
    for (enum neigh_state from = NEIGH_INCOMPLETE; from <= NEIGH_PROBE; from++) {
        begin();
        const int64_t t = bring(from);
        neigh_confirm(&n, 0, ip(2), t);
        assert_int_equal(state(2), from == NEIGH_DELAY || from == NEIGH_PROBE ? NEIGH_REACHABLE : from);
        assert_int_equal(n.n_doubtful, 0);
        neigh_confirm(&n, 0, ip(9), t);
        assert_null(entry(9));
        end();
    }
}

/* What a list of routers needs to hear. */
static void news_of_routers(void **s)
{
    (void)s;
    begin();
    int64_t t = 0;
    neigh_heard(&n, 0, ip(2), peer, NEIGH_TOLD_ROUTER, t);
    assert_true(state(2) == NEIGH_STALE && entry(2)->router);
    assert_true(sends(2, t));
    neigh_tick(&n, t = neigh_deadline(&n));
    advert(2, none, SOLICITED | ROUTER, t);
    assert_int_equal(n.n_news, 1);
    assert_int_equal(n.news[0].kind, NEIGH_ANSWERS);
    advert(2, none, SOLICITED, t);
    assert_int_equal(n.news[1].kind, NEIGH_NO_ROUTER);
    neigh_heard(&n, 0, ip(2), peer, NEIGH_TOLD_ROUTER, t);
    neigh_tick(&n, t = neigh_deadline(&n));
    assert_true(sends(2, t));
    for (int i = 0; i < 4; i++)
        neigh_tick(&n, t = neigh_deadline(&n));
    assert_int_equal(n.n_news, 3);
    assert_int_equal(n.news[2].kind, NEIGH_GONE);
    assert_true(addr_eq(n.news[2].addr, ip(2)));
    pktq_free(&n.ready);
    end();
}

static void own_addresses(void **s)
{
    (void)s;
    struct acd_verdict v;
    begin();
    assert_true(acd_add(&n.acd, 0, own, ip(0x1234), ACD_PROBE_QUICK, 0));
    neigh_tick(&n, 0);
    struct said a = said();
    assert_memory_equal(a.dst.b, "\x33\x33\xff\x00\x12\x34", 6);
    assert_true(addr_is_none(a.ip.src) && !a.nd.has_source_mac && a.nd.has_nonce && addr_eq(a.nd.target, ip(0x1234)));
    hear(ip(2), nd_solicited_node(ip(0x1234)), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(0x1234) }, 0);
    assert_int_equal(n.ready.n, 0);                     /* RFC 4862 §5.4.3: not ours to answer for yet */
    neigh_tick(&n, NS_PER_SEC);
    assert_true(acd_take_verdict(&n.acd, &v));
    assert_int_equal(v.kind, ACD_READY);
    a = said();                                         /* RFC 9131 */
    assert_memory_equal(a.dst.b, "\x33\x33\x00\x00\x00\x02", 6);
    assert_true(!a.nd.solicited && !a.nd.override && addr_eq(a.ip.src, ip(0x1234)));
    hear(ip(0x1234), ALL_NODES, (struct nd){ .type = ICMP6_NEIGH_ADVERT, .target = ip(0x1234), .has_target_mac = true, .target_mac = peer }, NS_PER_SEC);
    assert_true(acd_take_verdict(&n.acd, &v));
    assert_true(v.kind == ACD_CONFLICT && mac_eq(v.by, peer));
    a = said();
    assert_memory_equal(a.dst.b, "\x33\x33\x00\x00\x00\x01", 6);
    assert_true(a.nd.override);
    assert_true(acd_add(&n.acd, 0, own, ip(0x77), ACD_PROBE_QUICK, 0));
    hear(ADDR_NONE, nd_solicited_node(ip(0x77)), (struct nd){ .type = ICMP6_NEIGH_SOLICIT, .target = ip(0x77) }, 0);
    assert_true(acd_take_verdict(&n.acd, &v));
    assert_int_equal(v.kind, ACD_LOST);
    end();
}

static void no_address_no_question(void **s)
{
    (void)s;
    begin();
    acd_remove(&n.acd, 0, ip(1));
    assert_false(sends(2, 0));
    assert_int_equal(n.ready.n, 0);                     /* a solicitation from :: would ask for the address */
    end();
}

static void multicast_frames(void **s)
{
    (void)s;
    begin();
    struct pkt *k = neigh_send(&n, ip_packet(ip(1), (struct addr){ .b = { 0xff, 5, [12] = 1, 2, 3, 4 } }), 0);
    assert_memory_equal(pkt_head(k), "\x33\x33\x01\x02\x03\x04\x02\x00\x00\x00\x00\x01\x86\xdd", 14);
    pkt_free(k);
    end();
}

TESTS(solicits_and_waits, nobody_answers, ages, times_of_the_routers, every_advertisement, what_nobody_asked_for, solicitations_are_answered,
      upper_layers_confirm, news_of_routers, own_addresses, no_address_no_question, multicast_frames)
