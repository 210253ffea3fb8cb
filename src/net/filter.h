/* A simple stateful filter: rules in order judge the first packet of each flow that passes, and what belongs to a flow
 * that was let through goes (track.h), errors about it too.  Packets for the router itself are judged by rules that say
 * `out self`, and pass when none does.
 *
 *   default deny
 *   allow  in lan out wan
 *   allow  in wan out lan to 192.168.1.7 proto tcp port 80
 *   reject in dmz to 10.0.0.0/8
 *   deny   out self in wan proto icmp type 8 */
#pragma once
#include "base/addr.h"
#include "base/pkt.h"

enum { FILTER_RULES = 256, FILTER_ANY = -1, FILTER_SELF = -2 };
enum filter_verdict { FILTER_ALLOW, FILTER_DENY, FILTER_REJECT };      /* reject: and its sender is told */

struct filter_ports { uint16_t first, last; };          /* 0, 0: any */
struct filter_rule {
    uint8_t  verdict;                   /* enum filter_verdict */
    uint8_t  proto;                     /* 0: any */
    uint8_t  family;                    /* 4, 6; 0: either */
    int16_t  in, out;                   /* interfaces, FILTER_ANY; out: FILTER_SELF */
    int16_t  type;                      /* of ICMP; FILTER_ANY */
    struct filter_ports sport, dport;
    struct prefix from, to;             /* the address none: any */
    uint16_t line;                      /* of the text it came from */
};
struct filter { uint32_t n; uint8_t otherwise; struct filter_rule rule[FILTER_RULES]; };       /* otherwise: what no rule judges */

/* What is asked of it. */
struct filter_ask { struct addr src, dst; uint16_t sport, dport; uint8_t proto; int16_t in, out, type; };

/* *line: of the rule that judged, 0 none did. */
enum filter_verdict filter_judge(const struct filter *f, const struct filter_ask *a, unsigned *line);

/* filter_parse.c.  `name` are the interfaces' names by their numbers, NULL: there is none.  False: `error` is one line. */
bool filter_parse(const char *text, const char *const name[IFACE_MAX], struct filter *out, char error[200]);
