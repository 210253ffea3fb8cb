/* Echo requests of our own and what came of them. */
#include "stack/inner.h"

enum plumb_err stack_echo_send(struct stack *st, struct addr to, uint16_t id, uint16_t seq, const void *data, size_t len,
                               uint8_t ttl, int64_t now_ns)
{
    if (stack_shard_follows(st))
        return PLUMB_INVALID;
    const enum plumb_err e = inet_echo(&st->inet, &(struct inet_echo_request){ .to = to, .id = id, .seq = seq, .ttl = ttl, .data = data, .len = len }, now_ns);
    stack_touch(st, now_ns);
    return e;
}

bool stack_echo_take(struct stack *st, struct echo_result *out)
{
    struct inet *n = &st->inet;
    if (n->n_echo == 0)
        return false;
    const struct inet_echo *e = &n->echo[n->echo_first];
    *out = (struct echo_result){ .trouble = e->trouble, .from = e->from, .about = e->about, .id = e->id, .seq = e->seq, .ttl = e->ttl,
                                 .icmp_type = e->type, .icmp_code = e->code, .mtu = e->mtu, .len = e->len, .time_ns = e->time_ns };
    n->echo_first = (n->echo_first + 1) % INET_ECHOES;
    n->n_echo--;
    st->echoes_told = n->n_echo;
    return true;
}
