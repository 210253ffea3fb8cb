/* Members of groups and what an interface hears for their sake. */
#include "net/groups_int.h"

enum { ROBUSTNESS = 2, QUERY_INTERVAL_S = 125 };

void groups_init(struct groups *g, struct rng *rng)
{
    memset(g, 0, sizeof *g);
    g->rng = rng;
    g->deadline_ns = DEADLINE_NEVER;
    for (unsigned i = 0; i < IFACE_MAX; i++)
        for (unsigned f = 0; f < 2; f++)
            g->link[i][f] = (struct group_link){ .change_ns = DEADLINE_NEVER, .answer_ns = DEADLINE_NEVER, .robustness = ROBUSTNESS,
                                                 .interval_s = QUERY_INTERVAL_S };
    for (unsigned i = GROUP_MEMBERS; i-- > 0; g->free = &g->member[i])
        g->member[i].next = g->free;
}

/* 224.0.0.1 and ff02::1, which every host is in, and what does not leave the host (§5; RFC 9777 §6: scopes 0 and 1). */
static bool is_everyones(struct addr a)
{
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    return addr_is4(a) ? addr_v4(a) == 0xe0000001 : memcmp(a.b, all_nodes, 16) == 0 || (a.b[1] & 15) == 1;
}

bool group_is_told(struct addr a) { return !is_everyones(a) && (addr_is4(a) || (a.b[1] & 15) > 1); }

/* RFC 9776 §7.2.1: the oldest querier that is thought present. */
enum membership_version group_version(const struct group_link *l, int64_t now_ns)
{
    return l->until_ns[MEMBERSHIP_1] > now_ns ? MEMBERSHIP_1 : l->until_ns[MEMBERSHIP_2] > now_ns ? MEMBERSHIP_2 : MEMBERSHIP_3;
}

void groups_next(struct groups *g)
{
    g->deadline_ns = DEADLINE_NEVER;
    for (unsigned i = 0; i < IFACE_MAX; i++)
        for (unsigned f = 0; f < 2; f++)
            g->deadline_ns = time_min(g->deadline_ns, time_min(g->link[i][f].change_ns, g->link[i][f].answer_ns));
    for (unsigned i = 0; i < GROUPS; i++)
        if (g->group[i].used)
            g->deadline_ns = time_min(g->deadline_ns, g->group[i].answer_ns);
}

/* ---------------------------------------------------------------- groups */

static struct group *find(const struct inet *n, unsigned iface, struct addr a)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        const struct group *g = &n->groups.group[i];
        if (g->used && g->iface == iface && addr_eq(g->addr, a))
            return (struct group *)g;
    }
    return NULL;
}

static struct group *create(struct inet *n, unsigned iface, struct addr a)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (g->used)
            continue;
        *g = (struct group){ .used = true, .iface = (uint8_t)iface, .addr = a, .answer_ns = DEADLINE_NEVER };
        list_init(&g->members);
        return g;
    }
    return NULL;
}

void group_forget_told(struct group *g)
{
    if (source_filter_wants_none(&g->now) && list_empty(&g->members) && !g->own && !g->mode_left && !g->n_change)
        g->used = false;
}

/* §3.2: EXCLUDE when one excludes, and then what all exclude and none includes; else all that any includes.  A list that
 * would grow too long becomes "all": sockets get what they wished in any case. */
static struct source_filter merge(const struct group *g)
{
    struct source_filter out = { 0 };
    const struct group_member *first = NULL;
    if (g->own)
        return (struct source_filter){ .exclude = true };
    for (const struct list *at = g->members.next; at != &g->members; at = at->next) {
        const struct group_member *m = list_entry(at, struct group_member, node);
        if (m->filter.exclude && !first)
            first = m;
        for (unsigned i = 0; !m->filter.exclude && i < m->filter.n; i++) {
            if (source_filter_names(&out, m->filter.source[i]))
                continue;
            if (out.n == GROUP_SOURCES)
                return (struct source_filter){ .exclude = true };
            out.source[out.n++] = m->filter.source[i];
        }
    }
    if (!first)
        return out;
    struct source_filter left = { .exclude = true };
    for (unsigned i = 0; i < first->filter.n; i++) {
        bool all = !source_filter_names(&out, first->filter.source[i]);
        for (const struct list *at = g->members.next; all && at != &g->members; at = at->next) {
            const struct group_member *m = list_entry(at, struct group_member, node);
            all = !m->filter.exclude || source_filter_names(&m->filter, first->filter.source[i]);
        }
        if (all)
            left.source[left.n++] = first->filter.source[i];
    }
    return left;
}

