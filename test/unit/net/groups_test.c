/* A host in multicast groups: what its sockets wish becomes what routers are told, unasked and asked, and older routers are
 * spoken to in their language (RFC 9776, RFC 9777). */
#include "../test.h"
#include "base/checksum.h"
#include "net/inet.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include <stdio.h>

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct inet n;
static int64_t now_ns;
static struct group_member *socket_a, *socket_b;

static struct addr a(const char *text)
{
    struct addr out;
    assert_true(addr_parse(text, &out));
    return out;
}

static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 256, 4));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    now_ns = NS_PER_SEC;
    inet_init(&n, &trace, &pools, &rng, now_ns);
    inet_set_iface(&n, 0, &(struct inet_iface){ .up = true, .mtu = 1500 });
    assert_true(inet_add_addr(&n, 0, (struct prefix){ a("10.0.0.1"), 24 }, true));
    assert_true(inet_add_addr(&n, 0, (struct prefix){ a("fe80::1"), 64 }, true));
    socket_a = socket_b = NULL;
}

static void end(void)
{
    inet_group_leave_all(&n, &socket_a, now_ns);
    inet_group_leave_all(&n, &socket_b, now_ns);
    inet_fini(&n);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

/* ------------------------------------------------------------ what was said */

/* A report in words: "EX 239.1.2.3 -10.0.0.9", records by " | ", the old ones "report", "leave"; "" when nothing was said. */
static char said_text[4096];

static void say_record(const struct group_record *rec)
{
    static const char *const type[] = { "?", "is-in", "is-ex", "to-in", "to-ex", "allow", "block" };
    char text[ADDR_TEXT];
    sprintf(said_text + strlen(said_text), "%s%s %s", *said_text ? " | " : "", type[rec->type], addr_text(rec->group, text));
    for (unsigned i = 0; i < rec->n_source; i++)
        sprintf(said_text + strlen(said_text), " %s", addr_text(rec->source[i], text));
}

static void say(struct pkt *k)
{
    struct membership m;
    struct group_record rec;
    char text[ADDR_TEXT];
    const bool v4 = ip_version(k) == 4;
    struct reader r = reader_of(pkt_l4(k), pkt_l4_len(k));
    assert_int_equal(k->iface, 0);
    assert_true(v4 ? igmp_read(&r, &m) : mld_read(&r, &m));
    if (m.kind == MEMBERSHIP_RECORDS) {
        assert_true(addr_eq(ip_dst(k), a(v4 ? "224.0.0.22" : "ff02::16")));
        for (unsigned i = 0; i < m.n_record; i++) {
            assert_true(group_record_read(&r, v4, &rec));
            say_record(&rec);
        }
        assert_int_equal(rd_left(&r), 0);
        return;
    }
    assert_true(addr_eq(ip_dst(k), m.kind == MEMBERSHIP_LEAVE ? a(v4 ? "224.0.0.2" : "ff02::2") : m.group));
    sprintf(said_text + strlen(said_text), "%s%s%d %s", *said_text ? " | " : "", m.kind == MEMBERSHIP_LEAVE ? "leave" : "report", m.version,
            addr_text(m.group, text));
}

/* The packet is what the standards want around a report: from the link, for it, with the router alert, its sums right. */
static void check(struct pkt *k)
{
    const uint8_t *h = pkt_net(k);
    const struct addr src = ip_src(k);
    if (ip_version(k) == 4) {
        struct reader r = pkt_reader(k);
        struct ip4 ip;
        assert_int_equal(ip4_read(&r, &ip), WHY_NONE);
        assert_int_equal(ip.header_len, 24);
        assert_int_equal(h[20], 148);
        assert_int_equal(ip.ttl, 1);
        assert_true(addr_eq(src, a("10.0.0.1")));
        assert_int_equal(csum_finish(csum_add((csum_t){ 0 }, pkt_l4(k), pkt_l4_len(k))), 0);
        return;
    }
    struct ip6_chain c;
    assert_int_equal(ip6_chain_read(pkt_reader(k), &c), WHY_NONE);
    assert_true(c.router_alert && c.proto == IP_ICMP6 && c.upper == k->l4_off - k->net_off);
    assert_int_equal(h[7], 1);
    assert_true(addr_eq(src, a("fe80::1")));
    assert_int_equal(csum_finish(csum_add(csum_pseudo(src, ip_dst(k), IP_ICMP6, pkt_l4_len(k)), pkt_l4(k), pkt_l4_len(k))), 0);
}

static const char *said(void)
{
    said_text[0] = '\0';
    for (struct pkt *k; (k = pktq_pop(&n.out)); pkt_free(k)) {
        check(k);
        say(k);
    }
    return said_text;
}

/* Time goes on; what is said meanwhile. */
static const char *later(int64_t for_ns)
{
    const int64_t end_ns = now_ns + for_ns;
    while (n.groups.deadline_ns <= end_ns) {
        now_ns = n.groups.deadline_ns;
        inet_groups_tick(&n, now_ns);
    }
    now_ns = end_ns;
    return said();
}

/* ------------------------------------------------------------ what was heard */

static void heard_by(const struct membership *m, const char *src, const char *dst, uint8_t ttl)
{
    uint8_t bytes[512];
    const bool v4 = addr_is4(a(dst));
    struct writer w = writer_of(bytes, sizeof bytes);
    (v4 ? igmp_write : mld_write)(&w, m);
    const uint32_t len = (uint32_t)wr_len(&w), head = v4 ? 20 : 48;
    const csum_t pseudo = v4 ? (csum_t){ 0 } : csum_pseudo(a(src), a(dst), IP_ICMP6, len);
    const uint16_t sum = csum_finish(csum_add(pseudo, bytes, len));
    memcpy(bytes + 2, &sum, 2);
    struct pkt *k = pkt_new(&pools, head + len);
    uint8_t *at = pkt_append(k, head + len);
    struct writer hw = writer_of(at, head);
    if (v4)
        ip4_write(&hw, &(struct ip4){ .src = a(src), .dst = a(dst), .total_len = (uint16_t)(20 + len), .ttl = ttl, .proto = IP_IGMP });
    else {
        ip6_write(&hw, &(struct ip6){ .src = a(src), .dst = a(dst), .payload_len = (uint16_t)(8 + len), .next = IP6_HOP_BY_HOP, .hop_limit = ttl });
        wr_bytes(&hw, (const uint8_t[]){ IP_ICMP6, 0, 5, 2, 0, 0, 1, 0 }, 8);
    }
    memcpy(at + head, bytes, len);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + head);
    k->proto = v4 ? IP_IGMP : IP_ICMP6;
    k->group = true;
    struct batch b;
    batch_init(&b);
    if (v4)
        batch_add(&b, k);
    else
        pktq_push(&n.mld, k);
    inet_groups_in(&n, &b, now_ns);
    assert_int_equal(b.n, 0);
}

