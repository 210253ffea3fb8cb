/* Ephemeral ports a stranger cannot guess: RFC 6056 §3.3.3, simple hash-based. */
#include "tcp/conn.h"

enum { FIRST = 32768, COUNT = 65536 - FIRST };

static uint32_t offset_of(const struct tcp *t, const struct path *p, uint16_t remote_port)
{
    const uint64_t words[5] = { p->local.q[0], p->local.q[1], p->remote.q[0], p->remote.q[1], remote_port };
    return (uint32_t)siphash_words(&t->port_key, words, 5);
}

enum plumb_err tcp_pick_port(struct tcp *t, const struct path *p, uint16_t remote_port, uint16_t *out)
{
    const uint32_t offset = offset_of(t, p, remote_port);
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint16_t port = (uint16_t)(FIRST + (offset + t->port_counter++) % COUNT);
        const struct tcp_listener *l = demux_listener(t, &(struct flow){ p->local, p->remote, port, remote_port });
        if ((l && l->local.port) || demux_find(t, p->local, p->remote, port, remote_port))
            continue;
        *out = port;
        return PLUMB_OK;
    }
    return PLUMB_NO_PORTS;
}

static bool has(const struct tcp_node *n, struct endpoint local)
{
    return n->local_port == local.port && (addr_is_any(local.addr) || addr_eq(n->path.local, local.addr));
}

bool tcp_port_used(const struct tcp *t, struct endpoint local)
{
    for (uint32_t i = 0; i <= t->bucket_mask; i++)
        for (const struct tcp_node *n = t->bucket[i]; n; n = n->next)
            if (has(n, local))
                return true;
    return false;
}
