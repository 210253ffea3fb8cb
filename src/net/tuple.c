#include "net/tuple.h"
#include "base/checksum.h"
#include "wire/icmp6.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { IP4_AT_CHECKSUM = 10, IP4_AT_SRC = 12, IP4_AT_DST = 16, ICMP_AT_CHECKSUM = 2, ICMP_AT_ID = 4, TCP_AT_CHECKSUM = 16, UDP_AT_CHECKSUM = 6 };

/* ----------------------------------------------------------------- reading */

/* 1: asks, -1: answers, 0: neither. */
static int query_side(uint8_t proto, uint8_t type)
{
    if (proto == IP_ICMP)
        return type == ICMP4_ECHO || type == ICMP4_TIMESTAMP ? 1 : type == ICMP4_ECHO_REPLY || type == ICMP4_TIMESTAMP_REPLY ? -1 : 0;
    return type == ICMP6_ECHO ? 1 : type == ICMP6_ECHO_REPLY ? -1 : 0;
}

static bool is_error(uint8_t proto, uint8_t type)
{
    if (proto == IP_ICMP6)
        return icmp6_is_error(type);
    return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER;
}

static void set_query(struct tuple *t, int side, uint16_t id)
{
    t->sport = side > 0 ? id : 0;
    t->dport = side < 0 ? id : 0;
}

/* `r` stands behind the ICMP header.  What it quotes of an ICMP query has the id where ports would be, and its type 8 bytes back. */
static enum tuple_kind read_quote(bool v4, struct reader r, struct tuple *out)
{
    enum { QUOTED = 8 };
    struct icmp_quote q;
    const struct reader from = r;
    if (!(v4 ? icmp4_quote_read(&r, &q) : icmp6_quote_read(&r, &q)))
        return TUPLE_BAD;
    *out = (struct tuple){ .src = q.src, .dst = q.dst, .proto = q.proto };
    struct reader l4 = from;
    rd_skip(&l4, rd_left(&from) - rd_left(&r) - QUOTED);
    if (q.proto == IP_TCP || q.proto == IP_UDP) {
        out->sport = q.src_port;
        out->dport = q.dst_port;
    } else if (q.proto == (v4 ? IP_ICMP : IP_ICMP6)) {
        set_query(out, query_side(q.proto, rd_u8(&l4)), q.src_port);
    }
    return TUPLE_ERROR;
}

static enum tuple_kind read_icmp(const struct pkt *k, struct tuple *out)
{
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    const uint8_t type = rd_u8(&r);
    rd_skip(&r, 3);
    const uint16_t id = rd_u16(&r);
    rd_skip(&r, 2);
    if (r.bad)
        return TUPLE_BAD;
    if (is_error(k->proto, type))
        return read_quote(k->proto == IP_ICMP, r, out);
    const int side = query_side(k->proto, type);
    if (!side)
        return TUPLE_OTHER;
    set_query(out, side, id);
    return TUPLE_FLOW;
}

enum tuple_kind tuple_read(const struct pkt *k, struct tuple *out)
{
    *out = (struct tuple){ .src = ip_src(k), .dst = ip_dst(k), .proto = k->proto };
    if (k->proto == (ip_version(k) == 4 ? IP_ICMP : IP_ICMP6))
        return read_icmp(k, out);
    if (k->proto != IP_TCP && k->proto != IP_UDP)
        return TUPLE_OTHER;
    if (pkt_l4_len(k) < (k->proto == IP_TCP ? (uint32_t)TCP_HEADER : (uint32_t)UDP_HEADER))
        return TUPLE_BAD;
    out->sport = load_be16(k->data + k->l4_off);
    out->dport = load_be16(k->data + k->l4_off + 2);
    return TUPLE_FLOW;
}

uint64_t tuple_hash(const struct sipkey *key, const struct tuple *t)
{
    const uint64_t ports = (uint64_t)t->sport << 32 | (uint64_t)t->dport << 16 | t->proto;
    if (addr_is4(t->src)) {
        const uint64_t words[2] = { (uint64_t)t->src.w[3] << 32 | t->dst.w[3], ports };
        return siphash_words(key, words, 2);
    }
    const uint64_t words[5] = { t->src.q[0], t->src.q[1], t->dst.q[0], t->dst.q[1], ports };
    return siphash_words(key, words, 5);
}

/* ----------------------------------------------------------------- writing */

/* What is added to a sum when fields change: the new words and the complement of the old. */
struct change { csum_t sum; };

static void change_word(struct change *c, const uint8_t *field, uint16_t now)
{
    uint16_t old, new;
    uint8_t bytes[2];
    store_be16(bytes, now);
    memcpy(&old, field, 2);
    memcpy(&new, bytes, 2);
    c->sum.sum += (uint64_t)new + (uint16_t)~old;
}

static void change_addr(struct change *c, const uint8_t *field, struct addr now)
{
    uint32_t old;
    memcpy(&old, field, 4);
    c->sum.sum += (uint64_t)now.w[3] + (uint32_t)~old;
}

