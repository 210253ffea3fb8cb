/* Which algorithm a connection has, and the memory lent to it: from the first byte
 * in flight until nothing is and zeros would say as much. */
#include "tcp/conn.h"

static const struct cc_ops *const algorithm[TCP_CC_COUNT] = { [TCP_CC_CUBIC] = &cc_cubic, [TCP_CC_RENO] = &cc_reno, [TCP_CC_BBR] = &cc_bbr };

size_t tcp_cc_own_size(void)
{
    size_t most = 0;
    for (unsigned i = 0; i < TCP_CC_COUNT; i++)
        if (algorithm[i] && algorithm[i]->own_size > most)
            most = algorithm[i]->own_size;
    return most;
}

enum tcp_cc_choice tcp_cc_named(const char *name)
{
    for (unsigned i = 1; i < TCP_CC_COUNT; i++)
        if (strcmp(algorithm[i]->name, name) == 0)
            return (enum tcp_cc_choice)i;
    return TCP_CC_DEFAULT;
}

const char *tcp_cc_name(const struct tcp *t, enum tcp_cc_choice choice)
{
    return algorithm[choice ? choice : t->cfg.congestion]->name;
}

void tcp_cc_init(struct tcp_conn *c, enum tcp_cc_choice choice)
{
    c->cc = (struct tcp_cc){ .ops = algorithm[choice ? choice : c->t->cfg.congestion], .ssthresh = CC_SSTHRESH_NONE };
}

/* enum tcp_cc_choice and enum tcp_ecn_mode, for who shows them. */
static void say(const struct tcp_conn *c)
{
    uint8_t which = TCP_CC_COUNT;
    while (which-- > 0 && algorithm[which] != c->cc.ops)
        ;
    TRACE(c->t->trace, c->t->now_ns, c->serial, tcp_control, .congestion = which, .ecn = c->ecn.mode);
}

void tcp_cc_established(struct tcp_conn *c) { say(c); }

void tcp_cc_need(struct tcp_conn *c)
{
    if (c->cc.own)
        return;
    c->cc.own = pool_get(&c->t->ccs);           /* as many as connections: never NULL */
    assert(c->cc.own);
    memset(c->cc.own, 0, c->cc.ops->own_size);
}

static void give_back(struct tcp_conn *c)
{
    if (c->cc.own)
        pool_put(&c->t->ccs, c->cc.own);
    c->cc.own = NULL;
}

void tcp_cc_rest(struct tcp_conn *c)
{
    if (c->cc.own && c->cc.ops->at_rest(&c->cc))
        give_back(c);
}

void tcp_cc_end(struct tcp_conn *c) { give_back(c); }

/* Another algorithm goes on with the window it finds. */
void tcp_cc_switch(struct tcp_conn *c, enum tcp_cc_choice choice)
{
    if (choice == TCP_CC_DEFAULT || c->cc.ops == algorithm[choice])
        return;
    const bool held = c->cc.own;
    give_back(c);
    c->cc.ops = algorithm[choice];
    if (held)
        tcp_cc_need(c);
    say(c);
}

/* What only some algorithms look at is filled in here. */
void tcp_cc_on_ack(struct tcp_conn *c, const struct cc_ack *a)
{
    if (!c->cc.ops->wants_rate) {
        tcp_rate_passed(c);
        c->cc.ops->on_ack(&c->cc, a);
        return;
    }
    struct cc_ack full = *a;
    const struct rate_sample rate = tcp_rate_sample(c, 0);
    full.rate = &rate;
    full.pipe = tcp_pipe(c);
    full.quantum = tcp_pace_quantum(c);
    c->cc.ops->on_ack(&c->cc, &full);
}

void tcp_cc_on_loss(struct tcp_conn *c, const struct cc_loss *l)
{
    struct cc_loss full = *l;
    full.pipe = tcp_pipe(c);
    full.delivered_total = (uint32_t)c->rate.delivered;
    c->cc.ops->on_loss(&c->cc, &full);
}

/* A mark is a loss without what was lost (RFC 3168 §6.1.2) [RFC3168-6.1.2c]; a loss of the same time was answered already. */
void tcp_recover_on_ecn(struct tcp_conn *c, int64_t now_ns)
{
    if (c->flight->rec.phase != REC_OPEN)
        return;
    tcp_cc_on_loss(c, &(struct cc_loss){ .cause = CC_ECN, .in_flight = in_flight(c), .mss = c->mss, .now_ns = now_ns });
    TRACE(c->t->trace, now_ns, c->serial, tcp_cwnd, .cwnd = c->cc.cwnd, .ssthresh = c->cc.ssthresh, .in_flight = in_flight(c),
          .pacing = tcp_pacing_rate(c));
}
