#include "../test.h"
#include "base/time.h"
#include "cli/scan_state.h"
#include "cli/scan_targets.h"
#include "wire/tcp.h"

static struct scan s;
static const struct addr hosts[] = { { .b = { [10] = 0xff, 0xff, 10, 0, 0, 1 } }, { .b = { [10] = 0xff, 0xff, 10, 0, 0, 2 } } };

static void begin(uint32_t n_hosts, const char *ports, unsigned rate)
{
    struct port_set set;
    char error[PORTS_ERROR];
    assert_true(ports_parse(ports, &set, error));
    assert_true(scan_init(&s, hosts, n_hosts, &set, rate, 2, 77));
}

static void answer(const struct scan_probe *p, uint8_t flags, enum inet_trouble trouble, int64_t now_ns)
{
    scan_answer(&s, &(struct scan_answer){ .from = hosts[p->host], .about = hosts[p->host], .port = s.number[p->port], .seq = scan_seq(&s, p->host, p->port),
                                           .has_seq = true, .flags = flags, .trouble = trouble, .ttl = 64, .time_ns = now_ns });
}

/* Runs to the end: port 1 is open, 2 closed, 3 denied, the rest silent.  How many probes it took. */
static unsigned play(int64_t *now_ns)
{
    unsigned n = 0;
    struct scan_probe p;
    while (!scan_is_over(&s)) {
        while (scan_next(&s, &p, *now_ns)) {
            const uint16_t port = s.number[p.port];
            n++;
            if (port == 1)
                answer(&p, SYN | ACK, TROUBLE_NONE, *now_ns + NS_PER_MS);
            else if (port == 2)
                answer(&p, RST | ACK, TROUBLE_NONE, *now_ns + NS_PER_MS);
            else if (port == 3)
                answer(&p, 0, TROUBLE_ADMIN, *now_ns + NS_PER_MS);
        }
        const int64_t at_ns = scan_deadline(&s, *now_ns);
        if (at_ns == DEADLINE_NEVER)
            break;
        assert_true(at_ns >= *now_ns);
        *now_ns = at_ns;
    }
    return n;
}

static void three_answers(void **state)
{
    (void)state;
    int64_t now_ns = 0;
    begin(2, "1-9", 1000);
    assert_int_equal(play(&now_ns), 2 * (3 + 6 * 3));      /* each silent one three times */
    assert_true(scan_is_over(&s));
    for (uint32_t h = 0; h < 2; h++) {
        assert_int_equal(s.host[h].port[0].state, PORT_OPEN);
        assert_int_equal(s.host[h].port[1].state, PORT_CLOSED);
        assert_int_equal(s.host[h].port[2].state, PORT_FILTERED);
        assert_int_equal(s.host[h].port[2].why, SCAN_ICMP);
        assert_int_equal(s.host[h].port[8].why, SCAN_SILENT);
        assert_int_equal(scan_count(&s, h, PORT_FILTERED), 7);
        assert_true(s.host[h].up && !s.host[h].down);
    }
    assert_true(now_ns < 10 * NS_PER_SEC);
    scan_fini(&s);
}

static void rate_held(void **state)
{
    (void)state;
    int64_t now_ns = 0;
    begin(1, "1-1000", 100);
    const unsigned n = play(&now_ns);
    assert_true(now_ns >= (int64_t)(n - 1) * 10 * NS_PER_MS);
    scan_fini(&s);
}

static void only_ours(void **state)
{
    (void)state;
    struct scan_probe p;
    begin(1, "80", 1000);
    assert_true(scan_next(&s, &p, 0));
    struct scan_answer a = { .from = hosts[0], .about = hosts[0], .port = 80, .seq = scan_seq(&s, 0, 0) + 1, .has_seq = true, .flags = SYN | ACK };
    scan_answer(&s, &a);                /* acknowledges what was never sent */
    a.seq--;
    a.has_seq = false;
    scan_answer(&s, &a);
    a.has_seq = true;
    a.about = a.from = hosts[1];
    scan_answer(&s, &a);
    a.about = hosts[0];
    a.flags = ACK;
    scan_answer(&s, &a);
    a.trouble = TROUBLE_TTL;
    scan_answer(&s, &a);
    assert_int_equal(s.host[0].port[0].state, PORT_ASKED);
    a.trouble = TROUBLE_NONE;
    a.flags = RST;
    scan_answer(&s, &a);
    assert_int_equal(s.host[0].port[0].state, PORT_CLOSED);
    scan_answer(&s, &a);                /* twice harms nobody */
    assert_true(scan_is_over(&s));
    scan_fini(&s);
}

static void nobody_there(void **state)
{
    (void)state;
    struct scan_probe p;
    begin(2, "1-100", 1000);
    assert_true(scan_next(&s, &p, 0));
    scan_answer(&s, &(struct scan_answer){ .from = addr4(9), .about = hosts[p.host], .port = s.number[p.port], .seq = scan_seq(&s, p.host, p.port), .has_seq = true,
                                           .trouble = TROUBLE_ADDRESS, .own = true });
    assert_true(s.host[p.host].down);
    assert_int_equal(scan_count(&s, p.host, PORT_UNKNOWN), 100);
    int64_t now_ns = NS_PER_SEC;
    (void)play(&now_ns);
    assert_int_equal(scan_count(&s, 1 - p.host, PORT_UNKNOWN), 0);
    scan_fini(&s);
}

static void targets(void **state)
{
    (void)state;
    static const struct { const char *text; uint32_t n; } good[] = { { "10.0.0.1", 1 }, { "10.0.0.0/24", 254 }, { "10.0.0.0/30", 2 }, { "10.0.0.0/31", 2 },
        { "10.0.0.0-10.0.0.255", 256 }, { "2001:db8::/120", 256 }, { "255.255.255.250-255.255.255.254", 5 } };
    static const char *const bad[] = { "10.0.0.0/23", "10.0.0.0-10.0.1.0", "2001:db8::/119", "x", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1", "::/0" };
    static struct scan_targets t;
    char error[TARGET_ERROR];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        t.n = 0;
        if (!targets_add(&t, good[i].text, error) || t.n != good[i].n)
            fail_msg("%s: %u", good[i].text, t.n);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        t.n = 0;
        if (targets_add(&t, bad[i], error))
            fail_msg("%s was taken", bad[i]);
    }
    t.n = 0;
    assert_true(targets_add(&t, "10.0.0.1", error) && targets_add(&t, "10.0.0.0/24", error));
    assert_int_equal(t.n, 254);
    assert_false(targets_add(&t, "10.0.1.0/24", error));
}

TESTS(three_answers, rate_held, only_ours, nobody_there, targets)
