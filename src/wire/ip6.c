#include "wire/ip6.h"

/* RFC 8200 §4.2: what the two highest bits of an option's type ask of who does not know it. */
enum { OPT_SKIP = 0, OPT_DISCARD = 1, OPT_TELL = 2, OPT_TELL_UNLESS_GROUP = 3 };
enum { OPT_PAD1 = 0, OPT_ROUTER_ALERT = 5 };
enum { CODE_FIELD = 0, CODE_NEXT = 1, CODE_OPTION = 2, CODE_FIRST_FRAGMENT = 3 };       /* RFC 4443 §3.4, RFC 7112 §5 */
enum { HEADERS_MAX = 8, OPTIONS_MAX = 16 };     /* RFC 8504 §5.3: nobody needs more, and each costs time */

enum why ip6_read(struct reader *r, struct ip6 *out)
{
    const size_t available = rd_left(r);
    if (available == 0)
        return WHY_IP_SHORT;
    if (*r->at >> 4 != 6)
        return WHY_IP_VERSION;
    const uint8_t *h = rd_bytes(r, IP6_HEADER);
    if (!h)
        return WHY_IP_SHORT;
    const uint32_t first = load_be32(h);
    *out = (struct ip6){ .src = addr6_bytes(h + 8), .dst = addr6_bytes(h + 24), .flow_label = first & 0xfffff, .payload_len = load_be16(h + 4),
                         .traffic_class = (uint8_t)(first >> 20), .next = h[6], .hop_limit = h[7] };
    return out->payload_len > available - IP6_HEADER ? WHY_IP_TOTAL_LENGTH : WHY_NONE;
}

