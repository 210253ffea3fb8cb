/* ICMP errors about our packets, given to whoever sent them. */
#include "stack/inner.h"

static enum plumb_err err_of(const struct net_error *e)
{
    if (e->trouble == TROUBLE_TOO_BIG)
        return PLUMB_TOO_BIG;
    return e->trouble == TROUBLE_PORT || e->trouble == TROUBLE_PROTOCOL ? PLUMB_REFUSED : PLUMB_UNREACHABLE;
}

/* IPv6 comes apart at its source alone, so whatever sends must learn (RFC 8201 §4); of IPv4 only what may not. */
static void learn_pmtu(struct stack *st, const struct net_error *e, bool sent, bool whole, int64_t now_ns)
{
    if (e->trouble != TROUBLE_TOO_BIG || !sent || (addr_is4(e->flow.remote) && !whole))
        return;
    inet_learn_pmtu(&st->inet, e, now_ns);
    stack_shards_pmtu(st, e);
}

void stack_give_error(struct stack *st, const struct net_error *e, int64_t now_ns)
{
    if (stack_probe_error(st, e, now_ns))
        return;
    const struct udp_sock *s;
    switch (e->proto) {
    case IP_TCP:
        stack_segments_error(st, e, now_ns);
        return;
    case IP_UDP:
        s = udp_error(&st->udp, &e->flow, err_of(e));
        learn_pmtu(st, e, s != NULL, s && s->whole, now_ns);
        return;
    case IP_ICMP: case IP_ICMP6:        /* an echo of ours: its id and sequence number stand as ports */
        learn_pmtu(st, e, inet_echo_was_sent(&st->inet, &e->flow), false, now_ns);
        inet_keep_echo(&st->inet, &(struct inet_echo){ .trouble = e->trouble, .from = e->from, .about = e->flow.remote,
                                                       .id = e->flow.local_port, .seq = e->flow.remote_port,
                                                       .type = e->type, .code = e->code, .mtu = e->mtu,
                                                       .time_ns = now_ns }, now_ns);
        return;
    default:
        return;
    }
}

void stack_give_errors(struct stack *st, int64_t now_ns)
{
    for (uint32_t i = 0; i < st->inet.n_error; i++)
        if (!stack_shard_error(st, &st->inet.error[i], now_ns))
            stack_give_error(st, &st->inet.error[i], now_ns);
    st->inet.n_error = 0;
}
