/* Happy eyeballs: which address is tried when, with name servers and peers that are slow, silent or refuse (RFC 8305). */
#include "../memnet.h"
#include "../test.h"
#include "name/auth.h"
#include "name/dial.h"
#include <stdio.h>
#include <stdlib.h>

static const char zone_text[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\nboth A 10.0.0.4\nboth AAAA 2001:db8::6\nfour A 10.0.0.4\nsix AAAA 2001:db8::6\n"
                                "silent6 A 10.0.0.4\nsilent6 AAAA 2001:db8::bad\nrefused6 A 10.0.0.4\nrefused6 AAAA 2001:db8::dead\n"
                                "many AAAA 2001:db8::bad\nmany AAAA 2001:db8::6\nmany A 10.0.0.9\nnone TXT x\ndead A 10.0.0.9\ndead AAAA 2001:db8::dead\n";
static const struct addr server = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 53 } };

static struct memnet m;
static struct auth *auth;
static struct dgram *udp;
static struct stub *stub;
static struct listener *listener[2];
static struct dial *d;
static int64_t slow_ns[2];              /* how late A and AAAA are answered */

struct late { struct loop_timer timer; struct endpoint to; uint8_t bytes[512]; size_t len; };

static void send_late(void *arg)
{
    struct late *x = arg;
    if (x->len)
        assert_int_equal(dgram_send(udp, x->to, x->bytes, x->len), PLUMB_OK);
    free(x);
}

static void on_query(void *arg)
{
    struct dgram_in in;
    (void)arg;
    while (dgram_peek(udp, &in)) {
        struct late *x = calloc(1, sizeof *x);
        struct dns_header h;
        struct dns_question q;
        struct reader r = reader_of(in.bytes, in.len), whole = r;
        assert_true(dns_header_read(&r, &h) && dns_question_read(&r, whole, &q));
        x->timer = (struct loop_timer){ .fn = send_late, .arg = x };
        x->to = in.from;
        x->len = auth_answer(auth, in.bytes, in.len, x->bytes, sizeof x->bytes, false);
        loop_arm_in(&m.loop, &x->timer, slow_ns[q.type == DNS_AAAA]);
        dgram_consume(udp);
    }
}

static int up(void **state)
{
    static const char *const at[2] = { "10.0.0.4", "2001:db8::6" };
    char error[ZONE_ERROR];
    (void)state;
    memnet_init(&m);
    assert_true(addr_parse("2001:db8::bad", &m.silent));
    auth = auth_new(&m.net);
    assert_true(auth_add_zone(auth, zone_parse(zone_text, "t.test", error)));
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { server, 53 } }, &udp), PLUMB_OK);
    dgram_watch(udp, on_query, NULL);
    stub = stub_new(&m.net, &(struct stub_config){ .n_servers = 1, .servers = { { server, 53 } } });
    for (int i = 0; i < 2; i++) {
        struct endpoint local = { .port = 80 };
        assert_true(addr_parse(at[i], &local.addr));
        assert_int_equal(net_listen(&m.net, &(struct listen_opts){ .local = local }, &listener[i]), PLUMB_OK);
    }
    slow_ns[0] = slow_ns[1] = 0;
    return 0;
}

static int down(void **state)
{
    (void)state;
    memnet_run(&m, NULL, NULL, 100 * NS_PER_SEC);       /* what is late may come */
    dgram_close(udp);
    listener_close(listener[0]);
    listener_close(listener[1]);
    auth_free(auth);
    stub_free(stub);
    memnet_fini(&m);
    return 0;
}

static void ignore(void *arg) { (void)arg; }
static bool is_over(void *arg) { (void)arg; return dial_state(d) > DIAL_CONNECTING; }