/* A field that holds the complement of a sum. */
static void mend(uint8_t *field, const struct change *c)
{
    uint16_t sum;
    memcpy(&sum, field, 2);
    sum = csum_finish((csum_t){ c->sum.sum + (uint16_t)~sum });
    memcpy(field, &sum, 2);
}

/* RFC 768: zero is no checksum, and stays so; what comes out as zero is sent as ones. */
static void mend_udp(uint8_t *field, const struct change *c)
{
    static const uint8_t none[2];
    if (memcmp(field, none, 2) == 0)
        return;
    mend(field, c);
    if (memcmp(field, none, 2) == 0)
        memset(field, 0xff, 2);
}

/* CSUM_PARTIAL: the field holds the sum of the pseudo header itself, in which there are no ports. */
static void mend_partial(uint8_t *field, const struct change *c)
{
    uint16_t sum;
    memcpy(&sum, field, 2);
    sum = csum_fold((csum_t){ c->sum.sum + sum });
    memcpy(field, &sum, 2);
}

static void put_addrs(uint8_t *ip, struct addr src, struct addr dst, struct change *c)
{
    change_addr(c, ip + IP4_AT_SRC, src);
    change_addr(c, ip + IP4_AT_DST, dst);
    memcpy(ip + IP4_AT_SRC, src.b + 12, 4);
    memcpy(ip + IP4_AT_DST, dst.b + 12, 4);
    mend(ip + IP4_AT_CHECKSUM, c);
}

static void put_ports(uint8_t *l4, const struct tuple *to, struct change *c)
{
    change_word(c, l4, to->sport);
    change_word(c, l4 + 2, to->dport);
    store_be16(l4, to->sport);
    store_be16(l4 + 2, to->dport);
}

/* No pseudo header is summed into ICMP's checksum. */
static void put_id(uint8_t *icmp, const struct tuple *to)
{
    struct change c = { { 0 } };
    const uint16_t id = to->sport ? to->sport : to->dport;
    change_word(&c, icmp + ICMP_AT_ID, id);
    store_be16(icmp + ICMP_AT_ID, id);
    mend(icmp + ICMP_AT_CHECKSUM, &c);
}

void tuple_write(struct pkt *k, const struct tuple *from, const struct tuple *to)
{
    struct change c = { { 0 } };
    uint8_t *l4 = pkt_l4(k);
    if (tuple_eq(from, to))
        return;
    put_addrs(pkt_net(k), to->src, to->dst, &c);
    if (to->proto == IP_ICMP) {
        put_id(l4, to);
        return;
    }
    if (to->proto != IP_TCP && to->proto != IP_UDP)
        return;
    uint8_t *field = l4 + (to->proto == IP_UDP ? UDP_AT_CHECKSUM : TCP_AT_CHECKSUM);
    if (k->csum == CSUM_PARTIAL)
        mend_partial(field, &c);
    put_ports(l4, to, &c);
    if (k->csum == CSUM_PARTIAL)
        return;
    if (to->proto == IP_UDP)
        mend_udp(field, &c);
    else
        mend(field, &c);
}

/* ------------------------------------------------------------------ errors */

/* A quoted transport header: 8 bytes are there, the checksum perhaps. */
static void put_quoted(uint8_t *l4, uint32_t len, const struct tuple *to, struct change *c)
{
    if (to->proto == IP_ICMP) {
        put_id(l4, to);
        return;
    }
    if (to->proto != IP_TCP && to->proto != IP_UDP)
        return;
    put_ports(l4, to, c);
    if (to->proto == IP_UDP)
        mend_udp(l4 + UDP_AT_CHECKSUM, c);
    else if (len >= TCP_AT_CHECKSUM + 2)
        mend(l4 + TCP_AT_CHECKSUM, c);
}

/* Who sent the error against the flow: its end itself, or a router on the way, which stays who it is unless the
 * translation hides all that is on its side (RFC 5508 REQ-4, REQ-5). */
static struct addr error_src(struct addr src, const struct tuple *from, const struct tuple *to)
{
    const bool hidden = !addr_eq(from->dst, to->dst);
    return hidden || addr_eq(src, from->dst) ? to->dst : src;
}

bool tuple_write_error(struct pkt *k, const struct tuple *from, const struct tuple *to)
{
    struct change outer = { { 0 } }, inner = { { 0 } };
    uint8_t *icmp = pkt_l4(k);
    const uint32_t len = pkt_l4_len(k);
    const bool good = k->csum != CSUM_NONE || csum_finish(csum_add((csum_t){ 0 }, icmp, len)) == 0;
    if (!good || tuple_eq(from, to))
        return good;
    uint8_t *quote = icmp + ICMP4_HEADER;
    const uint32_t header = (quote[0] & 15u) * 4;
    put_addrs(quote, to->src, to->dst, &inner);
    put_quoted(quote + header, len - ICMP4_HEADER - header, to, &inner);
    put_addrs(pkt_net(k), error_src(ip_src(k), from, to), to->src, &outer);
    memset(icmp + ICMP_AT_CHECKSUM, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, icmp, len));
    memcpy(icmp + ICMP_AT_CHECKSUM, &sum, 2);
    k->csum = CSUM_NONE;
    return true;
}