static void reckon(struct inet *n, struct group *g, int64_t now_ns)
{
    const struct source_filter before = g->now;
    g->now = merge(g);
    if (group_is_told(g->addr))
        group_changed(n, g, &before, now_ns);
    group_forget_told(g);
    groups_next(&n->groups);
}

/* --------------------------------------------------------------- members */

static struct group_member **member_at(struct group_member **list, unsigned iface, struct addr a)
{
    while (*list && ((*list)->iface != iface || !addr_eq((*list)->group, a)))
        list = &(*list)->next;
    return list;
}

static void leave(struct inet *n, struct group_member **at, int64_t now_ns)
{
    struct group_member *m = *at;
    struct group *g = find(n, m->iface, m->group);
    *at = m->next;
    list_remove(&m->node);
    m->next = n->groups.free;
    n->groups.free = m;
    if (g)
        reckon(n, g, now_ns);
}

enum plumb_err inet_group_set(struct inet *n, struct group_member **list, unsigned iface, struct addr a, const struct source_filter *f, int64_t now_ns)
{
    struct group_member **at = member_at(list, iface, a), *m = *at;
    if (!addr_is_multicast(a))
        return PLUMB_INVALID;
    if (source_filter_wants_none(f)) {
        if (!m)
            return PLUMB_NOT_FOUND;
        leave(n, at, now_ns);
        return PLUMB_OK;
    }
    struct group *g = find(n, iface, a);
    if (!g && !(n->groups.free || m))
        return PLUMB_NO_MEMORY;
    if ((!g && !(g = create(n, iface, a))) || (!m && !n->groups.free)) {
        if (g)
            group_forget_told(g);
        return PLUMB_NO_MEMORY;
    }
    if (!m) {
        m = n->groups.free;
        n->groups.free = m->next;
        *m = (struct group_member){ .next = *list, .group = a, .iface = (uint8_t)iface };
        *list = m;
        list_push(&g->members, &m->node);
    }
    m->filter = *f;
    reckon(n, g, now_ns);
    return PLUMB_OK;
}

void inet_group_leave_all(struct inet *n, struct group_member **list, int64_t now_ns)
{
    while (*list)
        leave(n, list, now_ns);
}

void inet_group_own(struct inet *n, unsigned iface, struct addr a, bool join, int64_t now_ns)
{
    struct group *g = find(n, iface, a);
    if (!g && (!join || !(g = create(n, iface, a))))
        return;
    if (join && g->own < UINT8_MAX)
        g->own++;
    else if (!join && g->own)
        g->own--;
    reckon(n, g, now_ns);
}

bool inet_in_group(const struct inet *n, unsigned iface, struct addr a)
{
    const struct group *g = is_everyones(a) ? NULL : find(n, iface, a);
    return is_everyones(a) || (g && !source_filter_wants_none(&g->now));
}

bool inet_walk_groups(const struct inet *n, uint32_t *cursor, struct group_info *out)
{
    while (*cursor < GROUPS) {
        const struct group *g = &n->groups.group[(*cursor)++];
        if (!g->used || source_filter_wants_none(&g->now))
            continue;
        *out = (struct group_info){ .group = g->addr, .iface = g->iface, .filter = g->now };
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ time */

void inet_groups_tick(struct inet *n, int64_t now_ns)
{
    struct groups *s = &n->groups;
    if (s->deadline_ns > now_ns)
        return;
    for (unsigned i = 0; i < IFACE_MAX; i++) {
        for (unsigned f = 0; f < 2; f++) {
            if (s->link[i][f].answer_ns <= now_ns)
                groups_answer(n, i, f == 0, now_ns);
            if (s->link[i][f].change_ns <= now_ns)
                groups_tell_changes(n, i, f == 0, now_ns);
        }
    }
    for (unsigned i = 0; i < GROUPS; i++)
        if (s->group[i].used && s->group[i].answer_ns <= now_ns)
            group_answer(n, &s->group[i], now_ns);
    groups_next(s);
}
