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

/* The level is where the highest bit lies in which deadline and now differ. */
static void place(struct wheel *w, struct wheel_timer *t)
{
    const uint64_t tick = tick_of(t->deadline_ns);
    if (tick < w->tick) {
        t->level = LEVEL_DUE;
        list_push(&w->due, &t->node);
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
    list_push(&w->slot[level][slot], &t->node);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_armed(t))
        return;
    list_remove(&t->node);
    w->count--;
    if (t->level != LEVEL_DUE && list_empty(&w->slot[t->level][t->slot]))
        w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
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

static int64_t earliest_in(const struct list *slot)
{
    int64_t best = DEADLINE_NEVER;
    for (const struct list *n = slot->next; n != slot; n = n->next)
        best = time_min(best, list_entry(n, struct wheel_timer, node)->deadline_ns);
    return best;
}

int64_t wheel_deadline(const struct wheel *w)
{
    int level = 0;
    if (!list_empty(&w->due))
        return earliest_in(&w->due);
    const uint64_t tick = next_tick(w, &level);
    if (tick == UINT64_MAX)
        return DEADLINE_NEVER;
    if (level == 0)
        return earliest_in(&w->slot[0][tick & (WHEEL_SLOTS - 1)]);
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

static struct wheel_timer *first_due(const struct list *slot, int64_t now_ns)
{
    struct wheel_timer *best = NULL;
    for (const struct list *n = slot->next; n != slot; n = n->next) {
        struct wheel_timer *t = list_entry(n, struct wheel_timer, node);
        if (t->deadline_ns <= now_ns && (!best || t->deadline_ns < best->deadline_ns))
            best = t;
    }
    return best;
}

struct wheel_timer *wheel_expire(struct wheel *w, int64_t now_ns)
{
    const uint64_t now_tick = tick_of(now_ns);
    for (;;) {
        struct wheel_timer *t = NULL;
        int level = 0;
        if (!list_empty(&w->due)) {
            t = first_due(&w->due, now_ns);
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
            t = first_due(&w->slot[0][tick & (WHEEL_SLOTS - 1)], now_ns);
        }
        if (t)
            wheel_cancel(w, t);
        return t;
    }
}
