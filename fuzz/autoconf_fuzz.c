/* A host that is advertised to whatever it be keeps its bounds, and comes to an end with what there is to do.
 * covers: src/net/autoconf.c src/net/own_addr.c */
#include "fuzz.h"
#include "net/autoconf.h"

static int64_t act(struct autoconf *a, int64_t now_ns)
{
    struct autoconf_action x;
    for (unsigned i = 0; autoconf_next(a, &x, now_ns); i++) {
        REQUIRE(i < 1000);
        if (x.kind == AUTOCONF_ADDR && x.own.kind == OWN_ADD)
            REQUIRE(autoconf_verdict(a, x.own.addr, (i & 3) != 0, now_ns));
    }
    const int64_t next_ns = autoconf_deadline(a);
    REQUIRE(next_ns > now_ns);
    return next_ns;
}

/* The input is messages, each with its length before it. */
FUZZ(data, size)
{
    struct rng rng;
    struct autoconf a;
    struct reader all = reader_of(data, size);
    int64_t now_ns = NS_PER_SEC;
    rng_seed(&rng, 1);
    autoconf_start(&a, AUTOCONF_HOST, &rng, &(struct sipkey){ { 1, 2 } }, (struct mac){ { 2 } }, 0, 1500);
    (void)act(&a, now_ns);
    while (rd_left(&all) > 0) {
        struct nd m;
        const uint8_t head = rd_u8(&all);
        struct reader r = rd_sub(&all, head < rd_left(&all) ? head : rd_left(&all));
        if (!nd_read(&r, &m))
            continue;
        const struct addr from = { .b = { 0xfe, 0x80, [15] = head & 3 } };
        if (m.type == ICMP6_ROUTER_ADVERT)
            (void)autoconf_in(&a, from, &m, now_ns);
        else if (m.solicited)
            autoconf_router_silent(&a, from);
        else if (m.override)
            autoconf_router_answers(&a, from);
        const int64_t next_ns = act(&a, now_ns);
        if (head & 0x40 && next_ns != DEADLINE_NEVER)
            now_ns = next_ns;
    }
}
