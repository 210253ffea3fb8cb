/* IPv6 in (RFC 8200 §3, §4): is it well formed, may it come from there, is it for us, and what stands behind its headers? */
#include "base/addr_select.h"
#include "net/arrive.h"
#include "wire/ip6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { AT_PAYLOAD_LEN = 4 };

/* RFC 4291 §2.5.2, §2.5.3, §2.7; a mapped address is how IPv4's are held here and nothing that a wire may say. */
static enum why source_bad(const struct inet *n, const struct pkt *k, const struct ip6 *h)
{
    if (k->iface == INET_LOOP || k->looped)
        return WHY_NONE;
    if (addr_is4(h->src) || addr_is4(h->dst))
        return WHY_IP6_MAPPED;
    if (addr_is_multicast(h->src) || addr_is_loopback(h->src))
        return WHY_IP_SOURCE_BAD;
    return inet_is_ours(n, h->src) && !n->iface[k->iface].any_address ? WHY_IP_SOURCE_BAD : WHY_NONE;
}

static enum why to_group(const struct inet *n, struct pkt *k, struct addr dst)
{
    k->group = true;
    if (addr_scope(dst) < SCOPE_LINK && k->iface != INET_LOOP)
        return WHY_IP6_SCOPE;
    return inet_in_group(n, k->iface, dst) ? WHY_NONE : WHY_IP_MULTICAST;
}

/* RFC 4007 §4: a link-local address names a host on the link it came by. */
static bool is_ours(const struct inet *n, const struct pkt *k, struct addr dst)
{
    if (n->iface[k->iface].any_address)
        return true;
    if (!addr_is_link_local(dst) || k->iface == INET_LOOP)
        return inet_is_ours(n, dst);
    const struct inet_addr *own = inet_find_addr(n, k->iface, dst);
    return own && own->ready;
}

/* WHY_NONE: it is for us, or (*transit) for somebody else. */
static enum why classify(const struct inet *n, struct pkt *k, struct addr dst, bool *transit)
{
    const bool framed_to_all = k->group;
    if (addr_is_none(dst) || (addr_is_loopback(dst) && k->iface != INET_LOOP))
        return WHY_IP_NOT_OURS;
    if (addr_is_multicast(dst))
        return to_group(n, k, dst);
    if (is_ours(n, k, dst))
        return framed_to_all ? WHY_IP_LINK_BROADCAST : WHY_NONE;
    if (!n->forwarding)
        return WHY_IP_NOT_OURS;
    *transit = true;
    return framed_to_all ? WHY_IP_FORWARD_GROUP : WHY_NONE;
}

static void set_upper(struct pkt *k, uint8_t proto, uint32_t at)
{
    k->proto = proto;
    k->l4_off = (uint16_t)(k->head + at);
}

/* RFC 4443 §3.4, §2.4 (e): what is wrong with the headers, unless it may not be told. */
static void tell(struct inet *n, struct pkt *k, const struct ip6_chain *c, int64_t now_ns)
{
    static const enum inet_trouble by_code[] = { TROUBLE_FIELD, TROUBLE_PROTOCOL, TROUBLE_OPTION, TROUBLE_CHAIN };
    if (c->tell && (!k->group || c->tell_group))
        inet_error(n, k, by_code[c->code], c->pointer, now_ns);
}

/* ---------------------------------------------------------------- fragments */

/* RFC 7112 §5: a first fragment that ends before the upper layer has said what it is. */
static bool lacks_upper(const struct pkt *k, const struct ip6_chain *c)
{
    const uint32_t least = c->proto == IP_TCP ? TCP_HEADER : c->proto == IP_UDP ? UDP_HEADER : c->proto == IP_ICMP6 ? ICMP4_HEADER : 0;
    return c->upper + least > k->len;
}

