#include "net/gate.h"
#include "wire/tcp.h"

enum { TCP_AT_FLAGS = 13 };
static const int64_t HOLD_NS = 6 * NS_PER_SEC;          /* RFC 5382 REQ-4 */

bool gate_init(struct gate *g, const struct gate_config *c, struct trace *trace, struct rng *rng, int64_t now_ns)
{
    *g = (struct gate){ .nat_on = c->nat, .filter_on = c->filter != NULL, .trace = trace };
    if (c->filter)
        g->filter = *c->filter;
    if (tracks_init(&g->tracks, &c->track, trace, rng, now_ns) && (!c->nat || nat_init(&g->nat, &c->nat_config, trace, rng)))
        return true;
    gate_fini(g);
    return false;
}

void gate_fini(struct gate *g)
{
    for (; g->n_held; g->n_held--, g->first_held++)
        pkt_free(g->held[g->first_held % GATE_HELD].k);
    tracks_fini(&g->tracks);
    nat_fini(&g->nat);
}

bool gate_outside(struct gate *g, unsigned iface)
{
    g->generation = 0;
    return g->nat_on && nat_add_outside(&g->nat, iface);
}

static bool is_outside(const struct gate *g, unsigned iface) { return g->nat_on && nat_is_outside(&g->nat, iface); }

static void drop(struct gate *g, struct passing *p, enum why why, int64_t now_ns)
{
    trace_drop(g->trace, p->k, why, now_ns);
    p->k = NULL;
}

/* ------------------------------------------------------------------- flows */

static void end_flow(struct gate *g, struct track *f, int64_t now_ns)
{
    list_remove(&f->of_map);
    for (unsigned i = 0; i < 2; i++)
        if (f->map[i])
            nat_release(&g->nat, f->map[i], now_ns);
    tracks_remove(&g->tracks, f);
}

static bool hides_behind(const struct track *f, struct addr a)
{
    return (f->map[0] && addr_eq(f->map[0]->external.addr, a)) || (f->map[1] && addr_eq(f->map[1]->external.addr, a));
}

static void forget_address(struct gate *g, struct addr a, int64_t now_ns)
{
    const struct track *f;
    for (uint64_t cursor = 0; (f = tracks_walk(&g->tracks, &cursor));) {
        if (!hides_behind(f, a))
            continue;
        cursor--;                       /* the next takes its place */
        end_flow(g, (struct track *)f, now_ns);
    }
}

/* The first address of the interface; flows that hid behind another are over. */
static void learn_addresses(struct gate *g, const struct inet *n, int64_t now_ns)
{
    if (g->generation == n->generation || !g->nat_on)
        return;
    g->generation = n->generation;
    for (unsigned i = 0; i < NAT_OUTSIDES; i++) {
        const struct nat_outside *o = &g->nat.outside[i];
        const struct addr a = o->used ? inet_source_on(n, o->iface) : ADDR_NONE;
        if (!o->used || !nat_address_changes(&g->nat, o->iface, a))
            continue;
        forget_address(g, o->addr, now_ns);
        nat_set_address(&g->nat, o->iface, a, now_ns);
    }
}

/* ------------------------------------------------------- before it is routed */

/* What a packet, or the packet an error is about, is called in the table. */
static void find_flow(struct gate *g, struct passing *p)
{
    unsigned dir = 0;
    const struct tuple against = p->kind == TUPLE_ERROR ? tuple_reverse(&p->tuple) : p->tuple;
    p->flow = tracks_find(&g->tracks, &against, &dir);
    p->dir = (uint8_t)dir;
    if (p->flow && p->flow->translated)
        p->dst = track_leaves_as(p->flow, dir).dst;
}

/* For an address behind which hosts hide: a mapping leads on, for those who may use it. */
static enum why find_lead(struct gate *g, struct passing *p)
{
    if (p->kind != TUPLE_FLOW || p->tuple.dport == 0 || p->k->proto == IP_ICMP || p->k->iface == INET_LOOP || !nat_outside_with(&g->nat, p->tuple.dst))
        return WHY_NONE;
    struct nat_map *m = nat_map_at(&g->nat, p->tuple.proto, (struct endpoint){ p->tuple.dst, p->tuple.dport });
    if (!m)
        return WHY_NONE;
    if (!nat_admits(&g->nat, m, p->tuple.src))
        return WHY_NAT_FILTERED;
    p->lead = m;
    p->dst = m->internal.addr;
    return WHY_NONE;
}

