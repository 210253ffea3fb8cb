#include "link/switch.h"
#include "wire/eth.h"

enum { FLOOD_BURST_S_DIVISOR = 4 };     /* a quarter of a second's worth may come at once */

void switch_init(struct lan_switch *s, const struct switch_config *c, struct trace *trace, struct pkt_pools *pools, struct rng *rng)
{
    memset(s, 0, sizeof *s);
    s->cfg = *c;
    s->trace = trace;
    s->pools = pools;
    bridge_init(&s->bridge, rng);
    stp_init(&s->stp, c->priority, c->mac, c->n_ports, c->stp);
    for (unsigned i = 0; i < c->n_ports; i++)
        pktq_init(&s->port[i].out);
}

void switch_fini(struct lan_switch *s)
{
    for (unsigned i = 0; i < s->cfg.n_ports; i++)
        pktq_free(&s->port[i].out);
}

static void queue(struct lan_switch *s, unsigned port, struct pkt *k, int64_t now_ns)
{
    if (s->port[port].out.n >= SWITCH_QUEUE)
        trace_drop(s->trace, k, WHY_IFACE_QUEUE_FULL, now_ns);
    else
        pktq_push(&s->port[port].out, k);
}

/* -------------------------------------------------------------------- BPDUs */

static void send_bpdus(struct lan_switch *s, int64_t now_ns)
{
    unsigned port;
    struct bpdu b;
    while (stp_out(&s->stp, &port, &b, now_ns)) {
        struct pkt *k = pkt_new(s->pools, BPDU_FRAME);
        if (!k) {
            trace_count(s->trace, WHY_NO_BUFFER, now_ns);
            continue;
        }
        struct writer w = writer_of(pkt_append(k, BPDU_FRAME), BPDU_FRAME);
        bpdu_write(&w, s->cfg.mac, &b);
        k->time_ns = now_ns;
        queue(s, port, k, now_ns);
    }
    s->bridge.age_ns = s->stp.topology_change ? s->stp.forward_ns : BRIDGE_AGE_NS;      /* §8.3.5: what was learnt may stand elsewhere now */
}

static void bpdu_in(struct lan_switch *s, unsigned port, struct pkt *k, int64_t now_ns)
{
    struct bpdu b;
    struct reader r = pkt_reader(k);
    if (!bpdu_read(&r, &b)) {
        trace_drop(s->trace, k, WHY_BRIDGE_BPDU_BAD, now_ns);
        return;
    }
    stp_in(&s->stp, port, &b, now_ns);
    pkt_free(k);
    send_bpdus(s, now_ns);
}

/* §7.12.6: groups that no bridge sends on. */
static bool is_reserved(struct mac dst)
{
    const struct mac group = BRIDGE_GROUP;
    return memcmp(dst.b, group.b, 5) == 0 && dst.b[5] < 16;
}

/* -------------------------------------------------------------------- VLANs */

/* 802.1Q §8.6.1, §8.6.2: which VLAN a frame is of; its tag is taken off, its priority stays. */
static enum why classify(const struct switch_port_config *c, struct pkt *k, struct vlan *v)
{
    *v = (struct vlan){ 0 };
    const bool tagged = vlan_pop(k, v);
    if (v->id == VLAN_RESERVED)
        return WHY_VLAN_BAD;
    if (tagged && v->id != VLAN_PRIORITY)
        return switch_is_tagged(c, v->id) ? WHY_NONE : WHY_VLAN_NOT_MEMBER;
    v->id = c->untagged;
    return v->id ? WHY_NONE : WHY_VLAN_UNTAGGED;
}

static bool is_member(const struct lan_switch *s, unsigned port, uint16_t vid)
{
    return s->cfg.port[port].untagged == vid || switch_is_tagged(&s->cfg.port[port], vid);
}

static bool may_leave(const struct lan_switch *s, unsigned from, unsigned to, uint16_t vid)
{
    return to != from && stp_forwards(&s->stp, to) && is_member(s, to, vid);
}

static void leave(struct lan_switch *s, unsigned port, struct pkt *k, const struct vlan *v, int64_t now_ns)
{
    if (s->cfg.port[port].untagged != v->id)
        vlan_push(k, v);
    queue(s, port, k, now_ns);
}

