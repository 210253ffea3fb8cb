/* Reassembly: any order, bounds, overlaps, time. */
#include "../test.h"
#include "base/rng.h"
#include "base/time.h"
#include "net/frag.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static struct pkt_pools pools;
static struct trace trace;
static struct frag f;
static struct rng r;

static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 2048, 8));
    trace_init(&trace, 0);
    memset(&f, 0, sizeof f);
    rng_seed(&r, 1);
}

static void end(void)
{
    frag_fini(&f);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

static uint8_t byte_at(uint32_t at) { return (uint8_t)(at * 7 + (at >> 8)); }

static struct pkt *give_packet(struct pkt *k, uint32_t header, const struct ip4 *h, int64_t now_ns)
{
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + header);
    return frag_in(&f, &pools, &trace, k, &(struct frag_piece){ .src = h->src, .dst = h->dst, .id = h->id, .proto = h->proto, .offset = h->frag_offset,
                                                               .more = h->more_fragments }, now_ns);
}

/* The same with a header of 60 bytes, or of 20. */
static struct pkt *give_behind(uint16_t id, uint8_t header, uint32_t from, uint32_t to, bool more)
{
    struct ip4 h = { .src = addr4(1), .dst = addr4(2), .id = id, .proto = IP_UDP, .ttl = 64, .header_len = header,
                     .frag_offset = (uint16_t)from, .more_fragments = more };
    struct pkt *k = pkt_new(&pools, header + to - from);
    uint8_t *at = pkt_append(k, header + to - from);
    memset(at, 0, header + to - from);
    at[0] = (uint8_t)(0x40 | header / 4);
    store_be16(at + 6, (uint16_t)((more ? 0x2000 : 0) | from / 8));
    return give_packet(k, header, &h, 0);
}

/* A fragment of datagram `id` with payload [from, to). */
static uint8_t tos;
static struct pkt *give(uint16_t id, uint32_t from, uint32_t to, bool more, int64_t now_ns)
{
    struct ip4 h = { .src = addr4(1), .dst = addr4(2), .id = id, .proto = IP_UDP, .ttl = 64, .tos = tos, .total_len = (uint16_t)(20 + to - from),
                     .frag_offset = (uint16_t)from, .more_fragments = more };
    struct pkt *k = pkt_new(&pools, 20 + to - from);
    struct writer w = writer_of(pkt_append(k, 20 + to - from), 20 + to - from);
    ip4_write(&w, &h);
    for (uint32_t i = from; i < to; i++)
        wr_u8(&w, byte_at(i));
    struct reader rd = pkt_reader(k);
    assert_int_equal(ip4_read(&rd, &h), WHY_NONE);
    return give_packet(k, 20, &h, now_ns);
}

static void check_whole(struct pkt *k, uint32_t len)
{
    struct ip4 h;
    struct reader rd = pkt_reader(k);
    assert_int_equal(ip4_read(&rd, &h), WHY_NONE);
    assert_int_equal(h.total_len, len + 20);
    assert_false(h.more_fragments);
    assert_int_equal(h.frag_offset, 0);
    assert_int_equal(rd_left(&rd), len);
    for (uint32_t i = 0; i < len; i++)
        assert_int_equal(rd_u8(&rd), byte_at(i));
    pkt_free(k);
}

static void any_order_with_duplicates(void **state)
{
    (void)state;
    begin();
    for (int round = 0; round < 200; round++) {
        const uint32_t n = 2 + rng_below(&r, 20), step = 8 * (1 + rng_below(&r, 100)), len = step * (n - 1) + 1 + rng_below(&r, step);
        struct pkt *whole = NULL;
        uint32_t order[64], count = 0;
        for (uint32_t i = 0; i < n; i++) {
            order[count++] = i;
            if (rng_below(&r, 4) == 0)
                order[count++] = i;
        }
        for (uint32_t i = count - 1; i > 0; i--) {
            const uint32_t k = rng_below(&r, i + 1), x = order[i];
            order[i] = order[k];
            order[k] = x;
        }
        for (uint32_t i = 0; i < count && !whole; i++)
            whole = give((uint16_t)round, order[i] * step, order[i] + 1 == n ? len : (order[i] + 1) * step, order[i] + 1 != n, 0);
        assert_non_null(whole);
        check_whole(whole, len);
        assert_int_equal(f.n, 0);
    }
    end();
}