static struct passing passing_of(struct pkt *k)
{
    struct passing p = { .k = k, .dst = ip_dst(k) };
    p.kind = (uint8_t)tuple_read(k, &p.tuple);
    return p;
}

/* True: it is for us, and stays. */
static bool is_ours(struct gate *g, struct passing *p, enum why *why)
{
    *why = WHY_NONE;
    if (!g->nat_on || p->k->group || p->kind == TUPLE_BAD || p->kind == TUPLE_OTHER || ip_version(p->k) != 4)
        return true;
    find_flow(g, p);
    if (p->flow)
        return !p->flow->translated;
    *why = find_lead(g, p);
    return !p->lead && *why == WHY_NONE;
}

static void take_ours(struct gate *g, struct batch *ours, struct transit *out, int64_t now_ns)
{
    struct batch_walk w = batch_walk(ours);
    for (struct pkt *k; (k = batch_next(&w));) {
        enum why why;
        struct passing p = passing_of(k);
        if (is_ours(g, &p, &why))
            batch_keep(&w, k);
        else if (why != WHY_NONE)
            trace_drop(g->trace, k, why, now_ns);
        else
            out->p[out->n++] = p;
    }
}

void gate_take(struct gate *g, const struct inet *n, struct batch *ours, struct batch *others, struct transit *out, int64_t now_ns)
{
    learn_addresses(g, n, now_ns);
    out->n = 0;
    for (uint32_t i = 0; i < others->n; i++) {
        struct passing p = passing_of(others->pkt[i]);
        if (p.kind == TUPLE_BAD)
            trace_drop(g->trace, p.k, WHY_TRACK_BAD, now_ns);
        else {
            find_flow(g, &p);
            out->p[out->n++] = p;
        }
    }
    batch_init(others);
    take_ours(g, ours, out, now_ns);
}

/* -------------------------------------------------------- after it is routed */

/* An address to hide behind: of the interface it leaves by, or of the one it was sent to by a host that is inside too
 * (RFC 4787 REQ-9). */
static bool hides(struct gate *g, const struct passing *p, struct nat_outside **o)
{
    *o = NULL;
    if (!g->nat_on || ip_version(p->k) != 4 || is_outside(g, p->k->iface))
        return false;
    if (is_outside(g, p->out))
        *o = nat_outside_of(&g->nat, p->out);
    else if (p->lead)
        *o = nat_outside_with(&g->nat, p->tuple.dst);
    else
        return false;
    return true;
}

static bool begins(const struct pkt *k)
{
    return k->proto != IP_TCP || (k->data[k->l4_off + TCP_AT_FLAGS] & (SYN | ACK | RST)) == SYN;
}

/* What may not be translated at all. */
static enum why untranslatable(const struct passing *p)
{
    return p->kind == TUPLE_ERROR ? WHY_NAT_ICMP_UNKNOWN : p->kind == TUPLE_OTHER ? WHY_NAT_PROTOCOL : begins(p->k) ? WHY_NONE : WHY_NAT_NO_SYN;
}

/* -------------------------------------------------------------- the filter */

static struct filter_ask ask_of(const struct passing *p, int16_t out)
{
    struct filter_ask a = { .src = p->tuple.src, .dst = p->dst, .sport = p->tuple.sport, .dport = p->tuple.dport, .proto = p->k->proto,
                            .in = p->k->iface, .out = out, .type = FILTER_ANY };
    if (p->lead)
        a.dport = p->lead->internal.port;       /* rules are about who is inside, not about who stands for him */
    if (p->kind == TUPLE_ERROR) {
        a.src = ip_src(p->k);
        a.sport = a.dport = 0;
    }
    if ((p->k->proto == IP_ICMP || p->k->proto == IP_ICMP6) && pkt_l4_len(p->k) > 0)
        a.type = p->k->data[p->k->l4_off];
    return a;
}

