/* The event stream's writer, its flight recorder and its counters. */
#include "trace/trace.h"
#include <string.h>

void trace_init(struct trace *t, uint16_t node)
{
    *t = (struct trace){ .node = node, .groups = TRACE_FLIGHT };
}

void trace_watch(struct trace *t, uint32_t groups, trace_sink *sink, void *arg)
{
    t->sink = sink;
    t->sink_arg = arg;
    t->sink_groups = sink ? groups : 0;
    t->groups = TRACE_FLIGHT | t->sink_groups;
}

void trace_put(struct trace *t, int64_t now_ns, uint32_t conn, uint8_t kind, uint32_t group,
               const void *body, uint8_t len, const void *bytes, uint32_t n_bytes)
{
    struct event e = { .time_ns = now_ns, .conn = conn, .node = t->node, .kind = kind, .len = len };
    memcpy(e.body, body, len);
    if (group & TRACE_FLIGHT)
        t->ring[t->ring_head++ % TRACE_RING] = e;
    if (group & t->sink_groups)
        t->sink(t->sink_arg, &e, bytes, n_bytes);
}

const struct event *trace_walk(const struct trace *t, uint32_t *cursor)
{
    const uint32_t kept = t->ring_head < TRACE_RING ? t->ring_head : TRACE_RING;
    if (*cursor >= kept)
        return NULL;
    return &t->ring[(t->ring_head - kept + (*cursor)++) % TRACE_RING];
}

void trace_drop(struct trace *t, struct pkt *k, enum why why, int64_t now_ns)
{
    t->drops[why]++;
    TRACE(t, now_ns, 0, pkt_drop, .pkt = k->id, .len = pkt_total(k), .iface = k->iface, .why = (uint8_t)why);
    pkt_free(k);
}

void trace_count(struct trace *t, enum why why, int64_t now_ns)
{
    trace_count_many(t, why, 1, now_ns);
}

void trace_count_many(struct trace *t, enum why why, uint64_t n, int64_t now_ns)
{
    t->drops[why] += n;
    TRACE(t, now_ns, 0, pkt_drop, .why = (uint8_t)why);
}
