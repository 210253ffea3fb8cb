/* What routers ask about groups, and when it is answered (RFC 9776 §6.2, §7.2). */
#include "base/checksum.h"
#include "net/groups_int.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

static int64_t within(struct inet *n, uint32_t max_ms, int64_t now_ns)
{
    const int64_t ms = rng_below(n->groups.rng, max_ms + 1), us = rng_below(n->groups.rng, 1000);
    return time_after(now_ns, time_min(ms * NS_PER_MS + us * NS_PER_US, max_ms * NS_PER_MS));
}

/* ------------------------------------------------------------- answering */

static enum group_record_type type_now(const struct group *g) { return g->now.exclude ? GROUP_IS_EXCLUDE : GROUP_IS_INCLUDE; }

static void add_state(struct group_report *r, const struct group *g, int64_t now_ns)
{
    struct group_record rec = { .type = type_now(g), .group = g->addr, .n_source = g->now.n };
    memcpy(rec.source, g->now.source, g->now.n * sizeof *rec.source);
    group_report_add(r, &rec, now_ns);
}

/* §6.2: of the sources asked about, those that are wanted. */
static void add_asked(struct group_report *r, const struct group *g, int64_t now_ns)
{
    struct group_record rec = { .type = GROUP_IS_INCLUDE, .group = g->addr };
    for (unsigned i = 0; i < g->n_asked; i++)
        if (source_filter_passes(&g->now, g->asked[i]))
            rec.source[rec.n_source++] = g->asked[i];
    if (rec.n_source)
        group_report_add(r, &rec, now_ns);
}

void groups_answer(struct inet *n, unsigned iface, bool v4, int64_t now_ns)
{
    struct group_report r;
    group_report_begin(&r, n, iface, v4);
    for (unsigned i = 0; i < GROUPS; i++) {
        const struct group *g = &n->groups.group[i];
        if (g->used && g->iface == iface && addr_is4(g->addr) == v4 && group_is_told(g->addr) && !source_filter_wants_none(&g->now))
            add_state(&r, g, now_ns);
    }
    group_report_end(&r, now_ns);
    group_link_of(&n->groups, iface, v4)->answer_ns = DEADLINE_NEVER;
}

void group_answer(struct inet *n, struct group *g, int64_t now_ns)
{
    const enum membership_version v = group_version(group_link_for(&n->groups, g), now_ns);
    struct group_report r;
    g->answer_ns = DEADLINE_NEVER;
    if (source_filter_wants_none(&g->now))
        return;
    if (v != MEMBERSHIP_3) {
        group_send_old(n, g, MEMBERSHIP_REPORT, v, now_ns);
        g->reported_last = true;
        return;
    }
    group_report_begin(&r, n, g->iface, addr_is4(g->addr));
    if (g->n_asked)
        add_asked(&r, g, now_ns);
    else
        add_state(&r, g, now_ns);
    group_report_end(&r, now_ns);
    g->n_asked = 0;
}

/* ----------------------------------------------------------------- asked */

/* §6.2: what is asked joins what was asked before, unless that was about all sources. */
static void ask_group(struct inet *n, struct group *g, const struct membership *q, int64_t now_ns)
{
    const int64_t at_ns = within(n, q->max_response_ms, now_ns);
    const bool pending = g->answer_ns != DEADLINE_NEVER;
    bool all = q->n_source == 0 || (pending && g->n_asked == 0);
    if (!pending)
        g->n_asked = 0;
    for (unsigned i = 0; !all && i < q->n_source; i++) {
        if (i == GROUP_RECORD_SOURCES || g->n_asked == GROUP_SOURCES)
            all = true;                 /* too many to remember: the whole state is answer enough */
        else
            g->asked[g->n_asked++] = q->source[i];
    }
    if (all)
        g->n_asked = 0;
    g->answer_ns = pending ? time_min(g->answer_ns, at_ns) : at_ns;
}

/* Of older versions each group is answered for by itself (RFC 2236 §3). */
static void ask_old(struct inet *n, unsigned iface, bool v4, const struct membership *q, int64_t now_ns)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (!g->used || g->iface != iface || addr_is4(g->addr) != v4 || !group_is_told(g->addr) ||
            (!addr_is_none(q->group) && !addr_eq(q->group, g->addr)))
            continue;
        g->n_asked = 0;
        g->answer_ns = time_min(g->answer_ns, within(n, q->max_response_ms, now_ns));
    }
}

