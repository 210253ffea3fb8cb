/* The filter's text, by line; and what rules say of packets. */
#include "../test.h"
#include "net/filter.h"
#include "wire/ip4.h"

static const char *const names[IFACE_MAX] = { "lan", "wan", "dmz" };
static struct filter f;
static char error[200];

static struct addr address(const char *text)
{
    struct addr a;
    assert_true(addr_parse(text, &a));
    return a;
}

static enum filter_verdict judge(int in, int out, const char *src, const char *dst, uint8_t proto, unsigned dport, unsigned *line)
{
    const struct filter_ask a = { .src = address(src), .dst = address(dst), .proto = proto, .sport = 50000, .dport = (uint16_t)dport,
                                  .in = (int16_t)in, .out = (int16_t)out, .type = proto == IP_ICMP ? 8 : FILTER_ANY };
    return filter_judge(&f, &a, line);
}

static void the_first_rule_that_applies_judges(void **state)
{
    (void)state;
    unsigned line;
    assert_true(filter_parse("# who may go where\n"
                             "default reject\n"
                             "\n"
                             "deny  in lan to 10.66.0.0/16   # but not there\n"
                             "allow in lan out wan\n"
                             "allow in wan out dmz to 192.168.9.7 proto tcp port 80-81\n"
                             "allow proto icmp type 8\n"
                             "allow ip6 from 2001:db8::/32 proto udp sport 50000 port 53\n"
                             "deny  out self in wan\n", names, &f, error));
    assert_int_equal(f.n, 6);
    assert_int_equal(judge(0, 1, "192.168.1.2", "10.66.1.1", IP_TCP, 80, &line), FILTER_DENY);
    assert_int_equal(line, 4);
    assert_int_equal(judge(0, 1, "192.168.1.2", "10.67.1.1", IP_TCP, 80, &line), FILTER_ALLOW);
    assert_int_equal(judge(1, 2, "10.67.1.1", "192.168.9.7", IP_TCP, 81, &line), FILTER_ALLOW);
    assert_int_equal(judge(1, 2, "10.67.1.1", "192.168.9.7", IP_TCP, 82, &line), FILTER_REJECT);
    assert_int_equal(line, 0);
    assert_int_equal(judge(1, 2, "10.67.1.1", "192.168.9.7", IP_UDP, 80, &line), FILTER_REJECT);
    assert_int_equal(judge(1, 0, "10.67.1.1", "192.168.9.7", IP_ICMP, 0, &line), FILTER_ALLOW);
    assert_int_equal(judge(2, 0, "2001:db8::1", "2001:db9::1", IP_UDP, 53, &line), FILTER_ALLOW);
    assert_int_equal(judge(2, 0, "2001:db9::1", "2001:db8::1", IP_UDP, 53, &line), FILTER_REJECT);
    assert_int_equal(judge(1, FILTER_SELF, "10.67.1.1", "192.168.9.1", IP_TCP, 80, &line), FILTER_DENY);
    assert_int_equal(judge(0, FILTER_SELF, "192.168.9.2", "192.168.9.1", IP_TCP, 80, &line), FILTER_ALLOW);     /* no rule says otherwise */
}

static void what_is_wrong_stands_in_a_line(void **state)
{
    (void)state;
    static const struct { const char *text, *error; } cases[] = {
        { "allow in lan\nallow out nowhere\n", "line 2: no interface is called \"nowhere\"" },
        { "permit in lan", "line 1: a rule begins with allow, deny, reject or default, not \"permit\"" },
        { "\n\nallow port 80", "line 3: a port needs \"proto tcp or udp\"" },
        { "allow proto tcp port 90-80", "line 1: it does not fit its key: \"90-80\"" },
        { "allow proto tcp port 65536", "line 1: it does not fit its key: \"65536\"" },
        { "allow from 10.0.0.0/33", "line 1: it does not fit its key: \"10.0.0.0/33\"" },
        { "allow from 10.0.0.0/8 to ::1", "line 1: addresses of two families in \"from and to\"" },
        { "allow type 8", "line 1: a type needs \"proto icmp or icmp6\"" },
        { "allow colour red", "line 1: there are in out from to proto port sport type ip4 ip6, but no \"colour\"" },
        { "allow in", "line 1: a value is missing behind \"in\"" },
        { "allow in self", "line 1: no interface is called \"self\"" },
        { "default", "line 1: default takes allow, deny or reject, not \"\"" },
        { "default deny now", "line 1: what is \"now\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(filter_parse(cases[i].text, names, &f, error));
        assert_string_equal(error, cases[i].error);
    }
    char many[8 * 257 + 1] = "";
    for (unsigned i = 0; i < 257; i++)
        strcat(many, "allow  \n");
    assert_false(filter_parse(many, names, &f, error));
    assert_true(filter_parse("", names, &f, error));
    assert_int_equal(f.otherwise, FILTER_DENY);
}

TESTS(the_first_rule_that_applies_judges, what_is_wrong_stands_in_a_line)