/* True: it may go.  Else it is dropped, and its sender told when the rule says so. */
static bool passes_filter(struct gate *g, struct inet *n, struct passing *p, int16_t out, int64_t now_ns)
{
    unsigned line;
    const struct filter_ask a = ask_of(p, out);
    const enum filter_verdict v = filter_judge(&g->filter, &a, &line);
    if (v == FILTER_ALLOW)
        return true;
    TRACE(g->trace, now_ns, 0, filtered, .src = a.src, .dst = a.dst, .dport = a.dport, .proto = a.proto, .reject = v == FILTER_REJECT, .line = (uint16_t)line);
    if (v == FILTER_REJECT && p->k->proto == IP_TCP)
        inet_reset(n, p->k, now_ns);
    else if (v == FILTER_REJECT)
        inet_error(n, p->k, TROUBLE_ADMIN, 0, now_ns);
    drop(g, p, v == FILTER_REJECT ? WHY_FILTER_REJECTED : WHY_FILTER_DENIED, now_ns);
    return false;
}

void gate_self(struct gate *g, struct inet *n, struct batch *ours, int64_t now_ns)
{
    struct batch_walk w = batch_walk(ours);
    for (struct pkt *k; (k = batch_next(&w));) {
        struct passing p = passing_of(k);
        if (k->iface == INET_LOOP || p.kind == TUPLE_BAD || passes_filter(g, n, &p, FILTER_SELF, now_ns))
            batch_keep(&w, k);
    }
}

/* A flow whose packets leave as `leaves`, by these mappings of source and destination. */
static enum why add_flow(struct gate *g, struct passing *p, struct nat_map *source, const struct tuple *leaves)
{
    enum why why;
    const struct tuple reply = tuple_reverse(leaves);
    struct track *f = tracks_add(&g->tracks, &p->tuple, &reply, p->lead ? p->lead->internal.addr : p->tuple.src, &why);
    if (!f)
        return why;
    f->map[0] = source;
    f->map[1] = p->lead;
    f->from_outside = is_outside(g, p->k->iface);
    for (unsigned i = 0; i < 2; i++)
        if (f->map[i])
            nat_use(f->map[i]);
    if (source)
        list_push(&source->peers, &f->of_map);
    p->flow = f;
    p->dir = TRACK_ORIGINAL;
    return WHY_NONE;
}

/* What passes untranslated is remembered for the filter's sake. */
static enum why remember(struct gate *g, struct passing *p)
{
    return g->filter_on && (p->kind == TUPLE_FLOW || p->kind == TUPLE_OTHER) ? add_flow(g, p, NULL, &p->tuple) : WHY_NONE;
}

/* A mapping that was made for a flow which then could not be is taken back. */
static enum why translate(struct gate *g, struct passing *p, struct nat_outside *o, int64_t now_ns)
{
    enum why why = WHY_NONE;
    struct nat_map *source = NULL;
    struct tuple leaves = p->tuple;
    if (p->lead) {
        leaves.dst = p->lead->internal.addr;
        leaves.dport = p->lead->internal.port;
    }
    if (o) {
        source = nat_map_for(&g->nat, o, p->tuple.proto, (struct endpoint){ p->tuple.src, p->tuple.sport }, &why, now_ns);
        if (!source)
            return why;
        nat_use(source);
        leaves.src = source->external.addr;
        leaves.sport = source->external.port;
    }
    why = add_flow(g, p, source, &leaves);
    if (source)
        nat_release(&g->nat, source, now_ns);
    return why;
}

/* RFC 3704 §2.2: from outside, and yet its sender would be inside. */
static bool is_spoofed(const struct gate *g, const struct inet *n, const struct passing *p)
{
    if (!is_outside(g, p->k->iface))
        return false;
    const struct route *r = route_find(&n->routes, ip_src(p->k), n->ifaces_up);
    return r && r->kind == ROUTE_ON && !is_outside(g, r->iface);
}

/* The first packet of a flow, or none of one. */
static enum why admit(struct gate *g, const struct inet *n, struct passing *p, int64_t now_ns)
{
    struct nat_outside *o;
    if (is_spoofed(g, n, p))
        return WHY_IP_SOURCE_BAD;
    const bool hidden = hides(g, p, &o);
    if (!hidden && !p->lead) {
        const bool unasked = is_outside(g, p->k->iface) && !is_outside(g, p->out) && ip_version(p->k) == 4 && !g->filter_on;
        return unasked ? WHY_NAT_UNASKED : remember(g, p);      /* where there is a filter it has allowed this */
    }
    const enum why why = untranslatable(p);
    if (why != WHY_NONE)
        return why;
    if (hidden && !o)
        return WHY_NAT_NO_ADDRESS;
    if (hidden && p->kind == TUPLE_FLOW && p->tuple.sport == 0 && p->k->proto == IP_ICMP)
        return WHY_NAT_NO_SYN;          /* an answer that nobody asked for */
    return translate(g, p, o, now_ns);
}

