/* What changed about a group is told unasked, and again so often that a lost report does not matter (RFC 9776 §6.1). */
#include "net/groups_int.h"

static const int64_t UNSOLICITED_NS = NS_PER_SEC, UNSOLICITED_OLD_NS = 10 * NS_PER_SEC;     /* §8.11; RFC 2236 §8.10 */

/* At random within the interval, so that reports lost together are not repeated together. */
static void arm(struct inet *n, struct group_link *l, int64_t now_ns)
{
    const int64_t span = group_version(l, now_ns) == MEMBERSHIP_3 ? UNSOLICITED_NS : UNSOLICITED_OLD_NS;
    l->change_ns = time_after(now_ns, 1 + (int64_t)rng_below(n->groups.rng, (uint32_t)(span / NS_PER_US)) * NS_PER_US);
}

static void note(struct group *g, struct addr source, bool allow, uint8_t robustness)
{
    for (unsigned i = 0; i < g->n_change; i++) {
        if (addr_eq(g->change[i].source, source)) {
            g->change[i].allow = allow;
            g->change[i].left = robustness;
            return;
        }
    }
    if (g->n_change < GROUP_CHANGES)
        g->change[g->n_change++] = (struct group_change){ source, allow, robustness };
    else
        g->mode_left = robustness;      /* too many to name: the whole list says it too */
}

void group_changed(struct inet *n, struct group *g, const struct source_filter *before, int64_t now_ns)
{
    struct group_link *l = group_link_for(&n->groups, g);
    const struct source_filter *now = &g->now;
    if (before->exclude != now->exclude) {
        g->mode_left = l->robustness;
        g->n_change = 0;
    } else {
        unsigned moved = 0;
        for (unsigned i = 0; i < now->n; i++)
            if (!source_filter_names(before, now->source[i]) && ++moved)
                note(g, now->source[i], !now->exclude, l->robustness);
        for (unsigned i = 0; i < before->n; i++)
            if (!source_filter_names(now, before->source[i]) && ++moved)
                note(g, before->source[i], now->exclude, l->robustness);
        if (!moved)
            return;
        if (g->mode_left) {             /* the report of the mode that is still due has the list as it is now */
            g->mode_left = l->robustness;
            g->n_change = 0;
        }
    }
    if (n->ifaces_up >> g->iface & 1)
        groups_tell_changes(n, g->iface, addr_is4(g->addr), now_ns);
}

/* ------------------------------------------------------------- telling it */

static void list_sources(const struct group *g, bool allow, struct group_record *out)
{
    *out = (struct group_record){ .type = allow ? GROUP_ALLOW : GROUP_BLOCK, .group = g->addr };
    for (unsigned i = 0; i < g->n_change; i++)
        if (g->change[i].allow == allow)
            out->source[out->n_source++] = g->change[i].source;
}

static void tell_records(struct group_report *r, struct group *g, int64_t now_ns)
{
    struct group_record rec = { .group = g->addr };
    if (g->mode_left) {
        rec.type = g->now.exclude ? GROUP_TO_EXCLUDE : GROUP_TO_INCLUDE;
        rec.n_source = g->now.n;
        memcpy(rec.source, g->now.source, g->now.n * sizeof *rec.source);
        group_report_add(r, &rec, now_ns);
        g->mode_left--;
        return;
    }
    for (unsigned allow = 0; allow < 2; allow++) {
        list_sources(g, allow, &rec);
        if (rec.n_source)
            group_report_add(r, &rec, now_ns);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < g->n_change; i++)
        if (--g->change[i].left)
            g->change[kept++] = g->change[i];
    g->n_change = (uint8_t)kept;
}

/* Older versions know groups only, and that one is left is said once, by whom the routers heard of it last (RFC 2236 §3). */
static void tell_old(struct inet *n, struct group *g, enum membership_version v, int64_t now_ns)
{
    if (!source_filter_wants_none(&g->now)) {
        if (g->mode_left || g->n_change)
            group_send_old(n, g, MEMBERSHIP_REPORT, v, now_ns);
        g->reported_last = true;
        if (g->mode_left > 0)
            g->mode_left--;
    } else {
        if (g->reported_last && v != MEMBERSHIP_1)
            group_send_old(n, g, MEMBERSHIP_LEAVE, v, now_ns);
        g->reported_last = false;
        g->mode_left = 0;
    }
    g->n_change = 0;
}

void groups_tell_changes(struct inet *n, unsigned iface, bool v4, int64_t now_ns)
{
    struct group_link *l = group_link_of(&n->groups, iface, v4);
    const enum membership_version v = group_version(l, now_ns);
    struct group_report r;
    bool more = false;
    group_report_begin(&r, n, iface, v4);
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (!g->used || g->iface != iface || addr_is4(g->addr) != v4 || (!g->mode_left && !g->n_change))
            continue;
        if (v == MEMBERSHIP_3)
            tell_records(&r, g, now_ns);
        else
            tell_old(n, g, v, now_ns);
        more |= g->mode_left || g->n_change;
        group_forget_told(g);
    }
    group_report_end(&r, now_ns);
    l->change_ns = DEADLINE_NEVER;
    if (more)
        arm(n, l, now_ns);
}

void inet_groups_up(struct inet *n, unsigned iface, int64_t now_ns)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (!g->used || g->iface != iface || !group_is_told(g->addr))
            continue;
        g->mode_left = source_filter_wants_none(&g->now) ? 0 : group_link_for(&n->groups, g)->robustness;
        g->n_change = 0;
        group_forget_told(g);
    }
    groups_tell_changes(n, iface, true, now_ns);
    groups_tell_changes(n, iface, false, now_ns);
    groups_next(&n->groups);
}
