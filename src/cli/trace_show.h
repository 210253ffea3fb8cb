/* A hop of traceroute as people know the line, and as JSON. */
#pragma once
#include "base/addr.h"
#include "cli/json.h"
#include "wire/icmp.h"

struct trace_probe {
    int64_t sent_ns, rtt_ns;
    struct addr from;                   /* who answered; none: nobody */
    enum inet_trouble trouble;          /* NONE: the host itself answered */
    uint8_t type, code;                 /* of the ICMP message */
    uint8_t flags;                      /* of a TCP answer */
    bool    sent, over;                 /* over: answered, or waited for long enough */
    uint16_t mtu;                       /* the path's from here on is this; 0: as before */
};

/* The name of an address: "" when there is none to show. */
typedef const char *trace_name(void *arg, struct addr a);
struct trace_hop { unsigned ttl, n; const struct trace_probe *probe; struct addr target; };

/* True when the way ends there. */
bool trace_is_final(const struct trace_probe *p);
/* "!H", "!N", "!X", "!F-1400", ""; returns `out`. */
const char *trace_mark(const struct trace_probe *p, struct addr target, char out[16]);
void trace_line(const struct trace_hop *h, trace_name *name, void *arg, FILE *to);
void trace_json(const struct trace_hop *h, trace_name *name, void *arg, struct json *j);
