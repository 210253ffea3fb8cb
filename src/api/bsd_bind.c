/* Who holds which port.  A socket stands here from bind, connect or accept on until it
 * is closed; what lives on without one (TIME-WAIT, a connection whose user is gone) is
 * asked of tcp. */
#include "api/bsd.h"

enum { FIRST = 32768, LAST = 60999, TRIES = 2000 };

static struct list *bucket(const struct sock *s, uint16_t port) { return &s->fd.b->bound[s->fd.kind == FD_DGRAM][port % BOUND_HASH]; }

/* Whose segments and datagrams it would take there. */
enum { TAKES_4 = 1, TAKES_6 = 2 };
static unsigned takes(const struct sock *s, struct addr a) { return addr_is4(a) ? TAKES_4 : !addr_is_none(a) || s->opt.v6only ? TAKES_6 : TAKES_4 | TAKES_6; }

static bool overlap(const struct sock *s, struct addr a, const struct sock *x)
{
    const struct addr b = x->local.addr;
    return takes(s, a) & takes(x, b) && (addr_is_any(a) || addr_is_any(b) || addr_eq(a, b));
}

/* SO_REUSEADDR shares with anyone who says so too but a listener; SO_REUSEPORT with any who says so too. */
static bool conflict(const struct sock *s, struct endpoint local)
{
    const struct list *head = bucket(s, local.port);
    for (const struct list *n = head->next; n != head; n = n->next) {
        const struct sock *x = list_entry(n, struct sock, binding);
        if (x == s || x->local.port != local.port || !overlap(s, local.addr, x))
            continue;
        if (s->opt.reuse_port && x->opt.reuse_port)
            continue;
        const bool may = s->opt.reuse_addr && x->opt.reuse_addr && x->phase != PHASE_LISTENING;
        if (!may)
            return true;
    }
    return false;
}

static bool taken(const struct sock *s, struct endpoint local)
{
    if (conflict(s, local))
        return true;
    if (s->fd.kind != FD_STREAM || s->opt.reuse_port)
        return false;
    return tcp_port_used(tcp_of(s), local, s->opt.reuse_addr);
}

void bsd_bind_note(struct sock *s, struct endpoint local)
{
    bsd_unbind(s);
    s->local = local;
    if (local.port)
        list_push(bucket(s, local.port), &s->binding);
}

void bsd_unbind(struct sock *s)
{
    list_remove(&s->binding);
    s->local = (struct endpoint){ 0 };
}

static bool choose(struct sock *s, struct endpoint *local)
{
    for (int i = 0; i < TRIES; i++) {
        local->port = (uint16_t)(FIRST + net_random(s->fd.b->s->net) % (LAST - FIRST + 1));
        if (!taken(s, *local))
            return true;
    }
    return false;
}

int bsd_bind_to(struct sock *s, struct endpoint local)
{
    const enum plumb_err e = stack_own_addr(stack_of(s), local.addr);
    const bool group = s->fd.kind == FD_DGRAM && (addr_is_broadcast(local.addr) || addr_is_multicast(local.addr));
    if (e != PLUMB_OK && !group)
        return bsd_errno(e);
    s->chose_port = local.port != 0;
    s->chose_addr = !addr_is_any(local.addr);
    if (local.port ? taken(s, local) : !choose(s, &local))
        return EADDRINUSE;
    bsd_bind_note(s, local);
    return 0;
}

int bsd_bind_any(struct sock *s)
{
    struct endpoint local = { .addr = s->local.addr };
    if (s->local.port)
        return 0;
    if (!choose(s, &local))
        return EADDRINUSE;
    bsd_bind_note(s, local);
    return 0;
}

int bsd_bind_may_listen(const struct sock *s)
{
    const struct list *head = bucket(s, s->local.port);
    for (const struct list *n = head->next; n != head; n = n->next) {
        const struct sock *x = list_entry(n, struct sock, binding);
        const bool both = s->opt.reuse_port && x->opt.reuse_port;
        if (x != s && x->local.port == s->local.port && overlap(s, s->local.addr, x) && x->phase == PHASE_LISTENING && !both)
            return EADDRINUSE;
    }
    return 0;
}