static void overlap_refuses_the_whole(void **state)
{
    (void)state;
    begin();
    assert_null(give(1, 0, 16, true, 0));
    assert_null(give(1, 8, 24, true, 0));
    assert_null(give(1, 16, 32, false, 0));
    assert_null(give(1, 0, 16, true, 0));
    assert_int_equal(trace.drops[WHY_FRAG_OVERLAP], 4);
    assert_int_equal(f.bytes, 0);
    assert_null(give(2, 0, 16, true, 0));       /* another datagram is another matter */
    check_whole(give(2, 16, 32, false, 0), 32);
    end();
}

static void impossible_lengths(void **state)
{
    (void)state;
    begin();
    assert_null(give(1, 0, 15, true, 0));               /* not a multiple of 8 */
    assert_null(give(2, 65528, 65536 - 4, false, 0));   /* with its header beyond 65535 */
    assert_null(give(4, 32, 48, true, 0));
    assert_null(give(4, 0, 16, false, 0));              /* ends before what came */
    assert_int_equal(trace.drops[WHY_FRAG_BAD], 4);     /* the fourth datagram with what it held */
    assert_null(give_behind(5, 60, 0, 8, true));    /* a first header longer than the others' */
    assert_null(give_behind(5, 20, 8, 65515, false));
    assert_int_equal(trace.drops[WHY_FRAG_BAD], 5);
    end();
}

static void bounded_in_number_and_bytes(void **state)
{
    (void)state;
    begin();
    for (uint16_t id = 0; id < 1000; id++)
        assert_null(give(id, 8, 16, true, id));
    assert_int_equal(f.n, FRAG_DATAGRAMS);
    for (uint32_t i = 1; i < 1000; i++)
        assert_null(give(2000, i * 16, i * 16 + 8, true, 2000));
    assert_true(trace.drops[WHY_FRAG_FULL] > 0);
    assert_true(f.bytes <= FRAG_BYTES_MAX);
    end();
}

/* Someone fills the memory with fragments of datagrams that never get whole; one that comes in one go does. */
static void spoofers_do_not_crowd_out(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < 3000; i++)
        assert_null(give((uint16_t)(100 + i % 50), 8 + i / 50 * 16, 16 + i / 50 * 16, true, (int64_t)(1 + i % 50)));
    assert_true(f.bytes > FRAG_BYTES_MAX - 8192);
    assert_null(give(7, 0, 1000, true, 60));
    assert_null(give(7, 1000, 2000, true, 60));
    struct pkt *whole = give(7, 2000, 2500, false, 60);
    assert_non_null(whole);
    pkt_free(whole);
    end();
}

static void time_runs_out(void **state)
{
    (void)state;
    struct pkt *first;
    begin();
    assert_null(give(1, 0, 16, true, 0));
    assert_null(give(2, 16, 32, false, 5));
    assert_int_equal(frag_deadline(&f), 60 * NS_PER_SEC);
    assert_false(frag_expire(&f, &trace, &first, 60 * NS_PER_SEC - 1));
    assert_true(frag_expire(&f, &trace, &first, 60 * NS_PER_SEC + 5));
    assert_non_null(first);
    pkt_free(first);
    assert_true(frag_expire(&f, &trace, &first, 60 * NS_PER_SEC + 5));
    assert_null(first);
    assert_int_equal(trace.drops[WHY_FRAG_TIMEOUT], 1);
    assert_int_equal(frag_deadline(&f), DEADLINE_NEVER);
    end();
}

