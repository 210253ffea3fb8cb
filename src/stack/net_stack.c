/* struct net on this stack. */
#include "stack/inner.h"

/* Unpredictable to whoever sees some of them, repeatable from the stack's seed. */
static uint64_t random_bits(struct net *n)
{
    struct stack_net *net = (struct stack_net *)n;
    return siphash_words(&net->random_key, &(uint64_t){ ++net->randoms }, 1);
}

static bool source_towards(struct net *n, struct addr remote, struct addr_source *out)
{
    return inet_source_of(&((struct stack_net *)n)->st->inet, remote, out);
}

static bool settling(struct net *n)
{
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(((struct stack_net *)n)->st, &cursor, &a);)
        if (!a.ready)
            return true;
    return false;
}

static const struct net_ops ops = {
    .connect = stack_stream_connect, .listen = stack_stream_listen, .datagram = stack_dgram_new, .source = source_towards,
    .settling = settling, .random = random_bits,
};

void stack_net_init(struct stack *st)
{
    st->net = (struct stack_net){ .base = { .ops = &ops, .trace = &st->trace }, .st = st, .random_key = sipkey_from(&st->rng) };
    list_init(&st->net.dgrams);
    list_init(&st->net.streams);
    list_init(&st->net.listeners);
}

struct net *stack_net(struct stack *st, struct loop *loop)
{
    st->net.base.loop = loop;
    return &st->net.base;
}

static bool is_news(const struct stack *st)
{
    return !list_empty(&st->udp.ready) || (!st->cfg.polled && tcp_has_events(st->tcp)) || st->addr_news || st->probe_news || st->inet.n_echo != st->echoes_told;
}

void stack_wake(struct stack *st)
{
    st->touched = false;
    if (!is_news(st))
        return;
    stack_dgrams_wake(st);
    stack_streams_wake(st);
    if (st->watch && (st->addr_news || st->probe_news || st->inet.n_echo > st->echoes_told))
        loop_defer(st->net.base.loop, st->watch);
    st->addr_news = st->probe_news = false;
    st->echoes_told = st->inet.n_echo;
}

void stack_watch(struct stack *st, struct loop_task *task)
{
    if (st->watch)
        loop_undefer(st->watch);
    st->watch = task;
    st->echoes_told = 0;
}

void stack_net_fini(struct stack *st)
{
    stack_streams_free(st);
    stack_dgrams_free(st);
}
