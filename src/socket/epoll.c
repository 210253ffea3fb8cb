#include "socket/epoll.h"

/* Bits that say how, not what. */
static const uint32_t HOW = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

static uint32_t bits_of(struct waitable *w)
{
    struct epoll *e = list_entry(w, struct epoll, self);
    for (struct list *n = e->ready.next; n != &e->ready; n = n->next)
        if (wait_bits(&list_entry(n, struct epoll_item, ready)->wait))
            return EPOLLIN | EPOLLRDNORM;
    return 0;
}

static const struct waitable_ops ops = { .bits = bits_of };

void epoll_init(struct epoll *e, struct ready_counts *counts)
{
    waitable_init(&e->self, &ops, counts);
    list_init(&e->items);
    list_init(&e->ready);
}

struct epoll *epoll_of(struct waitable *w) { return w->ops == &ops ? list_entry(w, struct epoll, self) : NULL; }

static bool mark(struct epoll_item *i)
{
    struct epoll *e = i->of;
    const uint64_t before = e->self.counts->wakes;
    if (!list_linked(&i->ready))
        list_push(&e->ready, &i->ready);
    waitable_notify(&e->self, EPOLLIN | EPOLLRDNORM);
    return e->self.counts->wakes != before;
}

static bool item_woken(struct wait *w, uint32_t bits)
{
    (void)bits;
    return mark((struct epoll_item *)(void *)w);
}

/* e NULL: of any. */
static struct epoll_item *find(const struct epoll *e, const struct waitable *on)
{
    for (const struct list *n = on->waits.next; n != &on->waits; n = n->next) {
        struct wait *w = list_entry(n, struct wait, node);
        struct epoll_item *i = w->woken == item_woken ? (struct epoll_item *)(void *)w : NULL;
        if (i && (!e || i->of == e))
            return i;
    }
    return NULL;
}

struct epoll_item *epoll_find(const struct epoll *e, const struct waitable *on) { return find(e, on); }
struct epoll_item *epoll_any(const struct waitable *on)                         { return find(NULL, on); }

static void look(struct epoll_item *i)
{
    if (wait_bits(&i->wait))
        (void)mark(i);
}

void epoll_add(struct epoll *e, struct waitable *on, struct epoll_item *i, const struct epoll_event *event)
{
    *i = (struct epoll_item){ .of = e, .event = *event };
    i->wait.events = (event->events & ~HOW) | EPOLLERR | EPOLLHUP;
    i->wait.exclusive = event->events & EPOLLEXCLUSIVE;
    i->wait.woken = item_woken;
    list_push(&e->items, &i->all);
    wait_add(on, &i->wait);
    look(i);
}

void epoll_change(struct epoll_item *i, const struct epoll_event *event)
{
    i->event = *event;
    i->wait.events = (event->events & ~HOW) | EPOLLERR | EPOLLHUP;
    look(i);
}

void epoll_remove(struct epoll_item *i)
{
    wait_remove(&i->wait);
    list_remove(&i->all);
    list_remove(&i->ready);
}

int epoll_collect(struct epoll *e, struct epoll_event *out, int max)
{
    struct list again;
    int n = 0;
    list_init(&again);
    while (n < max) {
        struct list *first = list_pop(&e->ready);
        if (!first)
            break;
        struct epoll_item *i = list_entry(first, struct epoll_item, ready);
        const uint32_t bits = i->wait.events ? wait_bits(&i->wait) : 0;
        if (!bits)
            continue;
        out[n++] = (struct epoll_event){ .events = bits, .data = i->event.data };
        if (i->event.events & EPOLLONESHOT)
            i->wait.events = 0;
        else if (!(i->event.events & EPOLLET))
            list_push(&again, &i->ready);
    }
    for (struct list *l; (l = list_pop(&again));)
        list_push(&e->ready, l);
    return n;
}

/* How deep the epolls below reach; more than the limit when `top` is among them. */
static int depth(const struct epoll *e, const struct epoll *top, int so_far)
{
    int deepest = so_far;
    if (e == top || so_far > EPOLL_NESTED_MAX)
        return EPOLL_NESTED_MAX + 1;
    for (const struct list *n = e->items.next; n != &e->items; n = n->next) {
        struct epoll *below = epoll_of(list_entry(n, struct epoll_item, all)->wait.on);
        const int d = below ? depth(below, top, so_far + 1) : so_far;
        deepest = d > deepest ? d : deepest;
    }
    return deepest;
}

bool epoll_may_nest(struct epoll *e, struct waitable *on)
{
    const struct epoll *below = epoll_of(on);
    return !below || depth(below, e, 1) < EPOLL_NESTED_MAX;
}