/* RFC3168-5.3 */
static void ecn_survives(void **state)
{
    (void)state;
    static const struct { uint8_t first, second, whole; bool dropped; } cases[] = {
        { 0, 0, 0, false }, { 2, 2, 2, false }, { 1, 1, 1, false }, { 2, 3, 3, false }, { 3, 2, 3, false }, { 0xb8 | 3, 0xb8 | 1, 0xb8 | 3, false },
        { 3, 0, 0, true }, { 0, 3, 0, true } };
    begin();
    for (uint16_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t before = trace.drops[WHY_FRAG_BAD];
        tos = cases[i].first;
        assert_null(give(i, 0, 16, true, 0));
        tos = cases[i].second;
        struct pkt *k = give(i, 16, 24, false, 0);
        assert_int_equal(trace.drops[WHY_FRAG_BAD] - before, cases[i].dropped);
        if (cases[i].dropped) {
            assert_null(k);
            continue;
        }
        assert_int_equal(pkt_head(k)[1], cases[i].whole);
        check_whole(k, 24);
    }
    tos = 0;
    end();
}

/* IPv6: behind options that every fragment carries, before others that only the whole has (RFC 8200 §4.5). */
static struct pkt *give6(uint32_t id, uint32_t from, uint32_t to, bool more)
{
    const uint32_t header = IP6_HEADER + 8 + IP6_FRAGMENT_HEADER, len = header + to - from;
    struct pkt *k = pkt_new(&pools, len);
    struct writer w = writer_of(pkt_append(k, len), len);
    const struct ip6 h = { .src = { .b = { 0x20, 1 } }, .dst = { .b = { 0x20, 2 } }, .payload_len = (uint16_t)(len - IP6_HEADER), .next = IP6_HOP_BY_HOP };
    ip6_write(&w, &h);
    wr_bytes(&w, "\x2c\0\1\4\0\0\0\0", 8);
    wr_u8(&w, IP6_DESTINATION);
    wr_u8(&w, 0);
    wr_u16(&w, (uint16_t)(from | more));
    wr_u32(&w, id);
    for (uint32_t i = from; i < to; i++)
        wr_u8(&w, i < 8 ? (uint8_t)"\x11\0\1\4\0\0\0\0"[i] : byte_at(i));
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + header);
    return frag_in(&f, &pools, &trace, k, &(struct frag_piece){ .src = h.src, .dst = h.dst, .id = id, .offset = from, .more = more }, 0);
}

static void version_6(void **state)
{
    (void)state;
    struct ip6_chain c;
    struct ip6 h;
    begin();
    assert_null(give6(0x10001, 800, 1000, false));
    assert_null(give6(1, 0, 400, true));                /* another datagram, though the low bits are the same */
    assert_null(give6(0x10001, 0, 400, true));
    struct pkt *whole = give6(0x10001, 400, 800, true);
    assert_non_null(whole);
    struct reader r6 = pkt_reader(whole);
    assert_int_equal(ip6_chain_read(r6, &c), WHY_NONE);
    assert_int_equal(ip6_read(&r6, &h), WHY_NONE);
    assert_int_equal(h.payload_len, 8 + 1000);
    assert_int_equal(c.fragment, 0);
    assert_int_equal(c.proto, IP_UDP);
    assert_int_equal(c.upper, IP6_HEADER + 16);
    for (uint32_t i = 8; i < 1000; i++)
        assert_int_equal(pkt_head(whole)[IP6_HEADER + 8 + i], byte_at(i));
    pkt_free(whole);
    assert_null(give6(2, 0, 400, true));
    assert_null(give6(2, 392, 800, true));              /* an overlap refuses it all */
    assert_null(give6(2, 400, 408, false));
    assert_null(give6(3, 65528, 65600, false));         /* more than a datagram holds */
    assert_true(trace.drops[WHY_FRAG_OVERLAP] > 0 && trace.drops[WHY_FRAG_BAD] > 0);
    end();
}

TESTS(any_order_with_duplicates, overlap_refuses_the_whole, impossible_lengths, bounded_in_number_and_bytes, spoofers_do_not_crowd_out, time_runs_out, ecn_survives, version_6)