void ip6_write(struct writer *w, const struct ip6 *h)
{
    uint8_t *p = wr_space(w, IP6_HEADER);
    if (!p)
        return;
    store_be32(p, UINT32_C(6) << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
    store_be16(p + 4, h->payload_len);
    p[6] = h->next;
    p[7] = h->hop_limit;
    memcpy(p + 8, h->src.b, 16);
    memcpy(p + 24, h->dst.b, 16);
}

/* ------------------------------------------------------- extension headers */

/* Where the walk stands. */
struct walk { const uint8_t *start; struct reader r; struct ip6_chain *c; };

static uint16_t offset_of(const struct walk *w, const uint8_t *at) { return (uint16_t)(at - w->start); }

static enum why problem(struct walk *w, enum why why, uint8_t code, const uint8_t *at)
{
    w->c->tell = true;
    w->c->code = code;
    w->c->pointer = offset_of(w, at);
    return why;
}

static enum why unknown_option(struct walk *w, const uint8_t *at)
{
    switch (*at >> 6) {
    case OPT_SKIP:
        return WHY_NONE;
    case OPT_DISCARD:
        return WHY_IP6_OPTION;
    case OPT_TELL:
        w->c->tell_group = true;
        return problem(w, WHY_IP6_OPTION, CODE_OPTION, at);
    default:
        return problem(w, WHY_IP6_OPTION, CODE_OPTION, at);
    }
}

/* §4.2: a type, and unless it is Pad1 a length of what follows it.  PadN is skipped as its type says. */
static enum why options(struct walk *w, struct reader r, bool hop_by_hop)
{
    for (unsigned n = 0; rd_left(&r) > 0; n++) {
        const uint8_t *at = r.at;
        const uint8_t type = rd_u8(&r);
        if (n == OPTIONS_MAX)
            return WHY_IP6_TOO_MANY;
        if (type == OPT_PAD1)
            continue;
        struct reader value = rd_sub(&r, rd_u8(&r));
        if (r.bad)
            return problem(w, WHY_IP6_EXTENSION, CODE_FIELD, at);
        if (hop_by_hop && type == OPT_ROUTER_ALERT && rd_left(&value) == 2) {
            w->c->router_alert = true;
            continue;
        }
        const enum why why = unknown_option(w, at);
        if (why != WHY_NONE)
            return why;
    }
    return WHY_NONE;
}

/* §4.4: nobody here is a waypoint.  A header that is used up is passed over, one that is not is refused, above all
 * type 0 (RFC 5095 §3). */
static enum why routing(struct walk *w, const uint8_t *h)
{
    return h[3] == 0 ? WHY_NONE : problem(w, WHY_IP6_ROUTING, CODE_FIELD, h + 2);
}

/* A header of 8 bytes and a multiple of 8 more. */
static enum why sized_header(struct walk *w, uint8_t type)
{
    const uint8_t *h = w->r.at;
    if (rd_left(&w->r) < 2)
        return WHY_IP6_EXTENSION;
    const size_t len = 8 + (size_t)h[1] * 8;
    if (!rd_bytes(&w->r, len))
        return WHY_IP6_EXTENSION;
    return type == IP6_ROUTING ? routing(w, h) : options(w, reader_of(h + 2, len - 2), type == IP6_HOP_BY_HOP);
}

static enum why fragment_header(struct walk *w, const uint8_t *named_at)
{
    const uint8_t *h = rd_bytes(&w->r, IP6_FRAGMENT_HEADER);
    if (!h)
        return WHY_IP6_EXTENSION;
    w->c->fragment = offset_of(w, h);
    w->c->named_at = offset_of(w, named_at);
    w->c->frag_offset = load_be16(h + 2) & 0xfff8;
    w->c->more_fragments = h[3] & 1;
    w->c->frag_id = load_be32(h + 4);
    return WHY_NONE;
}

static bool is_extension(uint8_t type) { return type == IP6_HOP_BY_HOP || type == IP6_ROUTING || type == IP6_FRAGMENT || type == IP6_DESTINATION; }

enum why ip6_chain_read(struct reader packet, struct ip6_chain *out)
{
    struct walk w = { .start = packet.at, .r = packet, .c = out };
    *out = (struct ip6_chain){ 0 };
    if (!rd_bytes(&w.r, IP6_HEADER))
        return WHY_IP_SHORT;
    const uint8_t *named_at = packet.at + 6;
    for (unsigned n = 0; is_extension(*named_at); n++) {
        const uint8_t *h = w.r.at, type = *named_at;
        if (n == HEADERS_MAX)
            return WHY_IP6_TOO_MANY;
        if (type == IP6_HOP_BY_HOP && n > 0)                    /* §4.1: only right behind the header */
            return problem(&w, WHY_IP6_EXTENSION, CODE_NEXT, named_at);
        if (type == IP6_FRAGMENT && out->fragment)
            return problem(&w, WHY_IP6_EXTENSION, CODE_NEXT, named_at);
        const enum why why = type == IP6_FRAGMENT ? fragment_header(&w, named_at) : sized_header(&w, type);
        if (why != WHY_NONE && out->fragment && why == WHY_IP6_EXTENSION && out->more_fragments)
            return problem(&w, WHY_IP6_EXTENSION, CODE_FIRST_FRAGMENT, packet.at);          /* the chain goes on in the next fragment */
        if (why != WHY_NONE)
            return why;
        named_at = h;
        if (out->frag_offset)           /* a later fragment: what follows is a piece of the payload */
            break;
    }
    out->proto = *named_at;
    out->upper = offset_of(&w, w.r.at);
    return WHY_NONE;
}

struct ip6_upper ip6_find_upper(struct reader packet)
{
    const uint8_t *start = packet.at, *named_at = packet.at + 6;
    struct reader r = packet;
    if (!rd_bytes(&r, IP6_HEADER))
        return (struct ip6_upper){ .proto = IP6_NO_NEXT };
    for (unsigned n = 0; n < HEADERS_MAX && is_extension(*named_at) && rd_left(&r) >= IP6_FRAGMENT_HEADER; n++) {
        const uint8_t *h = r.at;
        const bool fragment = *named_at == IP6_FRAGMENT;
        if (!rd_bytes(&r, fragment ? IP6_FRAGMENT_HEADER : 8 + (size_t)h[1] * 8))
            break;
        named_at = h;
        if (fragment && load_be16(h + 2) & 0xfff8)
            break;
    }
    return (struct ip6_upper){ *named_at, (uint16_t)(r.at - start), (uint16_t)(named_at - start) };
}
