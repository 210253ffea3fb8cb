/* The journey out: from a layer that has something to say to a frame on the
 * interface.  TCP is pulled when the device can take it; everything else waits in
 * the interface's queue. */
#include "stack/inner.h"
#include "wire/segment.h"

bool stack_iface_congested(const struct stack *st, unsigned iface)
{
    const struct pktq *q = &st->iface[iface].out;
    return q->n >= IFACE_QUEUE_PKTS || q->bytes >= IFACE_QUEUE_BYTES;
}

/* To ourselves.  The bytes may not be borrowed any longer than this call. */
static void emit_loop(struct stack *st, struct pkt *k, int64_t now_ns)
{
    if (st->loop.n >= LOOP_QUEUE_PKTS) {
        trace_drop(&st->trace, k, WHY_IFACE_QUEUE_FULL, now_ns);
        return;
    }
    k = pkt_own(&st->pools, k);
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->time_ns = now_ns;
    k->path = NULL;
    k->group = false;
    pktq_push(&st->loop, k);
}

/* Onto the link: a frame, or NULL when it waits for its neighbour. */
static struct pkt *to_link(struct stack *st, struct pkt *k, int64_t now_ns)
{
    return st->iface[k->iface].cfg.kind == IFACE_ETHER ? neigh_send(&st->neigh, k, now_ns) : k;
}

static bool is_down(struct stack *st, struct pkt *k, int64_t now_ns)
{
    if (st->iface[k->iface].up)
        return false;
    trace_drop(&st->trace, k, WHY_IFACE_DOWN, now_ns);
    return true;
}

static void push_frame(struct stack *st, struct pkt *k, int64_t now_ns)
{
    k = pkt_own(&st->pools, k);
    if (k)
        pktq_push(&st->iface[k->iface].out, k);
    else
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
}

static void queue_frame(struct stack *st, struct pkt *k, int64_t now_ns)
{
    if (stack_iface_congested(st, k->iface))
        trace_drop(&st->trace, k, WHY_IFACE_QUEUE_FULL, now_ns);
    else
        push_frame(st, k, now_ns);
}

static void emit_one(struct stack *st, struct pkt *k, int64_t now_ns)
{
    k = to_link(st, k, now_ns);
    if (k)
        queue_frame(st, k, now_ns);
}

static bool is_too_large(const struct stack *st, const struct pkt *k) { return k->gso_size && pkt_total(k) > st->iface[k->iface].cfg.gso_max; }

/* A large packet meets a device that takes only wire-size ones. */
static void cut(struct stack *st, struct pkt *k, struct pktq *pieces, int64_t now_ns)
{
    const uint8_t iface = k->iface;
    pktq_init(pieces);
    if (!segment(&st->pools, k, pieces))
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
    TRACE(&st->trace, now_ns, 0, pkts_cut, .iface = iface, .into = pieces->n);
    for (struct pkt *piece = pieces->first; piece; piece = piece->next) {
        piece->id = 0;                  /* each is a packet of its own */
        stack_number(st, piece);
    }
}

static void emit_segments(struct stack *st, struct pkt *k, int64_t now_ns)
{
    struct pktq pieces;
    cut(st, k, &pieces, now_ns);
    for (struct pkt *piece; (piece = pktq_pop(&pieces));)
        emit_one(st, piece, now_ns);
}

void stack_emit(struct stack *st, struct pkt *k, int64_t now_ns)
{
    stack_number(st, k);
    if (k->iface == INET_LOOP) {
        emit_loop(st, k, now_ns);
        return;
    }
    if (is_down(st, k, now_ns))
        return;
    if (is_too_large(st, k))
        emit_segments(st, k, now_ns);
    else
        emit_one(st, k, now_ns);
}

/* Neighbours that never answered: the sender of each packet is told, be it us. */
static void give_up_unreachable(struct stack *st, int64_t now_ns)
{
    for (struct pkt *k; (k = pktq_pop(&st->neigh.failed));) {
        if (st->gate)
            gate_undo(st->gate, k);
        inet_hop_died(&st->inet, k->iface, k->next_hop);
        inet_error(&st->inet, k, TROUBLE_ADDRESS, 0, now_ns);
        trace_drop(&st->trace, k, WHY_NEIGH_UNREACHABLE, now_ns);
    }
}

/* Nearly always the layers have left nothing for each other. */
static bool is_settled(const struct stack *st)
{
    return !st->neigh.acd.n_verdicts && !st->dhcp_open && !stack_nd_due(st) && st->generation == st->inet.generation && !tcp_wants_paths(st->tcp) &&
           !st->inet.out.n && !st->neigh.ready.n && !st->neigh.failed.n && !st->neigh.n_facts;
}

