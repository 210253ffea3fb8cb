/* Ephemeral ports a stranger cannot guess: RFC 6056 §3.3.3, simple hash-based. */
#include "tcp/conn.h"

static uint32_t offset_of(const struct tcp *t, const struct path *p, uint16_t remote_port)
{
    const uint64_t words[5] = { p->local.q[0], p->local.q[1], p->remote.q[0], p->remote.q[1], remote_port };
    return (uint32_t)siphash_words(&t->port_key, words, 5);
}

bool tcp_port_free(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port, struct tcp_timewait **old, int64_t now_ns)
{
    struct tcp_node *n = demux_find(t, p->local, p->remote, local_port, remote_port);
    *old = n && n->is_timewait ? (struct tcp_timewait *)(void *)n : NULL;
    return !n || (*old && tcp_timewait_reusable(t, *old, now_ns));
}

static enum plumb_err pick(struct tcp *t, const struct path *p, uint16_t remote_port, bool reuse, uint16_t *out, int64_t now_ns)
{
    const uint32_t offset = offset_of(t, p, remote_port), count = t->cfg.last_port - t->cfg.first_port + 1u;
    struct tcp_timewait *old;
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t port = (uint16_t)(t->cfg.first_port + (offset + t->port_counter++) % count);
        const struct flow f = { p->local, p->remote, port, remote_port };
        if (!steer_is_home(&t->cfg.steer, IP_TCP, &f))
            continue;
        const struct tcp_listener *l = demux_listener(t, &f);
        if ((l && l->local.port) || !tcp_port_free(t, p, port, remote_port, &old, now_ns) || (old && !reuse))
            continue;
        *out = port;
        return PLUMB_OK;
    }
    return PLUMB_NO_PORTS;
}

/* One that nobody has; when there is none, one that only waits for old segments. */
enum plumb_err tcp_pick_port(struct tcp *t, const struct path *p, uint16_t remote_port, uint16_t *out, int64_t now_ns)
{
    return pick(t, p, remote_port, false, out, now_ns) == PLUMB_OK ? PLUMB_OK : pick(t, p, remote_port, true, out, now_ns);
}

static bool has(const struct tcp_node *n, struct endpoint local)
{
    const bool any = addr_is_none(local.addr) || (addr_is_any(local.addr) && addr_is4(n->local));
    return n->local_port == local.port && (any || addr_eq(n->local, local.addr));
}

bool tcp_port_used(const struct tcp *t, struct endpoint local, bool but_reusable)
{
    for (uint32_t i = 0; i <= t->bucket_mask; i++)
        for (const struct tcp_node *n = t->bucket[i]; n; n = n->next)
            if (has(n, local) && !(but_reusable && n->reuse_addr))
                return true;
    return false;
}