/* §7.2.1: an older querier is present for a while; what was pending in the other language is not said any more. */
static void heed_version(struct inet *n, unsigned iface, bool v4, const struct membership *q, int64_t now_ns)
{
    struct group_link *l = group_link_of(&n->groups, iface, v4);
    const enum membership_version before = group_version(l, now_ns);
    if (q->version != MEMBERSHIP_3)
        l->until_ns[q->version] = time_after(now_ns, l->robustness * (int64_t)l->interval_s * NS_PER_SEC + 10 * NS_PER_SEC);
    if (group_version(l, now_ns) == before)
        return;
    l->answer_ns = l->change_ns = DEADLINE_NEVER;
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (!g->used || g->iface != iface || addr_is4(g->addr) != v4)
            continue;
        g->answer_ns = DEADLINE_NEVER;
        g->mode_left = g->n_change = 0;
        g->reported_last = true;
        group_forget_told(g);
    }
}

static void asked(struct inet *n, unsigned iface, bool v4, const struct membership *q, int64_t now_ns)
{
    struct group_link *l = group_link_of(&n->groups, iface, v4);
    heed_version(n, iface, v4, q, now_ns);
    if (q->version == MEMBERSHIP_3 && q->robustness)
        l->robustness = q->robustness;
    if (q->version == MEMBERSHIP_3 && q->interval_s)
        l->interval_s = q->interval_s;
    if (group_version(l, now_ns) != MEMBERSHIP_3) {
        ask_old(n, iface, v4, q, now_ns);
        return;
    }
    const int64_t at_ns = within(n, q->max_response_ms, now_ns);
    if (l->answer_ns <= at_ns)
        return;
    if (addr_is_none(q->group)) {
        l->answer_ns = at_ns;
        return;
    }
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (g->used && g->iface == iface && addr_eq(g->addr, q->group) && group_is_told(g->addr))
            ask_group(n, g, q, now_ns);
    }
}

/* Another host has told of the group in an older language: once is enough for the router (RFC 2236 §3). */
static void told_by_another(struct inet *n, unsigned iface, struct addr group, int64_t now_ns)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        struct group *g = &n->groups.group[i];
        if (!g->used || g->iface != iface || !addr_eq(g->addr, group) ||
            group_version(group_link_for(&n->groups, g), now_ns) == MEMBERSHIP_3)
            continue;
        g->answer_ns = DEADLINE_NEVER;
        g->reported_last = false;
    }
}

/* --------------------------------------------------------------- packets */

static void heard(struct inet *n, const struct pkt *k, bool v4, const struct membership *m, int64_t now_ns)
{
    if (m->kind == MEMBERSHIP_QUERY)
        asked(n, k->iface, v4, m, now_ns);
    else if (m->kind == MEMBERSHIP_REPORT)
        told_by_another(n, k->iface, m->group, now_ns);
    groups_next(&n->groups);
}

/* §4.1.12: a query about all goes to all systems, one about a group to it. */
static bool sent_where_it_belongs(const struct pkt *k, const struct membership *m)
{
    const struct addr dst = ip_dst(k);
    if (m->kind != MEMBERSHIP_QUERY)
        return true;
    return addr_is_none(m->group) ? !addr_is_multicast(dst) || !group_is_told(dst) : true;
}

static enum why igmp_in(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct membership m;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    if (k->csum == CSUM_NONE && csum_finish(csum_add((csum_t){ 0 }, r.at, rd_left(&r))) != 0)
        return WHY_IGMP_CHECKSUM;
    if (!igmp_read(&r, &m) || !sent_where_it_belongs(k, &m))
        return WHY_IGMP_BAD;
    heard(n, k, true, &m, now_ns);
    return WHY_NONE;
}

/* RFC 9777 §6.2: from a link-local address, with a hop limit of 1 and the router alert. */
static enum why mld_in(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct membership m;
    struct ip6_chain c;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    const uint8_t hop_limit = k->data[k->net_off + 7];
    if (!addr_is_link_local(ip_src(k)) || hop_limit != 1 || ip6_chain_read(pkt_reader(k), &c) != WHY_NONE || !c.router_alert)
        return WHY_MLD_BAD;
    if (!mld_read(&r, &m) || !sent_where_it_belongs(k, &m))
        return WHY_MLD_BAD;
    heard(n, k, false, &m, now_ns);
    return WHY_NONE;
}

static void done(struct inet *n, struct pkt *k, enum why why, int64_t now_ns)
{
    if (why == WHY_NONE)
        pkt_free(k);
    else
        trace_drop(n->trace, k, why, now_ns);
}

void inet_groups_in(struct inet *n, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = pktq_pop(&n->mld));)
        done(n, k, mld_in(n, k, now_ns), now_ns);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (k->proto == IP_IGMP && ip_version(k) == 4)
            done(n, k, igmp_in(n, k, now_ns), now_ns);
        else
            batch_keep(&w, k);
    }
}
