/* One typed event stream: everything a person can see is a fold over it.
 *
 * TRACE(t, now, conn, tcp_rtt, .sample_ns = a, .srtt_ns = b) names its fields; its
 * arguments are not evaluated unless the event's group is on.  A small flight
 * recorder keeps the last events of the groups in TRACE_FLIGHT, always. */
#pragma once
#include "base/addr.h"
#include "base/err.h"
#include "base/pkt.h"
#include <stdint.h>

enum trace_group {
    TRACE_WIRE = 1, TRACE_DROP = 2, TRACE_NET = 4, TRACE_TCP = 8, TRACE_RTT = 16, TRACE_LOSS = 32, TRACE_CC = 64,
    TRACE_FLOW = 128, TRACE_ACK = 256, TRACE_NAME = 512, TRACE_HTTP = 1024, TRACE_STEP = 2048,
    TRACE_ALL    = 4095,
    TRACE_FLIGHT = TRACE_DROP | TRACE_NET | TRACE_TCP | TRACE_LOSS
};

enum why {
#define REASON(name, section, text) WHY_##name,
#include "trace/reasons.def"
#undef REASON
    WHY_COUNT
};
const char *why_name(enum why w);       /* "RST_NOT_EXACT" */
const char *why_section(enum why w);    /* "RFC 5961 §3.2", or "" */
const char *why_text(enum why w);       /* one sentence without a full stop */
bool why_is_others(enum why w);         /* it was somebody else's: what a shared medium brings to everyone's ears */

typedef uint8_t  trace_u8;
typedef uint16_t trace_u16;
typedef uint32_t trace_u32;
typedef uint64_t trace_u64;
typedef int64_t  trace_i64;
typedef uint8_t  trace_why;
typedef uint8_t  trace_tcp_state;
typedef uint8_t  trace_err;
typedef struct addr trace_addr;
typedef struct mac  trace_mac;

#define FIELD(type, name) trace_##type name;
#define EVENT(name, group, doc, fields) struct ev_##name { fields };
#include "trace/events.def"
#undef EVENT
#undef FIELD

enum ev_kind {
#define EVENT(name, group, doc, fields) EV_##name,
#include "trace/events.def"
#undef EVENT
    EV_COUNT
};
enum {
#define EVENT(name, group, doc, fields) EV_GROUP_##name = TRACE_##group,
#include "trace/events.def"
#undef EVENT
};

enum { EVENT_BODY = 48 };

struct event {
    int64_t  time_ns;
    uint32_t conn;              /* serial of the connection within its node; 0: none */
    uint16_t node;              /* which stack */
    uint8_t  kind, len;         /* enum ev_kind; bytes of body used */
    _Alignas(8) uint8_t body[EVENT_BODY];
};
/* The typed body: const struct ev_tcp_rtt *r = EVENT_BODY_OF(e, tcp_rtt); */
#define EVENT_BODY_OF(e, name) ((const struct ev_##name *)(const void *)(e)->body)

/* Called at once for each event whose group is on; `bytes` lives for the call. */
typedef void trace_sink(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes);

enum { TRACE_RING = 256 };      /* events in the flight recorder */

struct trace {
    uint32_t     groups;        /* on now: TRACE_FLIGHT and what the sink asked for */
    uint32_t     sink_groups;
    uint16_t     node;
    trace_sink  *sink;
    void        *sink_arg;
    uint32_t     ring_head;     /* events ever recorded */
    struct event ring[TRACE_RING];
    uint64_t     drops[WHY_COUNT];
};

void trace_init(struct trace *t, uint16_t node);
/* Replaces the sink; groups 0 and NULL switch it off. */
void trace_watch(struct trace *t, uint32_t groups, trace_sink *sink, void *arg);
void trace_put(struct trace *t, int64_t now_ns, uint32_t conn, uint8_t kind, uint32_t group,
               const void *body, uint8_t len, const void *bytes, uint32_t n_bytes);

/* The flight recorder, oldest event first: *cursor is 0 before the first call, NULL means no more.
 * The event is lent until the next one is put. */
const struct event *trace_walk(const struct trace *t, uint32_t *cursor);

#ifndef PLUMB_TRACE
#define PLUMB_TRACE 1
#endif
#define TRACE_BYTES(t, now, conn, name, bytes, n_bytes, ...)                                            \
    do {                                                                                                \
        _Static_assert(sizeof(struct ev_##name) <= EVENT_BODY, "event body too large");                 \
        if (PLUMB_TRACE && __builtin_expect((t)->groups & EV_GROUP_##name, 0))                          \
            trace_put((t), (now), (conn), EV_##name, EV_GROUP_##name, &(struct ev_##name){ __VA_ARGS__ }, \
                      sizeof(struct ev_##name), (bytes), (n_bytes));                                    \
    } while (0)
#define TRACE(t, now, conn, name, ...) TRACE_BYTES(t, now, conn, name, NULL, 0, __VA_ARGS__)

/* Ends a packet: counts it, says why, frees it. */
void trace_drop(struct trace *t, struct pkt *k, enum why why, int64_t now_ns);
/* Counts and says a drop of something that is not, or no longer, a packet. */
void trace_count(struct trace *t, enum why why, int64_t now_ns);
/* The same of `n` that somebody else dropped for us; said once. */
void trace_count_many(struct trace *t, enum why why, uint64_t n, int64_t now_ns);

/* What an event is made of, for printers. */
enum field_type { F_u8, F_u16, F_u32, F_u64, F_i64, F_addr, F_mac, F_why, F_tcp_state, F_err };
struct field_desc { const char *name; enum field_type type; };
struct event_desc { const char *name, *doc; uint32_t group; uint8_t n_fields; const struct field_desc *fields; };
const struct event_desc *event_desc(uint8_t kind);      /* NULL: no such kind */
/* The i-th field of an event, to be read as its trace_ type; i < n_fields. */
const void *event_field(const struct event *e, unsigned i);

/* The names of RFC 9293 §3.3.2 in the order of tcp/state.h: "CLOSED" "LISTEN" ... */
const char *tcp_state_name(uint8_t state);

/* One JSON object without a line end into `out`, NUL behind it: time_ns, node, conn, event, then the
 * event's fields, then its bytes as "hex" (packets) or "text" (names, lines).  Returns its length,
 * 0 when it does not fit. */
size_t event_json(const struct event *e, const void *bytes, uint32_t n_bytes, char *out, size_t out_len);
/* Bytes of the UTF-8 sequence that begins at `r` (RFC 3629 §4); 0: it is not one. */
size_t utf8_len(struct reader r);