static void asked(enum membership_version v, const char *group, uint32_t max_ms)
{
    const bool v4 = group ? addr_is4(a(group)) : true;
    const struct membership m = { .kind = MEMBERSHIP_QUERY, .version = v, .group = group ? a(group) : ADDR_NONE, .max_response_ms = max_ms,
                                  .robustness = v == MEMBERSHIP_3 ? 2 : 0, .interval_s = v == MEMBERSHIP_3 ? 125 : 0 };
    heard_by(&m, v4 ? "10.0.0.254" : "fe80::fe", group ? group : "224.0.0.1", 1);
}

static enum plumb_err wish(struct group_member **s, const char *group, bool exclude, const char *one, const char *two)
{
    struct source_filter f = { .exclude = exclude };
    if (one)
        f.source[f.n++] = a(one);
    if (two)
        f.source[f.n++] = a(two);
    return inet_group_set(&n, s, 0, a(group), &f, now_ns);
}

/* ----------------------------------------------------------------- the tests */

static void join_and_leave(void **state)
{
    (void)state;
    begin();
    assert_false(inet_in_group(&n, 0, a("239.1.2.3")));
    assert_true(inet_in_group(&n, 0, a("224.0.0.1")) && inet_in_group(&n, 0, a("ff02::1")));
    assert_int_equal(wish(&socket_a, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    assert_true(inet_in_group(&n, 0, a("239.1.2.3")));
    assert_false(inet_in_group(&n, 1, a("239.1.2.3")));
    assert_string_equal(said(), "to-ex 239.1.2.3");
    assert_string_equal(later(NS_PER_SEC), "to-ex 239.1.2.3");     /* once more within a second, for the robustness of 2 */
    assert_string_equal(later(100 * NS_PER_SEC), "");
    assert_int_equal(wish(&socket_b, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "");
    assert_int_equal(wish(&socket_a, "239.1.2.3", false, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "");
    assert_int_equal(wish(&socket_a, "239.1.2.3", false, NULL, NULL), PLUMB_NOT_FOUND);
    inet_group_leave_all(&n, &socket_b, now_ns);
    assert_string_equal(said(), "to-in 239.1.2.3");
    assert_string_equal(later(NS_PER_SEC), "to-in 239.1.2.3");
    assert_false(inet_in_group(&n, 0, a("239.1.2.3")));
    assert_int_equal(n.groups.deadline_ns, DEADLINE_NEVER);
    assert_int_equal(wish(&socket_a, "10.0.0.7", true, NULL, NULL), PLUMB_INVALID);
    assert_int_equal(wish(&socket_a, "224.0.0.1", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "");
    assert_int_equal(wish(&socket_a, "ff15::7", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "to-ex ff15::7");
    end();
}

/* §3.2 and §6.1: what two sockets wish is merged, and only the difference is told. */
static void sources(void **state)
{
    (void)state;
    begin();
    assert_int_equal(wish(&socket_a, "232.0.0.5", false, "10.0.0.8", NULL), PLUMB_OK);
    assert_string_equal(said(), "allow 232.0.0.5 10.0.0.8");
    (void)later(NS_PER_SEC);
    assert_int_equal(wish(&socket_b, "232.0.0.5", false, "10.0.0.9", "10.0.0.8"), PLUMB_OK);
    assert_string_equal(said(), "allow 232.0.0.5 10.0.0.9");
    (void)later(NS_PER_SEC);
    assert_int_equal(wish(&socket_b, "232.0.0.5", true, "10.0.0.8", "10.0.0.7"), PLUMB_OK);
    assert_string_equal(said(), "to-ex 232.0.0.5 10.0.0.7");         /* .8 is excluded by one and included by the other */
    (void)later(NS_PER_SEC);
    assert_int_equal(wish(&socket_b, "232.0.0.5", true, "10.0.0.6", NULL), PLUMB_OK);
    assert_string_equal(said(), "block 232.0.0.5 10.0.0.6 | allow 232.0.0.5 10.0.0.7");
    assert_string_equal(later(NS_PER_SEC), "block 232.0.0.5 10.0.0.6 | allow 232.0.0.5 10.0.0.7");
    inet_group_leave_all(&n, &socket_b, now_ns);
    assert_string_equal(said(), "to-in 232.0.0.5 10.0.0.8");
    end();
}

static void queries(void **state)
{
    (void)state;
    begin();
    assert_int_equal(wish(&socket_a, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    assert_int_equal(wish(&socket_a, "232.0.0.5", false, "10.0.0.8", "10.0.0.9"), PLUMB_OK);
    (void)later(10 * NS_PER_SEC);
    asked(MEMBERSHIP_3, NULL, 1000);
    assert_string_equal(said(), "");                                    /* not at once */
    assert_string_equal(later(NS_PER_SEC), "is-ex 239.1.2.3 | is-in 232.0.0.5 10.0.0.8 10.0.0.9");
    asked(MEMBERSHIP_3, "239.1.2.3", 500);
    assert_string_equal(later(NS_PER_SEC), "is-ex 239.1.2.3");
    asked(MEMBERSHIP_3, "239.9.9.9", 500);
    assert_string_equal(later(NS_PER_SEC), "");
    const struct membership m = { .kind = MEMBERSHIP_QUERY, .version = MEMBERSHIP_3, .group = a("232.0.0.5"), .max_response_ms = 500, .n_source = 2,
                                  .source = { a("10.0.0.9"), a("10.0.0.1") } };
    heard_by(&m, "10.0.0.254", "232.0.0.5", 1);
    assert_string_equal(later(NS_PER_SEC), "is-in 232.0.0.5 10.0.0.9");
    asked(MEMBERSHIP_3, NULL, 1000);
    asked(MEMBERSHIP_3, "239.1.2.3", 30000);                            /* the general answer comes sooner and says it */
    assert_string_equal(later(60 * NS_PER_SEC), "is-ex 239.1.2.3 | is-in 232.0.0.5 10.0.0.8 10.0.0.9");
    end();
}

/* §7.2.1; RFC 2236 §3: an older router is answered in its language for as long as it is thought present. */
static void older_routers(void **state)
{
    (void)state;
    begin();
    assert_int_equal(wish(&socket_a, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    (void)later(10 * NS_PER_SEC);
    asked(MEMBERSHIP_2, NULL, 1000);
    assert_string_equal(later(2 * NS_PER_SEC), "report2 239.1.2.3");
    asked(MEMBERSHIP_2, NULL, 1000);
    heard_by(&(struct membership){ .kind = MEMBERSHIP_REPORT, .version = MEMBERSHIP_2, .group = a("239.1.2.3") }, "10.0.0.7", "239.1.2.3", 1);
    assert_string_equal(later(2 * NS_PER_SEC), "");                     /* another said it */
    asked(MEMBERSHIP_2, NULL, 1000);
    (void)later(2 * NS_PER_SEC);
    assert_int_equal(wish(&socket_a, "239.1.2.3", false, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "leave2 239.1.2.3");
    asked(MEMBERSHIP_1, NULL, 0);
    assert_int_equal(wish(&socket_a, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "report1 239.1.2.3");
    (void)later(30 * NS_PER_SEC);
    assert_int_equal(wish(&socket_a, "239.1.2.3", false, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "");                                    /* version 1 leaves in silence */
    (void)later(400 * NS_PER_SEC);
    assert_int_equal(wish(&socket_a, "239.1.2.3", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "to-ex 239.1.2.3");
    asked(MEMBERSHIP_2, "ff15::9", 1000);
    assert_int_equal(wish(&socket_a, "ff15::9", true, NULL, NULL), PLUMB_OK);
    assert_string_equal(said(), "report2 ff15::9");
    end();
}

/* Its own groups: counted, and known by what they are for. */
static void own_groups(void **state)
{
    (void)state;
    begin();
    inet_group_own(&n, 0, a("ff02::1:ff00:1"), true, now_ns);
    inet_group_own(&n, 0, a("ff02::1:ff00:1"), true, now_ns);
    assert_string_equal(said(), "to-ex ff02::1:ff00:1");
    (void)later(10 * NS_PER_SEC);
    inet_groups_up(&n, 0, now_ns);
    assert_string_equal(said(), "to-ex ff02::1:ff00:1");
    (void)later(10 * NS_PER_SEC);
    inet_group_own(&n, 0, a("ff02::1:ff00:1"), false, now_ns);
    assert_true(inet_in_group(&n, 0, a("ff02::1:ff00:1")));
    inet_group_own(&n, 0, a("ff02::1:ff00:1"), false, now_ns);
    assert_string_equal(said(), "to-in ff02::1:ff00:1");
    end();
}

static void refused(void **state)
{
    (void)state;
    begin();
    assert_int_equal(wish(&socket_a, "ff15::9", true, NULL, NULL), PLUMB_OK);
    (void)later(10 * NS_PER_SEC);
    const struct membership m = { .kind = MEMBERSHIP_QUERY, .version = MEMBERSHIP_3, .max_response_ms = 100 };
    heard_by(&m, "2001:db8::1", "ff02::1", 1);                          /* not from the link */
    heard_by(&m, "fe80::7", "ff02::1", 64);
    assert_string_equal(later(NS_PER_SEC), "");
    assert_int_equal(trace.drops[WHY_MLD_BAD], 2);
    heard_by(&m, "fe80::7", "ff02::1", 1);
    assert_string_equal(later(NS_PER_SEC), "is-ex ff15::9");
    end();
}

/* Tables have ends, and what is over them is refused, not lost. */
static void full(void **state)
{
    (void)state;
    char group[32];
    unsigned i = 0;
    begin();
    for (enum plumb_err e = PLUMB_OK; e == PLUMB_OK; i++) {
        sprintf(group, "239.7.7.%u", i);
        e = wish(&socket_a, group, true, NULL, NULL);
        pktq_free(&n.out);
    }
    assert_int_equal(i, GROUPS + 1);
    (void)later(NS_PER_SEC);
    asked(MEMBERSHIP_3, NULL, 100);
    const char *all = later(NS_PER_SEC);
    unsigned records = 0;
    for (const char *at = all; (at = strstr(at, "is-ex")); at++)
        records++;
    assert_int_equal(records, GROUPS);
    inet_group_leave_all(&n, &socket_a, now_ns);
    (void)later(10 * NS_PER_SEC);
    assert_int_equal(wish(&socket_a, "239.8.8.8", true, NULL, NULL), PLUMB_OK);
    end();
}

TESTS(join_and_leave, sources, queries, older_routers, own_groups, refused, full)
