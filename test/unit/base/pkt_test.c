#include "../hex.h"
#include "base/checksum.h"
#include "base/pkt.h"

static struct pkt_pools pools;

static int set_up(void **state)
{
    (void)state;
    return pkt_pools_init(&pools, 8, 2) ? 0 : -1;
}
static int tear_down(void **state)
{
    (void)state;
    const bool clean = pools.small.used == 0 && pools.large.used == 0;
    pkt_pools_fini(&pools);
    return clean ? 0 : -1;
}

static struct pkt *holding(const char *text)
{
    struct pkt *k = pkt_new(&pools, (uint32_t)strlen(text));
    assert_non_null(k);
    memcpy(pkt_append(k, (uint32_t)strlen(text)), text, strlen(text));
    return k;
}
static void expect(const struct pkt *k, const char *text)
{
    char all[256] = "";
    assert_int_equal(pkt_total(k), strlen(text));
    assert_int_equal(pkt_gather(k, all, sizeof all), strlen(text));
    assert_string_equal(all, text);
}

static void room_before_and_behind(void **state)
{
    (void)state;
    struct pkt *k = holding("payload");
    memcpy(pkt_push(k, 5), "head ", 5);
    expect(k, "head payload");
    pkt_pull(k, 2);
    expect(k, "ad payload");
    pkt_trim(k, 5);
    expect(k, "ad pa");
    pkt_trim(k, 50);
    assert_int_equal(pkt_len(k), 5);
    assert_null(pkt_append(k, pkt_tailroom(k) + 1));
    assert_non_null(pkt_append(k, pkt_tailroom(k)));
    assert_int_equal(pkt_tailroom(k), 0);
    pkt_free(k);
    pkt_free(NULL);
}

static void sizes_and_limits(void **state)
{
    (void)state;
    struct pkt *small = pkt_new(&pools, PKT_SMALL - PKT_HEADROOM), *large = pkt_new(&pools, PKT_SMALL - PKT_HEADROOM + 1);
    assert_ptr_equal(small->pool, &pools.small);
    assert_ptr_equal(large->pool, &pools.large);
    assert_true(pkt_tailroom(large) >= 65535);
    assert_null(pkt_new(&pools, PKT_LARGE - PKT_HEADROOM + 1));
    struct pkt *second = pkt_new(&pools, 60000);
    assert_non_null(second);
    assert_null(pkt_new(&pools, 60000));
    assert_int_equal(pools.large.refused, 1);
    pkt_free(small);
    pkt_free(large);
    pkt_free(second);
}

static void borrowing_and_owning(void **state)
{
    (void)state;
    static uint8_t buffer[4000];
    struct pkt *k = holding("head ");
    memset(buffer, 'b', sizeof buffer);
    assert_true(pkt_borrow(k, (const uint8_t *)"one ", 4));
    assert_true(pkt_borrow(k, (const uint8_t *)"two", 3));
    expect(k, "head one two");
    struct pkt *owned = pkt_own(&pools, k);
    assert_ptr_equal(owned, k);                 /* its tailroom held them */
    assert_int_equal(owned->n_slices, 0);
    expect(owned, "head one two");
    assert_true(pkt_borrow(owned, buffer, sizeof buffer));
    owned->net_off = (uint16_t)owned->head;
    struct pkt *copy = pkt_own(&pools, owned);  /* it must move to a large block */
    assert_non_null(copy);
    assert_ptr_equal(copy->pool, &pools.large);
    assert_int_equal(pkt_len(copy), 12 + sizeof buffer);
    assert_memory_equal(pkt_net(copy), "head one two", 12);
    assert_int_equal(pools.small.used, 0);
    pkt_free(copy);
}

static void too_many_slices(void **state)
{
    (void)state;
    struct pkt *k = holding("");
    for (int i = 0; i < PKT_SLICES_MAX; i++)
        assert_true(pkt_borrow(k, (const uint8_t *)"x", 1));
    assert_false(pkt_borrow(k, (const uint8_t *)"x", 1));
    assert_int_equal(pkt_total(k), PKT_SLICES_MAX);
    uint8_t two[2];
    assert_int_equal(pkt_gather(k, two, 2), 2);
    pkt_free(k);
}

static void copies_keep_facts(void **state)
{
    (void)state;
    struct pkt *k = holding("0123456789");
    pkt_pull(k, 2);
    k->time_ns = 42;
    k->iface = 3;
    k->l4_off = (uint16_t)(k->head + 4);
    k->gso_size = 7;
    assert_true(pkt_borrow(k, (const uint8_t *)"abc", 3));
    struct pkt *c = pkt_copy(&pools, k);
    expect(c, "23456789abc");
    assert_memory_equal(pkt_l4(c), "6789", 4);
    assert_int_equal(c->time_ns, 42);
    assert_int_equal(c->iface, 3);
    assert_int_equal(c->gso_size, 7);
    pkt_head(c)[0] = 'X';
    expect(k, "23456789abc");
    pkt_free(k);
    pkt_free(c);
}

