#include "../hex.h"
#include "base/checksum.h"
#include "base/checksum_blocks.h"
#include "base/rng.h"

/* RFC 1071 §4.1 in C, one 16-bit word after another. */
static uint16_t plain(const uint8_t *p, size_t len, uint32_t start)
{
    uint32_t sum = start;
    for (size_t i = 0; i < len; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
static uint16_t host(uint16_t memory_order)
{
    uint8_t b[2];
    memcpy(b, &memory_order, 2);
    return load_be16(b);
}
static uint16_t memory(uint16_t host_order)
{
    uint8_t b[2];
    uint16_t v;
    store_be16(b, host_order);
    memcpy(&v, b, 2);
    return v;
}

static void the_standards_examples(void **state)
{
    (void)state;
    uint8_t b[8];
    hex(b, sizeof b, "0001 f203 f4f5 f6f7");                /* RFC 1071 §3: the sum is ddf2 */
    assert_int_equal(host(csum_fold(csum_add((csum_t){ 0 }, b, 8))), 0xddf2);
    assert_int_equal(host(csum_finish(csum_add((csum_t){ 0 }, b, 8))), 0x220d);
    /* RFC 1624 §4: DD2F, the word 5555 becoming 3285, gives 0000 and not FFFF */
    assert_int_equal(host(csum_update(memory(0xdd2f), memory(0x5555), memory(0x3285))), 0);
}

static void agrees_with_the_plain_sum(void **state)
{
    (void)state;
    struct rng r;
    static uint8_t b[3000];
    rng_seed(&r, 1);
    for (int round = 0; round < 3000; round++) {
        const size_t at = rng_below(&r, 64), len = rng_below(&r, 2900);
        const bool ones = rng_below(&r, 4) == 0;
        for (size_t i = 0; i < len; i++)
            b[at + i] = ones ? 0xff : (uint8_t)rng_u64(&r);
        assert_int_equal(host(csum_finish(csum_add((csum_t){ 0 }, b + at, len))), plain(b + at, len, 0));
    }
}

static void pieces_of_any_length(void **state)
{
    (void)state;
    struct rng r;
    static uint8_t b[2000], copy[2000];
    rng_seed(&r, 2);
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < sizeof b; i++)
            b[i] = (uint8_t)rng_u64(&r);
        csum_t added = { 0 }, copied = { 0 };
        size_t at = 0;
        while (at < sizeof b) {
            size_t n = 1 + rng_below(&r, 300);
            n = n < sizeof b - at ? n : sizeof b - at;
            added = csum_add_at(added, b + at, n, at);
            copied = csum_copy_at(copied, copy + at, b + at, n, at);
            at += n;
        }
        assert_int_equal(host(csum_finish(added)), plain(b, sizeof b, 0));
        assert_int_equal(host(csum_finish(copied)), plain(b, sizeof b, 0));
        assert_memory_equal(b, copy, sizeof b);
    }
}

static void fill(uint8_t *b, size_t len, uint64_t seed)
{
    struct rng r;
    rng_seed(&r, seed);
    for (size_t i = 0; i < len; i++)
        b[i] = seed % 4 ? (uint8_t)rng_u64(&r) : 0xff;
}

/* Every version that runs here, all lengths of a packet and all alignments of both sides. */
static void every_version_agrees_with_the_portable_one(void **state)
{
    (void)state;
    enum { BLOCKS = 48, ALIGN = 64 };
    static _Alignas(ALIGN) uint8_t from[BLOCKS * CSUM_BLOCK + ALIGN], to[BLOCKS * CSUM_BLOCK + ALIGN + 1];
    unsigned seen = 0;
    for (const struct csum_version *v = csum_versions; v->name; v++) {
        if (!v->runs())
            continue;
        seen++;
        for (size_t blocks = 0; blocks <= BLOCKS; blocks++) {
            for (size_t at = 0; at < ALIGN; at++) {
                const size_t len = blocks * CSUM_BLOCK, out = (at * 7 + blocks) % ALIGN;
                fill(from, sizeof from, blocks * ALIGN + at + 1);
                memset(to, 0xa5, sizeof to);
                const uint64_t sum = csum_versions[0].sum(from + at, blocks);
                assert_true(v->sum(from + at, blocks) == sum);
                assert_true(v->copy(to + out, from + at, blocks) == sum);
                assert_memory_equal(to + out, from + at, len);
                assert_int_equal(to[out + len], 0xa5);
            }
        }
    }
    assert_true(seen >= 2);
}

/* What is called, which takes the best version: all lengths and alignments against the standard's way. */
static void all_lengths_and_alignments(void **state)
{
    (void)state;
    static uint8_t from[1600], to[1600];
    fill(from, sizeof from, 5);
    for (size_t len = 0; len <= 1500; len++) {
        const size_t at = len % 67, out = len % 31;
        const uint16_t sum = plain(from + at, len, 0);
        assert_int_equal(host(csum_finish(csum_add((csum_t){ 0 }, from + at, len))), sum);
        assert_int_equal(host(csum_finish(csum_copy_at((csum_t){ 0 }, to + out, from + at, len, 0))), sum);
        assert_memory_equal(to + out, from + at, len);
        if (len % 4 == 0)
            assert_int_equal(host(csum_finish(csum_add_words((csum_t){ 0 }, from + at, len / 4))), sum);
    }
}

static void pseudo_headers(void **state)
{
    (void)state;
    /* a real DNS query over UDP and its checksum, over IPv4 */
    uint8_t udp[64], p4[12], p6[40];
    const size_t len = hex(udp, sizeof udp, "c0010035 000c 0000 01020304");
    hex(p4, sizeof p4, "0a000001 0a000002 00 11 000c");
    uint32_t sum = (uint16_t)~plain(p4, 12, 0);
    csum_t c = csum_add(csum_pseudo(addr4(0x0a000001), addr4(0x0a000002), 17, (uint32_t)len), udp, len);
    assert_int_equal(host(csum_finish(c)), plain(udp, len, sum));
    struct addr a, b;
    assert_true(addr_parse("2001:db8::1", &a) && addr_parse("fe80::2", &b));
    memcpy(p6, a.b, 16);
    memcpy(p6 + 16, b.b, 16);
    hex(p6 + 32, 8, "0001000c 000000 3a");
    sum = (uint16_t)~plain(p6, 40, 0);
    c = csum_add(csum_pseudo(a, b, 58, 0x1000c), udp, len);
    assert_int_equal(host(csum_finish(c)), plain(udp, len, sum));
}

static void updates_agree(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 3);
    for (int round = 0; round < 20000; round++) {
        uint8_t b[8];
        for (size_t i = 0; i < sizeof b; i++)
            b[i] = (uint8_t)rng_u64(&r);
        uint16_t before, after = (uint16_t)rng_u64(&r);
        const uint16_t field = csum_finish(csum_add((csum_t){ 0 }, b, 8));
        memcpy(&before, b + 2, 2);
        memcpy(b + 2, &after, 2);
        const uint16_t mended = csum_update(field, before, after);
        assert_int_equal(csum_finish(csum_add(csum_add((csum_t){ 0 }, b, 8), &mended, 2)), 0);
    }
}

TESTS(the_standards_examples, agrees_with_the_plain_sum, every_version_agrees_with_the_portable_one, all_lengths_and_alignments, pieces_of_any_length, pseudo_headers, updates_agree)
