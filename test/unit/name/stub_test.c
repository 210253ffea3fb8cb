/* The stub resolver against the authoritative server, and against a server that lies. */
#include "../memnet.h"
#include "../test.h"
#include "name/auth.h"
#include "name/stub.h"
#include <stdio.h>

static struct memnet m;
static struct auth *auth;
static struct stub *stub;
static struct lookup *l;
static const struct addr server = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 53 } };

static const char zone_text[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\nwww A 10.0.0.80\nwww AAAA 2001:db8::80\nfour A 10.0.0.4\nalias CNAME www\n"
                                "far CNAME www.other.test.\nnowhere CNAME none.other.test.\nempty TXT x\nl1 CNAME l2\nl2 CNAME l1\n";
static const char other_text[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\nwww A 10.0.1.80\n";

static struct zone *zone(const char *text, const char *origin)
{
    char error[ZONE_ERROR];
    struct zone *z = zone_parse(text, origin, error);
    assert_string_equal(error, "");
    return z;
}

static void ignore(void *arg) { (void)arg; }
static bool is_done(void *arg) { (void)arg; return lookup_done(l); }

static int up(void **state)
{
    (void)state;
    memnet_init(&m);
    stub = stub_new(&m.net, &(struct stub_config){ .n_servers = 2, .servers = { { server, 0 }, { addr4(0x0a000036), 0 } },
                                                   .hosts = "# names\n10.9.9.9 printer Printer.Local # by the door\n\n::9\tprinter\r\nbad name\n10.1.1.1" });
    return 0;
}
static int down(void **state)
{
    (void)state;
    auth_free(auth);
    auth = NULL;
    stub_free(stub);
    memnet_fini(&m);
    return 0;
}
static void serve(void)
{
    auth = auth_new(&m.net);
    assert_true(auth_add_zone(auth, zone(zone_text, "shop.test")));
    assert_true(auth_add_zone(auth, zone(other_text, "other.test")));
    assert_int_equal(auth_listen(auth, (struct endpoint){ server, 53 }), PLUMB_OK);
}

/* "addr addr ..." or the detail of the failure. */
static const char *look(const char *name, enum name_family family)
{
    static char text[500];
    char one[ADDR_TEXT];
    uint32_t n;
    text[0] = 0;
    l = stub_lookup(stub, name, family, ignore, NULL);
    assert_false(lookup_done(l));
    assert_true(memnet_run(&m, is_done, NULL, 60 * NS_PER_SEC));
    const struct addr *a = lookup_addrs(l, &n);
    for (uint32_t i = 0; i < n; i++)
        sprintf(text + strlen(text), "%s%s", i ? " " : "", addr_text(a[i], one));
    assert_int_equal(n == 0, lookup_error(l) != PLUMB_OK);
    if (n == 0)
        snprintf(text, sizeof text, "%s", lookup_detail(l));
    lookup_free(l);
    return text;
}

static void without_a_server(void **state)
{
    (void)state;
    assert_string_equal(look("10.0.0.1", NAME_ANY), "10.0.0.1");
    assert_string_equal(look("::1", NAME_ANY), "::1");
    assert_string_equal(look("::1", NAME_V4), "the address is of the other family");
    assert_string_equal(look("localhost", NAME_ANY), "127.0.0.1 ::1");
    assert_string_equal(look("x.LocalHost.", NAME_V4), "127.0.0.1");
    assert_string_equal(look("PRINTER", NAME_ANY), "10.9.9.9 ::9");
    assert_string_equal(look("printer.local", NAME_ANY), "10.9.9.9");
    assert_string_equal(look("printer", NAME_V6), "::9");
    assert_string_equal(look("a..b", NAME_ANY), "not a valid host name");
    assert_string_equal(look("", NAME_ANY), "not a valid host name");
    static char longest[2000];
    memset(longest, 'a', sizeof longest - 1);
    assert_string_equal(look(longest, NAME_ANY), "not a valid host name");
    stub_set_servers(stub, NULL, 0);
    assert_string_equal(look("www.shop.test", NAME_ANY), "no name server is known");
}

static void asks(void **state)
{
    (void)state;
    serve();
    assert_string_equal(look("www.shop.test", NAME_ANY), "2001:db8::80 10.0.0.80");
    assert_string_equal(look("WWW.shop.test.", NAME_V4), "10.0.0.80");
    assert_string_equal(look("four.shop.test", NAME_ANY), "10.0.0.4");
    assert_string_equal(look("four.shop.test", NAME_V6), "the name exists but has no address");
    assert_string_equal(look("alias.shop.test", NAME_V4), "10.0.0.80");
    assert_string_equal(look("far.shop.test", NAME_V4), "10.0.1.80");
    assert_string_equal(look("nowhere.shop.test", NAME_ANY), "no such name (NXDOMAIN)");
    assert_string_equal(look("none.shop.test", NAME_ANY), "no such name (NXDOMAIN)");
    assert_string_equal(look("empty.shop.test", NAME_ANY), "the name exists but has no address");
    assert_string_equal(look("l1.shop.test", NAME_V4), "the name's chain of aliases has no end");
    const int64_t before_ns = m.loop.now_ns;
    assert_string_equal(look("www.third.test", NAME_V4), "the name servers refused to answer (REFUSED)");
    assert_int_equal(m.loop.now_ns - before_ns, 10 * NS_PER_SEC);       /* the second server was tried, twice, and is silent */
}

static void silence_and_second_servers(void **state)
{
    (void)state;
    assert_string_equal(look("www.shop.test", NAME_V4), "no name server answered");
    assert_int_equal(m.loop.now_ns, 20 * NS_PER_SEC);
    serve();
    const struct endpoint turned[] = { { addr4(0x0a000036), 53 }, { server, 53 } };
    stub_set_servers(stub, turned, 2);
    assert_string_equal(look("www.shop.test", NAME_V4), "10.0.0.80");
    assert_int_equal(m.loop.now_ns, 25 * NS_PER_SEC);
    l = stub_lookup(stub, "www.shop.test", NAME_ANY, ignore, NULL);     /* let go of under way */
    memnet_turn(&m);
    lookup_free(l);
}

static void falls_back_to_tcp(void **state)
{
    (void)state;
    char text[4000];
    int n = sprintf(text, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n");
    for (int i = 1; i <= 60; i++)
        n += sprintf(text + n, "many A 10.0.2.%d\n", i);
    auth = auth_new(&m.net);
    assert_true(auth_add_zone(auth, zone(text, "shop.test")));
    assert_int_equal(auth_listen(auth, (struct endpoint){ server, 53 }), PLUMB_OK);
    m.buffer = 100;                                                     /* the answer comes in pieces */
    look("many.shop.test", NAME_V4);
    assert_int_equal(m.connects, 1);
    l = stub_lookup(stub, "many.shop.test", NAME_V4, ignore, NULL);
    assert_true(memnet_run(&m, is_done, NULL, NS_PER_SEC));
    uint32_t count;
    lookup_addrs(l, &count);
    assert_int_equal(count, ANSWER_ADDRS);
    lookup_free(l);
}

/* A server that answers first with forgeries, each wrong in one thing, then truly. */
static struct dgram *liar;
static int what;
static void lie(void *arg)
{
    struct dgram_in in;
    (void)arg;
    while (dgram_peek(liar, &in)) {
        for (int forged = 1; forged >= 0; forged--) {
            uint8_t out[512];
            const struct reader msg = reader_of(in.bytes, in.len);
            struct reader r = msg;
            struct dns_header h;
            struct dns_question q;
            assert_true(dns_header_read(&r, &h) && dns_question_read(&r, msg, &q));
            struct dns_name name = q.name;
            struct writer w = writer_of(out, sizeof out);
            h.qr = !(forged && what == 0);
            h.id = (uint16_t)(h.id ^ (forged && what == 1));
            h.an = 1;
            if (forged && what == 2)
                assert_true(dns_name_parse("www.evil.test", &q.name));
            if (forged && what == 3)
                q.type = DNS_AAAA;
            if (forged && what == 4)
                h.opcode = 4;
            dns_header_write(&w, &h);
            dns_question_write(&w, &q);
            if (forged && what == 6)
                assert_true(dns_name_parse("www.evil.test", &name));
            dns_record_write(&w, &name, DNS_A, DNS_IN, 60, forged ? "\x06\x06\x06\x06" : "\x0a\x00\x00\x01", 4);
            const size_t len = wr_len(&w) - (forged && what == 5 ? 2u : 0u);
            struct dgram *from = liar;
            if (forged && what == 7)
                assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { server, 5353 } }, &from), PLUMB_OK);
            assert_int_equal(dgram_send(from, in.from, out, len), PLUMB_OK);
            if (from != liar)
                dgram_close(from);
        }
        dgram_consume(liar);
    }
}
static void forgeries_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { server, 53 } }, &liar), PLUMB_OK);
    dgram_watch(liar, lie, NULL);
    for (what = 0; what < 8; what++) {
        const char *got = look("www.shop.test", NAME_V4);
        if (strcmp(got, what == 6 ? "the name exists but has no address" : "10.0.0.1") != 0)
            fail_msg("forgery %d: %s", what, got);
    }
    dgram_close(liar);
}

static int queries, answers;
static void count_events(void *arg, const struct event *e, const void *bytes, uint32_t n)
{
    (void)arg;
    queries += e->kind == EV_dns_query && n == 13 && memcmp(bytes, "www.shop.test", 13) == 0;
    answers += e->kind == EV_dns_answer && EVENT_BODY_OF(e, dns_answer)->answers == 1;
}
static void tells_its_events(void **state)
{
    (void)state;
    serve();
    trace_watch(&m.trace, TRACE_NAME, count_events, NULL);
    look("www.shop.test", NAME_ANY);
    assert_int_equal(queries, 2);
    assert_int_equal(answers, 2);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(without_a_server), WITH(asks), WITH(silence_and_second_servers), WITH(falls_back_to_tcp),
                                      WITH(forgeries_are_passed_over), WITH(tells_its_events) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
