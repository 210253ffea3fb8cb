#include "base/loop.h"

void loop_init(struct loop *l, int64_t now_ns, int64_t civil_ns)
{
    *l = (struct loop){ .now_ns = now_ns, .civil_offset_ns = civil_ns - now_ns };
    list_init(&l->deferred);
}

void loop_defer(struct loop *l, struct loop_task *t)
{
    if (!list_linked(&t->node))
        list_push(&l->deferred, &t->node);
}

void loop_arm(struct loop *l, struct loop_timer *t, int64_t deadline_ns)
{
    heap_remove(&l->timers, &t->node);
    if (deadline_ns != DEADLINE_NEVER)
        heap_put(&l->timers, &t->node, deadline_ns);
}

int64_t loop_deadline(const struct loop *l)
{
    if (!list_empty(&l->deferred))
        return l->now_ns;
    return heap_first(&l->timers) ? heap_first(&l->timers)->key : DEADLINE_NEVER;
}

static void run_deferred(struct loop *l)
{
    for (struct list *n; (n = list_pop(&l->deferred));) {
        struct loop_task *t = list_entry(n, struct loop_task, node);
        t->fn(t->arg);
    }
}

void loop_tick(struct loop *l, int64_t now_ns)
{
    l->now_ns = time_max(l->now_ns, now_ns);
    run_deferred(l);
    for (struct heap_node *n; (n = heap_first(&l->timers)) && n->key <= l->now_ns;) {
        struct loop_timer *t = list_entry(n, struct loop_timer, node);
        heap_remove(&l->timers, n);
        t->fn(t->arg);
        run_deferred(l);
    }
}