static void go_on(struct gate *g, struct passing *p, int64_t now_ns)
{
    const struct track *f = p->flow;
    const struct tuple leaves = track_leaves_as(f, p->dir);
    if (p->kind != TUPLE_ERROR) {
        tracks_saw(&g->tracks, p->flow, p->dir, p->k, now_ns);
        if (f->translated)
            tuple_write(p->k, &p->tuple, &leaves);
        return;
    }
    const struct tuple shown = tuple_reverse(&leaves);
    if (f->translated && !tuple_write_error(p->k, &p->tuple, &shown))
        drop(g, p, WHY_ICMP_CHECKSUM, now_ns);
}

void gate_pass(struct gate *g, struct inet *n, struct transit *t, int64_t now_ns)
{
    for (uint32_t i = 0; i < t->n; i++) {
        struct passing *p = &t->p[i];
        if (!p->k)
            continue;
        unsigned dir;                   /* one of the same batch may have begun the flow */
        if (!p->flow && p->kind != TUPLE_ERROR && (p->flow = tracks_find(&g->tracks, &p->tuple, &dir)))
            p->dir = (uint8_t)dir;
        if (!p->flow && g->filter_on && !passes_filter(g, n, p, p->out, now_ns))
            continue;
        const enum why why = p->flow ? WHY_NONE : admit(g, n, p, now_ns);
        if (why != WHY_NONE)
            drop(g, p, why, now_ns);
        else if (p->flow)
            go_on(g, p, now_ns);
    }
}

/* ---------------------------------------------------------------- and after */

void gate_undo(const struct gate *g, struct pkt *k)
{
    struct tuple t;
    unsigned dir;
    if (tuple_read(k, &t) != TUPLE_FLOW)
        return;
    const struct tuple back = tuple_reverse(&t);
    const struct track *f = tracks_find(&g->tracks, &back, &dir);
    if (f && f->translated)
        tuple_write(k, &t, track_arrives_as(f, !dir));
}

bool gate_hold(struct gate *g, struct pkt *k, int64_t now_ns)
{
    struct tuple t;
    if (k->proto != IP_TCP || !is_outside(g, k->iface) || tuple_read(k, &t) != TUPLE_FLOW || !nat_outside_with(&g->nat, t.dst) || !begins(k))
        return false;
    if (g->n_held == GATE_HELD)
        trace_drop(g->trace, k, WHY_NAT_FILTERED, now_ns);
    else
        g->held[(g->first_held + g->n_held++) % GATE_HELD] = (struct gate_syn){ .k = k, .tuple = t, .until_ns = time_after(now_ns, HOLD_NS) };
    return true;
}

static int64_t held_deadline(const struct gate *g) { return g->n_held ? g->held[g->first_held % GATE_HELD].until_ns : DEADLINE_NEVER; }

int64_t gate_deadline(struct gate *g) { return time_min(tracks_deadline(&g->tracks), held_deadline(g)); }

/* Nobody inside opened to who sent it: it is told, and no sooner. */
static void let_go(struct gate *g, struct inet *n, int64_t now_ns)
{
    unsigned dir;
    const struct gate_syn *s = &g->held[g->first_held++ % GATE_HELD];
    g->n_held--;
    if (!tracks_find(&g->tracks, &s->tuple, &dir))
        inet_error(n, s->k, TROUBLE_PORT, 0, now_ns);
    trace_drop(g->trace, s->k, WHY_NAT_FILTERED, now_ns);
}

void gate_tick(struct gate *g, struct inet *n, int64_t now_ns)
{
    while (held_deadline(g) <= now_ns)
        let_go(g, n, now_ns);
    for (struct track *f; (f = tracks_expired(&g->tracks, now_ns));)
        end_flow(g, f, now_ns);
}
