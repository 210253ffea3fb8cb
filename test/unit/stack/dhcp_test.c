/* The DHCP client of a stack against a server made of a datagram socket. */
#include "../test.h"
#include "lan.h"
#include "wire/dhcp4.h"

struct server {
    struct dgram *d;
    struct addr   offer;
    uint32_t      lease_s;
    bool          silent, refuse;
    unsigned      seen[9];
    struct dhcp4  last;
};

static void serve(void *arg)
{
    struct server *s = arg;
    struct dgram_in in;
    for (; dgram_peek(s->d, &in); dgram_consume(s->d)) {
        struct dhcp4 m, reply = { 0 };
        struct reader r = reader_of(in.bytes, in.len);
        assert_true(dhcp4_read(&r, &m));
        s->seen[m.type]++;
        s->last = m;
        if (s->silent || (m.type != DHCP4_DISCOVER && m.type != DHCP4_REQUEST))
            continue;
        reply = (struct dhcp4){ .op = 2, .type = m.type == DHCP4_DISCOVER ? DHCP4_OFFER : s->refuse ? DHCP4_NAK : DHCP4_ACK, .xid = m.xid,
            .chaddr = m.chaddr, .ciaddr = addr4(0), .yiaddr = s->refuse && m.type == DHCP4_REQUEST ? addr4(0) : s->offer, .siaddr = addr4(0),
            .giaddr = addr4(0), .server_id = lan_addr("10.0.0.1"), .mask = lan_addr("255.255.255.0"), .lease_s = s->lease_s, .n_router = 1,
            .router = { lan_addr("10.0.0.1") }, .n_dns = 1, .dns = { lan_addr("10.0.0.53") }, .requested = ADDR_NONE };
        uint8_t bytes[DHCP4_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        dhcp4_write(&w, &reply);
        const bool unicast = !addr_is_any(m.ciaddr);
        const struct endpoint to = { unicast ? m.ciaddr : addr4(0xffffffff), DHCP4_CLIENT_PORT };
        assert_int_equal(dgram_send(s->d, to, bytes, wr_len(&w)), PLUMB_OK);
    }
}

static struct world *w;
static int client, host, other;
static struct server server;

static void begin(uint64_t seed)
{
    w = world_new(seed);
    const int sw = world_add_switch(w);
    host = lan_host(w, 1, "10.0.0.1/24", NULL);
    client = lan_host(w, 2, NULL, NULL);
    other = lan_host(w, 3, "10.0.0.99/24", NULL);
    lan_join(w, host, 0, lan_switch_end(sw), NULL);
    lan_join(w, client, 0, lan_switch_end(sw), NULL);
    lan_join(w, other, 0, lan_switch_end(sw), NULL);
    lan_run_for(w, 3 * NS_PER_SEC);
    server = (struct server){ .offer = lan_addr("10.0.0.100"), .lease_s = 3600 };
    const struct dgram_opts o = { .local = { lan_addr("10.0.0.1"), DHCP4_SERVER_PORT }, .broadcast = true };
    assert_int_equal(net_datagram(stack_net(world_stack(w, host), world_loop(w)), &o, &server.d), PLUMB_OK);
    dgram_watch(server.d, serve, &server);
}

static struct stack *c(void) { return world_stack(w, client); }

static void bound_renewed_released(void **state)
{
    (void)state;
    struct dhcp_lease_info l;
    struct path p;
    struct prefix own;
    begin(1);
    stack_dhcp_start(c(), 0, "laptop", world_now(w));
    lan_run_for(w, NS_PER_SEC);
    assert_true(stack_dhcp_lease(c(), 0, &l));
    assert_true(addr_eq(l.addr.addr, lan_addr("10.0.0.100")));
    assert_int_equal(l.addr.len, 24);
    assert_int_equal(l.n_dns, 1);
    assert_true(stack_addr_ready(c(), 0, &own));
    assert_true(addr_eq(own.addr, lan_addr("10.0.0.100")));
    assert_int_equal(stack_route(c(), ADDR_NONE, lan_addr("192.0.2.1"), &p), PLUMB_OK);
    assert_true(addr_eq(p.next_hop, lan_addr("10.0.0.1")));
    assert_int_equal(server.seen[DHCP4_DISCOVER], 1);
    assert_int_equal(server.seen[DHCP4_REQUEST], 1);
    assert_string_equal(server.last.host_name, "laptop");
    assert_true(server.last.broadcast);
    lan_run_for(w, 1801 * NS_PER_SEC);  /* T1: half of the lease */
    assert_int_equal(server.seen[DHCP4_REQUEST], 2);
    assert_true(addr_eq(server.last.ciaddr, lan_addr("10.0.0.100")));
    assert_true(addr_is_none(server.last.server_id));   /* table 5: MUST NOT when renewing */
    assert_true(addr_is_none(server.last.requested));
    lan_run_for(w, 1801 * NS_PER_SEC);
    assert_int_equal(server.seen[DHCP4_REQUEST], 3);
    assert_int_equal(server.seen[DHCP4_DISCOVER], 1);
    stack_dhcp_release(c(), 0, world_now(w));
    lan_run_for(w, NS_PER_SEC);
    assert_int_equal(server.seen[DHCP4_RELEASE], 1);
    assert_false(stack_addr_ready(c(), 0, NULL));
    assert_int_equal(stack_route(c(), ADDR_NONE, lan_addr("192.0.2.1"), &p), PLUMB_NO_ROUTE);
    world_free(w);
}

static void silence_is_waited_out(void **state)
{
    (void)state;
    begin(2);
    server.silent = true;
    stack_dhcp_start(c(), 0, NULL, world_now(w));
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_int_equal(server.seen[DHCP4_DISCOVER], 1);
    lan_run_for(w, 2500 * NS_PER_MS);
    assert_int_equal(server.seen[DHCP4_DISCOVER], 2);   /* 4 s, one either way */
    lan_run_for(w, 9500 * NS_PER_MS);
    assert_int_equal(server.seen[DHCP4_DISCOVER], 3);
    server.silent = false;
    lan_run_for(w, 20 * NS_PER_SEC);
    assert_true(stack_addr_ready(c(), 0, NULL));
    world_free(w);
}

static void lease_runs_out(void **state)
{
    (void)state;
    begin(3);
    server.lease_s = 600;
    stack_dhcp_start(c(), 0, NULL, world_now(w));
    lan_run_for(w, NS_PER_SEC);
    assert_true(stack_addr_ready(c(), 0, NULL));
    server.silent = true;
    lan_run_for(w, 598 * NS_PER_SEC);
    assert_true(stack_addr_ready(c(), 0, NULL));
    assert_true(server.seen[DHCP4_REQUEST] >= 4);       /* renewing at 300 s, then each half of what is left; rebinding at 525 s */
    lan_run_for(w, 2 * NS_PER_SEC);
    assert_false(stack_addr_ready(c(), 0, NULL));
    assert_int_equal(server.seen[DHCP4_DISCOVER], 2);
    world_free(w);
}

static void taken_address_is_declined(void **state)
{
    (void)state;
    begin(4);
    server.offer = lan_addr("10.0.0.99");
    stack_dhcp_start(c(), 0, NULL, world_now(w));
    lan_run_for(w, NS_PER_SEC);
    assert_int_equal(server.seen[DHCP4_DECLINE], 1);
    assert_true(addr_eq(server.last.requested, lan_addr("10.0.0.99")));
    assert_false(stack_addr_ready(c(), 0, NULL));
    server.offer = lan_addr("10.0.0.100");
    lan_run_for(w, 12 * NS_PER_SEC);
    assert_true(stack_addr_ready(c(), 0, NULL));
    world_free(w);
}

static void nak_starts_over(void **state)
{
    (void)state;
    begin(5);
    stack_dhcp_start(c(), 0, NULL, world_now(w));
    lan_run_for(w, NS_PER_SEC);
    server.refuse = true;
    lan_run_for(w, 1800 * NS_PER_SEC + 1);
    assert_false(stack_addr_ready(c(), 0, NULL));
    server.refuse = false;
    server.offer = lan_addr("10.0.0.101");
    lan_run_for(w, 100 * NS_PER_SEC);
    struct prefix p;
    assert_true(stack_addr_ready(c(), 0, &p));
    assert_true(addr_eq(p.addr, lan_addr("10.0.0.101")));
    world_free(w);
}

TESTS(bound_renewed_released, silence_is_waited_out, lease_runs_out, taken_address_is_declined, nak_starts_over)
