/* The filter in a whole router: the first packet of a flow is judged, the others belong to it; who is rejected is told. */
#include "router.h"

#define A ip(192, 168, 1, 2)
#define R ip(198, 51, 100, 7)

static struct filter rules;

static void begin(const char *text, bool nat)
{
    const char *const names[IFACE_MAX] = { "in", "out" };
    char error[200];
    assert_true(filter_parse(text, names, &rules, error));
    const struct gate_config c = { .filter = &rules, .nat = nat };
    router_begin(&c);
}

static void answers_belong_to_questions(void **state)
{
    (void)state;
    struct seen s;
    begin("default deny\nallow in in out out\n", false);
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, A, 5000), 0, &s));
    assert_int_equal(drops(WHY_FILTER_DENIED), 1);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_true(tuple_eq(&s.t, &(struct tuple){ A, R, 5000, 53, IP_UDP }));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, A, 5000), 0, &s));
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 54, A, 5000), 0, &s));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_ICMP, A, 9, R, 0), 0, &s));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_ICMP, R, 0, A, 9), 0, &s));
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_ICMP, R, 9, A, 0), 0, &s));
    pass_time(301 * NS_PER_SEC);
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, A, 5000), 0, &s));
    router_end();
}

static void who_is_rejected_is_told(void **state)
{
    (void)state;
    struct seen s;
    begin("default reject\n", false);
    put(INSIDE, make(&(struct tuple){ A, R, 5000, 53, IP_UDP }, 0, 16));
    assert_true(take(INSIDE, &s));
    assert_int_equal(s.type * 256 + s.code, 3 * 256 + 13);
    put(INSIDE, make(&(struct tuple){ A, R, 5000, 80, IP_TCP }, SYN, 0));
    assert_true(take(INSIDE, &s));
    assert_int_equal(s.flags, RST | ACK);
    assert_true(tuple_eq(&s.t, &(struct tuple){ R, A, 80, 5000, IP_TCP }));
    put(INSIDE, make(&(struct tuple){ A, R, 5000, 80, IP_TCP }, RST, 0));       /* nobody resets a reset */
    assert_true(silent());
    assert_int_equal(drops(WHY_FILTER_REJECTED), 3);
    router_end();
}

static void the_router_itself_too(void **state)
{
    (void)state;
    struct seen s;
    begin("default deny\ndeny out self in out proto icmp type 8\n", false);
    put(INSIDE, make(&(struct tuple){ A, ip(192, 168, 1, 1), 5, 0, IP_ICMP }, 0, 16));
    assert_true(take(INSIDE, &s));
    put(OUTSIDE, make(&(struct tuple){ R, ip(203, 0, 113, 1), 5, 0, IP_ICMP }, 0, 16));
    assert_true(silent());
    assert_int_equal(drops(WHY_FILTER_DENIED), 1);
    router_end();
}

/* With NAT rules are about who is inside. */
static void beside_nat(void **state)
{
    (void)state;
    struct seen s;
    begin("default deny\nallow in in out out proto udp port 53\n", true);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, ip(203, 0, 113, 1), 5000), 0, &s));
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 54, ip(203, 0, 113, 1), 5000), 0, &s));
    assert_false(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 54), 0, &s));
    assert_int_equal(drops(WHY_FILTER_DENIED), 2);
    router_end();
}

TESTS(answers_belong_to_questions, who_is_rejected_is_told, the_router_itself_too, beside_nat)