/* §4.5: what no fragment may be, and its sender is told. */
static enum why fragment(struct inet *n, struct pkt *k, const struct ip6_chain *c, struct arrival *a, int64_t now_ns)
{
    enum { AT_OFFSET = 2 };
    const uint32_t from = c->fragment + IP6_FRAGMENT_HEADER, len = k->len - from;
    if (c->more_fragments && len % 8) {
        inet_error(n, k, TROUBLE_FIELD, AT_PAYLOAD_LEN, now_ns);
        return WHY_FRAG_BAD;
    }
    if (c->fragment - (uint32_t)IP6_HEADER + c->frag_offset + len > UINT16_MAX) {
        inet_error(n, k, TROUBLE_FIELD, c->fragment + (uint32_t)AT_OFFSET, now_ns);
        return WHY_FRAG_BAD;
    }
    if (c->frag_offset == 0 && lacks_upper(k, c)) {
        inet_error(n, k, TROUBLE_CHAIN, 0, now_ns);
        return WHY_IP6_EXTENSION;
    }
    set_upper(k, 0, from);
    a->fragment = true;
    a->piece = (struct frag_piece){ .src = ip_src(k), .dst = ip_dst(k), .id = c->frag_id, .offset = c->frag_offset, .more = c->more_fragments };
    return WHY_NONE;
}

/* RFC 6946 §4: one that is the whole datagram is no fragment. */
static bool is_fragment(const struct ip6_chain *c) { return c->fragment && (c->more_fragments || c->frag_offset); }

/* ------------------------------------------------------------------ headers */

static enum why upper(struct pkt *k, const struct ip6_chain *c)
{
    set_upper(k, c->proto, c->upper);
    inet_hold_to_header(k, k->l4_off);
    if (c->proto == IP6_NO_NEXT)
        return WHY_IP6_NO_NEXT;
    /* RFC 4861 §4.1, §4.3, RFC 3590 §3: who has no address yet has nothing else to say. */
    return addr_is_none(ip_src(k)) && c->proto != IP_ICMP6 ? WHY_IP_SOURCE_BAD : WHY_NONE;
}

static enum why headers(struct inet *n, struct pkt *k, struct ip6_chain *c, int64_t now_ns)
{
    const enum why why = ip6_chain_read(pkt_reader(k), c);
    if (why == WHY_NONE)
        return why;
    const struct ip6_upper u = ip6_find_upper(pkt_reader(k));
    set_upper(k, u.proto, u.at);
    tell(n, k, c, now_ns);
    return why;
}

enum why inet6_joined(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct ip6_chain c;
    const enum why why = headers(n, k, &c, now_ns);
    if (why != WHY_NONE)
        return why;
    return c.fragment ? WHY_IP6_EXTENSION : upper(k, &c);       /* §4.1: each header once */
}

enum why inet6_arrive(struct inet *n, struct pkt *k, struct arrival *a, int64_t now_ns)
{
    struct reader r = pkt_reader(k);
    struct ip6 h;
    struct ip6_chain c;
    enum why why = ip6_read(&r, &h);
    if (why != WHY_NONE)
        return why;
    pkt_trim(k, (uint32_t)IP6_HEADER + h.payload_len);
    k->net_off = (uint16_t)k->head;
    set_upper(k, h.next, IP6_HEADER);
    why = source_bad(n, k, &h);
    if (why == WHY_NONE)
        why = classify(n, k, h.dst, &a->transit);
    if (why != WHY_NONE)
        return why;
    if (a->transit) {                   /* §4: its headers are not ours to examine */
        const struct ip6_upper u = ip6_find_upper(pkt_reader(k));
        set_upper(k, u.proto, u.at);
        inet_hold_to_header(k, k->l4_off);
        const bool piece = n->whole_transit && ip6_chain_read(pkt_reader(k), &c) == WHY_NONE && is_fragment(&c);
        return piece ? fragment(n, k, &c, a, now_ns) : WHY_NONE;        /* whoever looks at what passes wants it whole */
    }
    why = headers(n, k, &c, now_ns);
    if (why != WHY_NONE)
        return why;
    return is_fragment(&c) ? fragment(n, k, &c, a, now_ns) : upper(k, &c);
}