/* "10.0.0.4 after 250 ms, 2 tried" */
static const char *dialled(const char *name, enum name_family family)
{
    static char out[200];
    char host[64], text[ADDR_TEXT];
    const int64_t begun_ns = m.loop.now_ns;
    snprintf(host, sizeof host, "%s.t.test", name);
    d = dial_new(&m.net, stub, host, 80, family, ignore, NULL);
    assert_int_equal(dial_state(d), DIAL_NAMING);
    assert_true(memnet_run(&m, is_over, NULL, 1000 * NS_PER_SEC));
    const int ms = (int)((m.loop.now_ns - begun_ns) / NS_PER_MS);
    struct stream *s = dial_take(d);
    assert_int_equal(s != NULL, dial_state(d) == DIAL_OPEN);
    if (s)
        snprintf(out, sizeof out, "%s after %d ms, %u tried", addr_text(dial_remote(d).addr, text), ms, dial_tried(d));
    else if (dial_state(d) == DIAL_NO_NAME)
        snprintf(out, sizeof out, "no name: %s", dial_detail(d));
    else
        snprintf(out, sizeof out, "%s after %d ms, %u tried", plumb_err_text(dial_error(d)), ms, dial_tried(d));
    stream_abort(s);
    dial_free(d);
    d = NULL;
    for (int i = 0; i < 2; i++)
        for (struct stream *x; (x = listener_accept(listener[i]));)
            stream_abort(x);
    return out;
}

static void the_better_family_first(void **state)
{
    (void)state;
    assert_string_equal(dialled("both", NAME_ANY), "2001:db8::6 after 0 ms, 1 tried");
    assert_string_equal(dialled("both", NAME_V4), "10.0.0.4 after 0 ms, 1 tried");
    assert_string_equal(dialled("four", NAME_ANY), "10.0.0.4 after 0 ms, 1 tried");
    assert_string_equal(dialled("six", NAME_ANY), "2001:db8::6 after 0 ms, 1 tried");
}

static void what_does_not_answer_costs_little(void **state)
{
    (void)state;
    assert_string_equal(dialled("silent6", NAME_ANY), "10.0.0.4 after 250 ms, 2 tried");
    assert_string_equal(dialled("refused6", NAME_ANY), "10.0.0.4 after 0 ms, 2 tried");
    assert_string_equal(dialled("many", NAME_ANY), "2001:db8::6 after 250 ms, 3 tried");    /* the families in turn */
}

static void slow_answers(void **state)
{
    (void)state;
    slow_ns[1] = 30 * NS_PER_MS;        /* within the resolution delay: waited for */
    assert_string_equal(dialled("both", NAME_ANY), "2001:db8::6 after 30 ms, 1 tried");
    slow_ns[1] = 400 * NS_PER_MS;
    assert_string_equal(dialled("both", NAME_ANY), "10.0.0.4 after 50 ms, 1 tried");
    assert_string_equal(dialled("six", NAME_ANY), "2001:db8::6 after 400 ms, 1 tried");
    slow_ns[0] = 400 * NS_PER_MS;
    slow_ns[1] = 0;
    assert_string_equal(dialled("both", NAME_ANY), "2001:db8::6 after 0 ms, 1 tried");
    assert_string_equal(dialled("silent6", NAME_ANY), "10.0.0.4 after 400 ms, 2 tried");    /* its turn had come already */
    assert_string_equal(dialled("refused6", NAME_ANY), "10.0.0.4 after 400 ms, 2 tried");
}

static void failures(void **state)
{
    (void)state;
    assert_string_equal(dialled("nobody", NAME_ANY), "no name: no such name (NXDOMAIN)");
    assert_string_equal(dialled("none", NAME_ANY), "no name: the name exists but has no address");
    assert_string_equal(dialled("six", NAME_V4), "no name: the name exists but has no address");
    assert_string_equal(dialled("dead", NAME_ANY), "connection refused after 0 ms, 2 tried");
}

/* Just after it came up a host has no address of IPv6 yet. */
static void addresses_in_the_making(void **state)
{
    (void)state;
    m.settled_ns = m.loop.now_ns + 350 * NS_PER_MS;
    assert_string_equal(dialled("both", NAME_ANY), "10.0.0.4 after 0 ms, 1 tried");
    assert_string_equal(dialled("six", NAME_ANY), "2001:db8::6 after 400 ms, 1 tried");
}

/* At any moment. */
static void given_up(void **state)
{
    (void)state;
    slow_ns[1] = 100 * NS_PER_MS;
    for (int64_t after_ns = 0; after_ns < 500 * NS_PER_MS; after_ns += 20 * NS_PER_MS) {
        d = dial_new(&m.net, stub, "silent6.t.test", 80, NAME_ANY, ignore, NULL);
        memnet_run(&m, NULL, NULL, after_ns);
        dial_free(d);
        for (struct stream *x; (x = listener_accept(listener[0]));)
            stream_abort(x);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { TEST(the_better_family_first), TEST(what_does_not_answer_costs_little), TEST(slow_answers), TEST(failures), TEST(addresses_in_the_making), TEST(given_up) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