/* A partial checksum, completed over linear and borrowed bytes, odd lengths too. */
static void completing_a_checksum(void **state)
{
    (void)state;
    for (uint32_t first = 1; first <= 3; first++) {
        struct pkt *k = pkt_new(&pools, 100);
        const struct addr src = addr4(1), dst = addr4(2);
        uint8_t *udp = pkt_append(k, 9);
        hex(udp, 9, "0001 0002 0010 0000 61");
        assert_true(pkt_borrow(k, (const uint8_t *)"bcdefgh", first));
        assert_true(pkt_borrow(k, (const uint8_t *)"ijklmno", 7 - first));
        k->l4_off = (uint16_t)k->head;
        k->csum = CSUM_PARTIAL;
        k->csum_field = 6;
        const uint16_t pseudo = csum_fold(csum_pseudo(src, dst, 17, 16));
        memcpy(udp + 6, &pseudo, 2);
        struct pkt *out = pkt_copy_out(&pools, k);      /* completed in the copy alone */
        assert_int_equal(out->csum, CSUM_NONE);
        assert_int_equal(out->n_slices, 0);
        assert_int_equal(csum_finish(csum_add(csum_pseudo(src, dst, 17, 16), pkt_l4(out), pkt_l4_len(out))), 0);
        assert_int_equal(k->csum, CSUM_PARTIAL);
        pkt_complete_csum(k);
        assert_int_equal(k->csum, CSUM_NONE);
        uint8_t all[16];
        assert_int_equal(pkt_gather(k, all, sizeof all), 16);
        assert_memory_equal(all, pkt_l4(out), 16);
        pkt_free(out);
        assert_int_equal(csum_finish(csum_add(csum_pseudo(src, dst, 17, 16), all, 16)), 0);
        pkt_free(k);
    }
}

/* Zero means "no checksum" in UDP alone: TCP says 0 as 0. */
static void a_checksum_of_zero(void **state)
{
    (void)state;
    for (uint8_t field = 6; field <= 16; field += 10) {
        struct pkt *k = pkt_new(&pools, 100);
        uint8_t *l4 = pkt_append(k, 20);
        memset(l4, 0, 20);
        l4[field] = l4[field + 1] = 0xff;
        k->l4_off = (uint16_t)k->head;
        k->csum = CSUM_PARTIAL;
        k->csum_field = field;
        pkt_complete_csum(k);
        assert_int_equal(l4[field] << 8 | l4[field + 1], field == 6 ? 0xffff : 0);
        pkt_free(k);
    }
}

static void wire_lengths(void **state)
{
    (void)state;
    struct pkt *k = pkt_new(&pools, 60000);
    uint8_t *p = pkt_append(k, 20 + 32 + 40000);
    k->l4_off = (uint16_t)(k->head + 20);
    p[20 + 12] = 8 << 4;                        /* a TCP header of 32 bytes */
    k->proto = 6;
    assert_int_equal(pkt_wire_len(k), 20 + 32 + 40000);
    k->gso_size = 1448;
    assert_int_equal(pkt_wire_len(k), 1500);
    k->proto = 17;
    assert_int_equal(pkt_wire_len(k), 20 + 8 + 1448);
    pkt_trim(k, 100);
    assert_int_equal(pkt_wire_len(k), 100);
    pkt_free(k);
}

static void batches(void **state)
{
    (void)state;
    struct batch b = { .n = 0 };
    for (int i = 0; i < 5; i++)
        batch_add(&b, holding("12345" + i));
    assert_int_equal(b.bytes, 15);
    struct batch_walk w = batch_walk(&b);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (pkt_len(k) % 2)
            batch_keep(&w, k);
        else
            pkt_free(k);
    }
    assert_int_equal(b.n, 3);
    assert_int_equal(b.bytes, 9);
    expect(b.pkt[1], "345");
    batch_free(&b);
    assert_int_equal(b.n, 0);
}

static void queues(void **state)
{
    (void)state;
    struct pktq q;
    pktq_init(&q);
    assert_null(pktq_pop(&q));
    for (int i = 0; i < 3; i++)
        pktq_push(&q, holding("abc" + i));
    assert_int_equal(q.n, 3);
    assert_int_equal(q.bytes, 6);
    for (int i = 0; i < 3; i++) {
        struct pkt *k = pktq_pop(&q);
        expect(k, "abc" + i);
        pkt_free(k);
    }
    pktq_push(&q, holding("again"));            /* an emptied queue works on */
    assert_int_equal(q.bytes, 5);
    pktq_free(&q);
    assert_int_equal(q.n, 0);
}

int main(void)
{
#define EACH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest all[] = {
        EACH_TEST(room_before_and_behind), EACH_TEST(sizes_and_limits), EACH_TEST(borrowing_and_owning), EACH_TEST(too_many_slices),
        EACH_TEST(copies_keep_facts), EACH_TEST(completing_a_checksum), EACH_TEST(a_checksum_of_zero), EACH_TEST(wire_lengths), EACH_TEST(batches), EACH_TEST(queues),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