static void settle(struct stack *st, int64_t now_ns)
{
    stack_take_verdicts(st, now_ns);
    stack_dhcp_in(st, now_ns);
    stack_dhcp_step(st, now_ns);
    stack_nd_step(st, now_ns);
    stack_segments_route(st, now_ns);
    do {
        give_up_unreachable(st, now_ns);
        for (struct pkt *k; (k = pktq_pop(&st->inet.out));)
            stack_emit(st, k, now_ns);
        for (struct pkt *k; (k = pktq_pop(&st->neigh.ready));) {
            stack_number(st, k);
            if (!is_down(st, k, now_ns))
                queue_frame(st, k, now_ns);
        }
    } while (st->inet.out.n || st->neigh.ready.n || st->neigh.failed.n);
    stack_shards_neigh(st);
}

void stack_settle(struct stack *st, int64_t now_ns)
{
    st->now_ns = now_ns;
    if (!is_settled(st))
        settle(st, now_ns);
}

void stack_called(struct stack *st, int64_t now_ns) { stack_touch(st, now_ns); }

void stack_touch(struct stack *st, int64_t now_ns)
{
    st->touched = true;
    stack_settle(st, now_ns);
}

/* The last thing that happens to a frame here. */
static void leave(struct stack *st, struct pkt *k, struct batch *out, int64_t now_ns)
{
    const uint8_t *bytes = pkt_head(k);
    stack_number(st, k);
    if (!st->iface[k->iface].cfg.tx_csum)
        pkt_complete_csum(k);
    k->time_ns = now_ns;
    if (st->trace.groups & TRACE_WIRE && k->n_slices) {
        pkt_gather(k, st->scratch, sizeof st->scratch);
        bytes = st->scratch;
    }
    TRACE_BYTES(&st->trace, now_ns, 0, pkt_out, bytes, pkt_total(k), .pkt = k->id, .len = pkt_total(k), .iface = k->iface,
                .gso_size = k->gso_size, .csum = k->csum);
    batch_add(out, k);
}

static void leave_queued(struct stack *st, unsigned iface, struct batch *out, int64_t now_ns)
{
    while (!batch_full(out) && st->iface[iface].out.n)
        leave(st, pktq_pop(&st->iface[iface].out), out, now_ns);
}

/* The pieces of one large packet wait their turn in the interface's queue, whose bounds are for what
 * layers send unasked: TCP was asked, for no more than SOFT_OUT_BYTES. */
static void queue_pieces(struct stack *st, struct pkt *k, int64_t now_ns)
{
    struct pktq pieces;
    cut(st, k, &pieces, now_ns);
    for (struct pkt *piece; (piece = pktq_pop(&pieces));) {
        piece = to_link(st, piece, now_ns);
        if (piece)
            push_frame(st, piece, now_ns);
    }
}

/* What TCP appended has its IP header; each gets its frame.  None overtakes the pieces of an earlier one. */
static void leave_segments(struct stack *st, unsigned iface, struct batch *out, int64_t now_ns)
{
    struct batch segments;
    batch_init(&segments);
    if (out->n > 0)                     /* a whole batch or none: tcp knows no smaller measure */
        return;
    if (st->iface[iface].cfg.soft_offload)
        segments.bytes = BATCH_BYTES_MAX - SOFT_OUT_BYTES;
    stack_segments_out(st, iface, &segments, now_ns);
    for (uint32_t i = 0; i < segments.n; i++) {
        struct pkt *k = segments.pkt[i];
        stack_number(st, k);
        if (is_too_large(st, k)) {
            queue_pieces(st, k, now_ns);
            continue;
        }
        k = to_link(st, k, now_ns);
        if (k && st->iface[iface].out.n)
            push_frame(st, k, now_ns);
        else if (k)
            leave(st, k, out, now_ns);
    }
}

void stack_output(struct stack *st, unsigned iface, struct batch *out, int64_t now_ns)
{
    st->now_ns = now_ns;
    if (iface >= INET_LOOP || !st->iface[iface].up)
        return;
    leave_queued(st, iface, out, now_ns);
    if (stack_segments_due_on(st, iface))
        leave_segments(st, iface, out, now_ns);
    stack_settle(st, now_ns);           /* a segment may have asked for its neighbour */
    leave_queued(st, iface, out, now_ns);
    stack_dgrams_room(st, iface);
    stack_wake(st);
}