/* ----------------------------------------------------------------- relaying */

/* A bucket counted in time, as ICMP's errors have. */
static bool may_flood(struct lan_switch *s, unsigned from, int64_t now_ns)
{
    struct switch_port *p = &s->port[from];
    if (!s->cfg.flood_s)
        return true;
    const int64_t cost_ns = NS_PER_SEC / s->cfg.flood_s;
    p->flood_credit_ns = time_max(p->flood_credit_ns, now_ns - NS_PER_SEC / FLOOD_BURST_S_DIVISOR);
    if (p->flood_credit_ns + cost_ns > now_ns)
        return false;
    p->flood_credit_ns += cost_ns;
    return true;
}

static void flood(struct lan_switch *s, unsigned from, struct pkt *k, const struct vlan *v, int64_t now_ns)
{
    if (!may_flood(s, from, now_ns)) {
        trace_drop(s->trace, k, WHY_BRIDGE_STORM, now_ns);
        return;
    }
    for (unsigned i = 0; i < s->cfg.n_ports; i++) {
        if (!may_leave(s, from, i, v->id))
            continue;
        struct pkt *copy = pkt_copy(s->pools, k);
        if (copy)
            leave(s, i, copy, v, now_ns);
        else
            trace_count(s->trace, WHY_NO_BUFFER, now_ns);
    }
    pkt_free(k);
}

static void relay(struct lan_switch *s, unsigned from, struct pkt *k, const struct eth *h, const struct vlan *v, int64_t now_ns)
{
    unsigned to = 0;
    const struct bridge_frame f = { .vid = v->id, .from = (uint16_t)from, .src = h->src, .dst = h->dst };
    const enum bridge_verdict verdict = bridge_decide(&s->bridge, &f, &to, now_ns);
    if (!stp_forwards(&s->stp, from))
        trace_drop(s->trace, k, WHY_BRIDGE_BLOCKED, now_ns);
    else if (verdict == BRIDGE_FLOOD)
        flood(s, from, k, v, now_ns);
    else if (verdict == BRIDGE_DROP)
        trace_drop(s->trace, k, WHY_BRIDGE_SAME_PORT, now_ns);
    else if (may_leave(s, from, to, v->id))
        leave(s, to, k, v, now_ns);
    else
        trace_drop(s->trace, k, WHY_BRIDGE_BLOCKED, now_ns);
}

void switch_in(struct lan_switch *s, unsigned port, struct pkt *k, int64_t now_ns)
{
    struct eth h;
    struct vlan v;
    struct reader r = pkt_reader(k);
    enum why why = WHY_NONE;
    if (!eth_read(&r, &h))
        why = WHY_FRAME_SHORT;
    else if (mac_is_group(h.src))
        why = WHY_FRAME_SOURCE_GROUP;
    else if (s->cfg.stp && mac_eq(h.dst, BRIDGE_GROUP)) {
        bpdu_in(s, port, k, now_ns);
        return;
    } else if (is_reserved(h.dst))
        why = WHY_BRIDGE_RESERVED;
    else if (!stp_learns(&s->stp, port))
        why = WHY_BRIDGE_BLOCKED;
    else
        why = classify(&s->cfg.port[port], k, &v);
    if (why == WHY_NONE)
        relay(s, port, k, &h, &v, now_ns);
    else
        trace_drop(s->trace, k, why, now_ns);
}

struct pkt *switch_out(struct lan_switch *s, unsigned port) { return pktq_pop(&s->port[port].out); }

void switch_link(struct lan_switch *s, unsigned port, bool up, int64_t now_ns)
{
    stp_link(&s->stp, port, up, now_ns);
    if (!up)
        bridge_forget_port(&s->bridge, port);
    send_bpdus(s, now_ns);
}

int64_t switch_deadline(const struct lan_switch *s) { return stp_deadline(&s->stp); }

void switch_tick(struct lan_switch *s, int64_t now_ns)
{
    stp_tick(&s->stp, now_ns);
    send_bpdus(s, now_ns);
}
