#include "socket/ready.h"

enum { ALWAYS = EPOLLERR | EPOLLHUP };

void wait_add(struct waitable *on, struct wait *w)
{
    w->on = on;
    if (w->exclusive)
        list_push(&on->waits, &w->node);
    else
        list_insert_before(on->waits.next, &w->node);
}

uint32_t wait_bits(struct wait *w)
{
    w->on->counts->visits++;
    return w->on->ops->bits(w->on) & (w->events | ALWAYS);
}

void waitable_notify(struct waitable *w, uint32_t bits)
{
    struct list *n = w->waits.next, *last = w->waits.prev;
    for (bool end = n == &w->waits; !end;) {
        struct wait *x = list_entry(n, struct wait, node);
        end = n == last;
        n = n->next;
        if (!x->events || !(bits & (x->events | ALWAYS)) || !x->woken(x, bits) || !x->exclusive || bits == ~0u)
            continue;
        list_remove(&x->node);          /* the next one's turn is next */
        list_push(&w->waits, &x->node);
        return;
    }
}
