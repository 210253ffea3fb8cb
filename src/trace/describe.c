/* What events, reasons and states are called, and where an event's fields lie. */
#include "trace/trace.h"
#include <stdalign.h>

static const struct { const char *name, *section, *text; } reasons[WHY_COUNT] = {
#define REASON(name, section, text) { #name, section, text },
#include "trace/reasons.def"
#undef REASON
};

const char *why_name(enum why w)    { return (unsigned)w < WHY_COUNT ? reasons[w].name : "?"; }
const char *why_section(enum why w) { return (unsigned)w < WHY_COUNT ? reasons[w].section : ""; }
const char *why_text(enum why w)    { return (unsigned)w < WHY_COUNT ? reasons[w].text : "unknown reason"; }

bool why_is_others(enum why w)
{
    return w == WHY_FRAME_NOT_OURS || w == WHY_FRAME_TYPE || w == WHY_FRAME_LOOPED || w == WHY_IP_MULTICAST;
}

const char *tcp_state_name(uint8_t state)
{
    static const char *const name[] = { "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT" };
    return state < sizeof name / sizeof name[0] ? name[state] : "?";
}

#define FIELD(type, name) { #name, F_##type },
#define EVENT(name, group, doc, fields) static const struct field_desc fields_of_##name[] = { fields };
#include "trace/events.def"
#undef EVENT
#undef FIELD

static const struct event_desc events[EV_COUNT] = {
#define EVENT(name_, group_, doc_, fields_) \
    { #name_, doc_, TRACE_##group_, sizeof fields_of_##name_ / sizeof fields_of_##name_[0], fields_of_##name_ },
#include "trace/events.def"
#undef EVENT
};

const struct event_desc *event_desc(uint8_t kind) { return kind < EV_COUNT ? &events[kind] : NULL; }

/* Bodies are plain C structs, so each field lies at the next multiple of its alignment. */
const void *event_field(const struct event *e, unsigned i)
{
    static const struct { uint8_t size, align; } layout[] = {
        [F_u8]  = { 1, 1 }, [F_u16] = { 2, alignof(uint16_t) }, [F_u32] = { 4, alignof(uint32_t) },
        [F_u64] = { 8, alignof(uint64_t) }, [F_i64] = { 8, alignof(int64_t) },
        [F_addr] = { sizeof(struct addr), alignof(struct addr) }, [F_mac] = { sizeof(struct mac), alignof(struct mac) },
        [F_why] = { 1, 1 }, [F_tcp_state] = { 1, 1 }, [F_err] = { 1, 1 },
    };
    const struct field_desc *f = events[e->kind].fields;
    unsigned at = 0;
    for (unsigned k = 0;; k++) {
        const unsigned align = layout[f[k].type].align;
        at = (at + align - 1) / align * align;
        if (k == i)
            return e->body + at;
        at += layout[f[k].type].size;
    }
}
