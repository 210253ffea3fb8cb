#include "base/wheel.h"

static uint64_t tick_of(int64_t ns) { return ns < 0 ? 0 : (uint64_t)ns >> WHEEL_SHIFT; }

void wheel_init(struct wheel *w, int64_t now_ns)
{
    *w = (struct wheel){ .tick = tick_of(now_ns) };
    for (int l = 0; l < WHEEL_LEVELS; l++)
        for (int s = 0; s < WHEEL_SLOTS; s++)
            list_init(&w->slot[l][s]);
    list_init(&w->due);
}

enum { LEVEL_DUE = 0xff };

static int64_t deadline_of(const struct list *n) { return list_entry(n, struct wheel_timer, node)->deadline_ns; }

/* True: its deadline is before that of the last in the list. */
static bool push_breaks_order(struct list *head, struct list *n)
{
    const bool breaks = !list_empty(head) && deadline_of(n) < deadline_of(head->prev);
    list_push(head, n);
    return breaks;
}

/* The level is where the highest bit lies in which deadline and now differ. */
static void place(struct wheel *w, struct wheel_timer *t)
{
    const uint64_t tick = tick_of(t->deadline_ns);
    if (tick < w->tick) {
        t->level = LEVEL_DUE;
        w->due_unsorted |= push_breaks_order(&w->due, &t->node);
        return;
    }
    const uint64_t differ = tick ^ w->tick;
    int level = differ ? (63 - __builtin_clzll(differ)) / 6 : 0;
    int slot;
    if (level >= WHEEL_LEVELS) {                    /* beyond 200 days: the last slot, placed again when it comes up */
        level = WHEEL_LEVELS - 1;
        slot = (int)((w->tick >> 6 * level) + WHEEL_SLOTS - 1) & (WHEEL_SLOTS - 1);
    } else {
        slot = (int)(tick >> 6 * level) & (WHEEL_SLOTS - 1);
    }
    t->level = (uint8_t)level;
    t->slot = (uint8_t)slot;
    w->occupied[level] |= UINT64_C(1) << slot;
    if (level > 0)
        list_push(&w->slot[level][slot], &t->node);
    else if (push_breaks_order(&w->slot[0][slot], &t->node))
        w->unsorted |= UINT64_C(1) << slot;
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_armed(t))
        return;
    list_remove(&t->node);
    w->count--;
    if (t->level == LEVEL_DUE || !list_empty(&w->slot[t->level][t->slot]))
        return;
    w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
    if (t->level == 0)
        w->unsorted &= ~(UINT64_C(1) << t->slot);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t deadline_ns)
{
    wheel_cancel(w, t);
    t->deadline_ns = deadline_ns;
    if (deadline_ns == DEADLINE_NEVER)
        return;
    w->count++;
    place(w, t);
}

/* The first tick at which an occupied slot of this level begins; UINT64_MAX: none. */
static uint64_t level_next(const struct wheel *w, int level)
{
    if (!w->occupied[level])
        return UINT64_MAX;
    const unsigned at = (unsigned)(w->tick >> 6 * level) & (WHEEL_SLOTS - 1);
    const uint64_t rotated = w->occupied[level] >> at | (at ? w->occupied[level] << (WHEEL_SLOTS - at) : 0);
    const uint64_t begin = ((w->tick >> 6 * level) + (uint64_t)__builtin_ctzll(rotated)) << 6 * level;
    return begin > w->tick ? begin : w->tick;
}

static uint64_t next_tick(const struct wheel *w, int *level)
{
    uint64_t best = UINT64_MAX;
    for (int l = WHEEL_LEVELS - 1; l >= 0; l--) {   /* at equal ticks a higher level must cascade first */
        const uint64_t begin = level_next(w, l);
        if (begin < best) {
            best = begin;
            *level = l;
        }
    }
    return best;
}

/* The earlier first, equal ones in the order they were armed; chains by `next`. */
static struct list *merge(struct list *a, struct list *b)
{
    struct list *first = NULL, **at = &first;
    while (a && b) {
        struct list **least = deadline_of(b) < deadline_of(a) ? &b : &a;
        *at = *least;
        at = &(*least)->next;
        *least = *at;
    }
    *at = a ? a : b;
    return first;
}

/* Merges runs of 1, 2, 4 ... as they become whole. */
static struct list *sorted(struct list *chain)
{
    enum { RUNS = 32 };
    struct list *run[RUNS] = { NULL }, *all = NULL;
    while (chain) {
        struct list *one = chain;
        unsigned i = 0;
        chain = chain->next;
        one->next = NULL;
        for (; i < RUNS - 1 && run[i]; i++) {
            one = merge(run[i], one);
            run[i] = NULL;
        }
        run[i] = run[i] ? merge(run[i], one) : one;
    }
    for (unsigned i = 0; i < RUNS; i++)
        all = merge(run[i], all);
    return all;
}

static void sort(struct list *head)
{
    struct list *chain = head->next;
    head->prev->next = NULL;
    list_init(head);
    for (struct list *n = sorted(chain), *next; n; n = next) {
        next = n->next;
        list_push(head, n);
    }
}

/* Level 0 at `tick`, or what is due, in order. */
static struct list *in_order(struct wheel *w, uint64_t tick)
{
    const uint64_t bit = UINT64_C(1) << (tick & (WHEEL_SLOTS - 1));
    struct list *slot = &w->slot[0][tick & (WHEEL_SLOTS - 1)];
    if (w->unsorted & bit)
        sort(slot);
    w->unsorted &= ~bit;
    return slot;
}

static struct list *due_in_order(struct wheel *w)
{
    if (w->due_unsorted)
        sort(&w->due);
    w->due_unsorted = false;
    return &w->due;
}

int64_t wheel_deadline(struct wheel *w)
{
    int level = 0;
    if (!list_empty(&w->due))
        return deadline_of(due_in_order(w)->next);
    const uint64_t tick = next_tick(w, &level);
    if (tick == UINT64_MAX)
        return DEADLINE_NEVER;
    if (level == 0)
        return deadline_of(in_order(w, tick)->next);
    return (int64_t)(tick << WHEEL_SHIFT);
}

/* Empties a slot: every timer in it finds its place again, seen from w->tick. */
static void cascade(struct wheel *w, int level, unsigned slot)
{
    struct list all;
    struct list *from = &w->slot[level][slot];
    list_init(&all);
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    for (struct list *n; (n = list_pop(from));)
        list_push(&all, n);
    for (struct list *n; (n = list_pop(&all));)
        place(w, list_entry(n, struct wheel_timer, node));
}

static struct wheel_timer *first_due(const struct list *in_order, int64_t now_ns)
{
    struct wheel_timer *t = list_entry(in_order->next, struct wheel_timer, node);
    return t->deadline_ns <= now_ns ? t : NULL;
}

struct wheel_timer *wheel_expire(struct wheel *w, int64_t now_ns)
{
    const uint64_t now_tick = tick_of(now_ns);
    for (;;) {
        struct wheel_timer *t = NULL;
        int level = 0;
        if (!list_empty(&w->due)) {
            t = first_due(due_in_order(w), now_ns);
        } else {
            const uint64_t tick = next_tick(w, &level);
            if (tick > now_tick) {
                w->tick = w->tick > now_tick ? w->tick : now_tick;
                return NULL;
            }
            w->tick = tick;
            if (level > 0) {
                cascade(w, level, (unsigned)(tick >> 6 * level) & (WHEEL_SLOTS - 1));
                continue;
            }
            t = first_due(in_order(w, tick), now_ns);
        }
        if (t)
            wheel_cancel(w, t);
        return t;
    }
}
