/* The inside of packet_line: a line that grows, and what says each layer in it. */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"
#include "view/packet_line.h"
#include "wire/udp.h"

struct line { char *out; size_t at; };
__attribute__((format(printf, 2, 3))) void line_say(struct line *l, const char *format, ...);

struct line_ends { struct addr src, dst; };
/* Everything from the transport header on; `r` ends with the packet. */
void line_say_upper(struct line *l, struct reader *r, const struct line_ends *ends, uint8_t proto);
/* ICMP, ICMPv6 and IGMP. */
void line_say_icmp(struct line *l, struct reader *r, const struct line_ends *ends);
void line_say_icmp6(struct line *l, struct reader *r, const struct line_ends *ends);
void line_say_igmp(struct line *l, struct reader *r, const struct line_ends *ends);
static inline bool line_is_port(const struct udp_header *h, uint16_t a, uint16_t b)
{
    return h->src_port == a || h->dst_port == a || h->src_port == b || h->dst_port == b;
}
