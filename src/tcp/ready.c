/* What the user is told: a list of those about whom something changed, each once.
 * One without a user is not reported [SHLD-20]. */
#include "tcp/conn.h"

void tcp_ready(struct tcp_conn *c, unsigned bits)
{
    c->ready_bits |= (uint8_t)bits;
    if (c->user && !list_linked(&c->ready) && !c->dead)
        list_push(&c->t->ready, &c->ready);
}

void tcp_listener_ready(struct tcp_listener *l)
{
    if (l->user && !list_linked(&l->ready))
        list_push(&l->t->listeners_ready, &l->ready);
}

bool tcp_has_events(const struct tcp *t) { return !list_empty(&t->ready) || !list_empty(&t->listeners_ready); }

bool tcp_next_event(struct tcp *t, struct tcp_event *out)
{
    struct list *n = list_pop(&t->ready);
    if (n) {
        struct tcp_conn *c = list_entry(n, struct tcp_conn, ready);
        *out = (struct tcp_event){ .conn = c, .ready = c->ready_bits };
        c->ready_bits = 0;
        return true;
    }
    n = list_pop(&t->listeners_ready);
    if (!n)
        return false;
    *out = (struct tcp_event){ .listener = list_entry(n, struct tcp_listener, ready), .ready = TCP_READABLE };
    return true;
}

void tcp_set_user(struct tcp_conn *c, void *user)
{
    c->user = user;
    if (!user)
        list_remove(&c->ready);
    else if (c->ready_bits)
        tcp_ready(c, 0);
}

void tcp_looked(struct tcp_conn *c)
{
    c->ready_bits = 0;
    list_remove(&c->ready);
}

void *tcp_user(const struct tcp_conn *c) { return c->user; }

void tcp_listener_set_user(struct tcp_listener *l, void *user)
{
    l->user = user;
    if (!user)
        list_remove(&l->ready);
    else if (l->n[QUEUE_ACCEPT] || l->n[QUEUE_HOLD])
        tcp_listener_ready(l);
}

void *tcp_listener_user(const struct tcp_listener *l) { return l->user; }
