/* Packets of a script: built to go in, compared when they come out. */
#include "base/checksum.h"
#include "sim/script_int.h"
#include "wire/icmp.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include <stdio.h>

static uint32_t live_ts(const struct script_link *l, uint32_t script_ts)
{
    return script_ts && l->know_ts ? l->ts_live + (script_ts - l->ts_script) : script_ts;
}

static void write_segment(struct writer *w, const struct script_link *l, const struct script_seg *s)
{
    uint8_t options[40];
    struct writer ow = writer_of(options, sizeof options);
    struct tcp_opt o = s->opt;
    o.ts_ecr = live_ts(l, o.ts_ecr);
    for (unsigned i = 0; i < o.n_sack; i++)
        o.sack[i] = (struct tcp_sack){ seq_add(l->local_isn, o.sack[i].from.n), seq_add(l->local_isn, o.sack[i].to.n) };
    if (s->bad_opt) {
        wr_u8(&ow, 2);                  /* an MSS option that claims no length */
        wr_u8(&ow, 0);
        wr_u16(&ow, 0);
    } else {
        tcp_opt_write(&ow, &o);
    }
    const struct tcp_header h = {
        .src_port = l->remote_port, .dst_port = l->local_port, .seq = seq(s->seq), .flags = s->flags, .ae = s->ae,
        .ack = s->has_ack ? seq_add(l->local_isn, s->ack) : seq(0), .window = s->has_win ? s->win : 0,
        .urgent = s->urg, .header_len = (uint8_t)(TCP_HEADER + wr_len(&ow)) };
    tcp_header_write(w, &h);
    if (s->bad_offset)
        w->start[12] = 4 << 4;
    wr_bytes(w, options, wr_len(&ow));
    const uint32_t first = s->seq + !!(s->flags & SYN) - l->remote_isn.n;
    for (uint32_t i = 0; i < s->len; i++)
        wr_u8(w, script_byte(first + i));
}

/* The quoted packet is one of ours: IP header and the first 8 bytes of TCP. */
static void write_icmp(struct writer *w, const struct script_link *l, const struct script_seg *s)
{
    uint8_t quote[IP4_HEADER + 8];
    struct writer q = writer_of(quote, sizeof quote);
    const struct ip4 ip = { .src = l->local, .dst = l->remote, .proto = IP_TCP, .ttl = 64, .total_len = (uint16_t)(IP4_HEADER + TCP_HEADER + s->len) };
    ip4_write(&q, &ip);
    wr_u16(&q, l->local_port);
    wr_u16(&q, l->remote_port);
    wr_u32(&q, l->local_isn.n + s->seq);
    const struct icmp4 m = { .type = (uint8_t)s->icmp_type, .code = (uint8_t)s->icmp_code, .mtu = s->mtu };
    icmp4_write(w, &m, quote, wr_len(&q));
}

/* Scripts speak of ICMP in IPv4's words. */
static struct icmp_kind kind6(const struct script_seg *s)
{
    return icmp6_kind(icmp4_trouble((struct icmp_kind){ (uint8_t)s->icmp_type, (uint8_t)s->icmp_code }));
}

static void write_icmp6(struct writer *w, const struct script_link *l, const struct script_seg *s)
{
    uint8_t quote[IP6_HEADER + 8];
    struct writer q = writer_of(quote, sizeof quote);
    const struct icmp_kind kind = kind6(s);
    ip6_write(&q, &(struct ip6){ .src = l->local, .dst = l->remote, .next = IP_TCP, .hop_limit = 64, .payload_len = (uint16_t)(TCP_HEADER + s->len) });
    wr_u16(&q, l->local_port);
    wr_u16(&q, l->remote_port);
    wr_u32(&q, l->local_isn.n + s->seq);
    const uint32_t mtu = s->mtu ? s->mtu + (uint32_t)SCRIPT_IP6_MORE : 0;
    icmp6_write(w, &(struct icmp6){ .type = kind.type, .code = kind.code, .word = mtu }, quote, wr_len(&q));
}

/* The checksum of TCP or ICMPv6, of `len` bytes; `break_it` gives another. */
static void put_sum(uint8_t *l4, size_t len, unsigned at, csum_t pseudo, bool break_it)
{
    const uint16_t sum = (uint16_t)(csum_finish(csum_add(pseudo, l4, len)) ^ (break_it ? 1 : 0));
    memcpy(l4 + at, &sum, 2);
}

struct pkt *script_build(const struct script_link *l, const struct script_seg *s, struct pkt_pools *pools)
{
    const bool v4 = addr_is4(l->local), icmp = s->icmp_type >= 0;
    const uint32_t header = v4 ? IP4_HEADER : IP6_HEADER;
    const uint8_t proto = !icmp ? IP_TCP : v4 ? IP_ICMP : IP_ICMP6, ttl = s->ttl ? s->ttl : 255;
    struct pkt *k = pkt_new(pools, header + TCP_HEADER_MAX + s->len + 64);
    if (!k)
        return NULL;
    const struct addr src = addr_is_none(s->src) ? l->remote : s->src, dst = addr_is_none(s->dst) ? l->local : s->dst;
    uint8_t *head = pkt_head(k);
    struct writer w = writer_of(head + header, pkt_tailroom(k) - header);
    if (!icmp)
        write_segment(&w, l, s);
    else if (v4)
        write_icmp(&w, l, s);
    else
        write_icmp6(&w, l, s);
    const size_t l4 = wr_len(&w);
    if (proto != IP_ICMP)
        put_sum(head + header, l4, icmp ? ICMP6_CHECKSUM_AT : 16, csum_pseudo(src, dst, proto, (uint32_t)l4), s->bad_csum);
    struct writer iw = writer_of(head, header);
    if (v4)
        ip4_write(&iw, &(struct ip4){ .src = src, .dst = dst, .proto = proto, .ttl = ttl, .tos = s->tos, .total_len = (uint16_t)(header + l4) });
    else
        ip6_write(&iw, &(struct ip6){ .src = src, .dst = dst, .next = proto, .hop_limit = ttl, .traffic_class = s->tos, .payload_len = (uint16_t)l4 });
    k->len = (uint32_t)(header + l4);
    return k;
}

static const char *flags_text(uint8_t flags, char out[10])
{
    static const char names[] = "FSRP.UEW";
    char *p = out;
    for (int i = 0; i < 8; i++)
        if (flags & 1 << i)
            *p++ = names[i];
    if (p == out)
        *p++ = '-';
    *p = '\0';
    return out;
}

static bool same_sack(const struct tcp_opt *want, const struct tcp_opt *got)
{
    for (unsigned i = 0; i < want->n_sack; i++)
        if (!seq_eq(want->sack[i].from, got->sack[i].from) || !seq_eq(want->sack[i].to, got->sack[i].to))
            return false;
    return want->n_sack == got->n_sack;
}

static bool sack_error(const struct tcp_opt *want, const struct tcp_opt *got, char error[SCRIPT_ERROR])
{
    int at = snprintf(error, SCRIPT_ERROR, "other SACK blocks wanted:");
    for (unsigned both = 0; both < 2; both++) {
        const struct tcp_opt *o = both ? got : want;
        for (unsigned i = 0; i < o->n_sack; i++)
            at += snprintf(error + at, (size_t)(SCRIPT_ERROR - at), " %u:%u", o->sack[i].from.n, o->sack[i].to.n);
        at += snprintf(error + at, (size_t)(SCRIPT_ERROR - at), both ? "" : "; sent:");
    }
    return false;
}

static bool cookie_error(const struct tcp_opt *got, char error[SCRIPT_ERROR])
{
    int at = snprintf(error, SCRIPT_ERROR, "another cookie wanted; sent:%s", got->has_cookie ? " FO " : " none");
    for (unsigned i = 0; i < got->n_cookie; i++)
        at += snprintf(error + at, (size_t)(SCRIPT_ERROR - at), "%02x", got->cookie[i]);
    return false;
}

static bool same_options(struct script_link *l, const struct tcp_opt *want, const struct tcp_opt *got, char error[SCRIPT_ERROR])
{
    if (want->has_mss != got->has_mss || want->mss != got->mss)
        return snprintf(error, SCRIPT_ERROR, "mss %d wanted, %d sent", want->has_mss ? want->mss : -1, got->has_mss ? got->mss : -1), false;
    if (want->has_wscale != got->has_wscale || want->wscale != got->wscale)
        return snprintf(error, SCRIPT_ERROR, "wscale %d wanted, %d sent", want->has_wscale ? want->wscale : -1, got->has_wscale ? got->wscale : -1), false;
    if (want->sack_permitted != got->sack_permitted)
        return snprintf(error, SCRIPT_ERROR, "sackOK %swanted", want->sack_permitted ? "" : "not "), false;
    if (want->n_accecn != got->n_accecn || memcmp(want->accecn, got->accecn, sizeof want->accecn) != 0)
        return snprintf(error, SCRIPT_ERROR, "accecn with %u counters wanted, %u sent: %u %u %u", want->n_accecn, got->n_accecn, got->accecn[0],
                        got->accecn[1], got->accecn[2]), false;
    if (!same_sack(want, got))
        return sack_error(want, got, error);
    if (want->has_cookie != got->has_cookie || want->n_cookie != got->n_cookie || memcmp(want->cookie, got->cookie, got->n_cookie) != 0)
        return cookie_error(got, error);
    if (want->user_timeout_s != got->user_timeout_s)
        return snprintf(error, SCRIPT_ERROR, "uto %u wanted, %u sent", want->user_timeout_s, got->user_timeout_s), false;
    if (want->has_ts != got->has_ts)
        return snprintf(error, SCRIPT_ERROR, "a time stamp option is %swanted", want->has_ts ? "" : "not "), false;
    if (!want->has_ts)
        return true;
    if (want->ts_ecr != got->ts_ecr)
        return snprintf(error, SCRIPT_ERROR, "ecr %u wanted, %u sent", want->ts_ecr, got->ts_ecr), false;
    const int32_t off = (int32_t)(got->ts_val - live_ts(l, want->ts_val));
    if (l->know_ts && (off > 4 || off < -4))
        return snprintf(error, SCRIPT_ERROR, "TS val %u wanted, %u sent", want->ts_val, got->ts_val - l->ts_live + l->ts_script), false;
    if (!l->know_ts) {
        l->know_ts = true;
        l->ts_live = got->ts_val;
        l->ts_script = want->ts_val;
    }
    return true;
}

static bool same_segment(struct script_link *l, const struct script_seg *want, const struct tcp_header *h, struct reader data, char error[SCRIPT_ERROR])
{
    char a[10], b[10];
    const uint32_t len = (uint32_t)rd_left(&data), at = h->seq.n - l->local_isn.n, ack = h->ack.n;
    if ((h->flags != want->flags) || h->ae != want->ae || at != want->seq || len != want->len || (want->has_ack && ack != want->ack)) {
        snprintf(error, SCRIPT_ERROR, "wanted %s %u:%u(%u) ack %u, sent %s %u:%u(%u) ack %u win %u", flags_text(want->flags, a), want->seq,
                 want->seq + want->len, want->len, want->ack, flags_text(h->flags, b), at, at + len, len, ack, h->window);
        return false;
    }
    if (want->has_win && h->window != want->win)
        return snprintf(error, SCRIPT_ERROR, "win %u wanted, %u sent", want->win, h->window), false;
    if (want->has_urg && h->urgent != want->urg)
        return snprintf(error, SCRIPT_ERROR, "urg %u wanted, %u sent", want->urg, h->urgent), false;
    for (uint32_t i = 0; i < len; i++)
        if (rd_u8(&data) != script_byte(at + !!(h->flags & SYN) + i))
            return snprintf(error, SCRIPT_ERROR, "the byte at %u is not the one that was written", at + i), false;
    return true;
}

/* What the IP header of a packet that left says; `r` stands behind it. */
struct left { struct addr src, dst; uint8_t proto, tos, ttl; };

static bool read_left(struct reader *r, bool v4, struct left *out)
{
    const size_t len = rd_left(r);
    struct ip4 ip;
    struct ip6 h;
    if (v4) {
        if (ip4_read(r, &ip) != WHY_NONE || ip.total_len != len)
            return false;
        *out = (struct left){ ip.src, ip.dst, ip.proto, ip.tos, ip.ttl };
        return true;
    }
    if (ip6_read(r, &h) != WHY_NONE || (size_t)h.payload_len + IP6_HEADER != len)
        return false;
    *out = (struct left){ h.src, h.dst, h.next, h.traffic_class, h.hop_limit };
    return true;
}

static bool match_icmp(const struct script_seg *want, struct reader *r, const struct left *ip, bool v4, char error[SCRIPT_ERROR])
{
    struct icmp4 m;
    struct icmp6 h;
    const struct icmp_kind kind = kind6(want);
    if (v4 ? ip->proto == IP_ICMP && icmp4_read(r, &m) && m.type == want->icmp_type && m.code == want->icmp_code
           : ip->proto == IP_ICMP6 && icmp6_read(r, &h) && h.type == kind.type && h.code == kind.code)
        return true;
    return snprintf(error, SCRIPT_ERROR, "an ICMP message of type %d code %d was wanted", v4 ? want->icmp_type : kind.type,
                    v4 ? want->icmp_code : kind.code), false;
}

bool script_match(struct script_link *l, const struct script_seg *want, const uint8_t *packet, uint32_t len, char error[SCRIPT_ERROR])
{
    struct reader r = reader_of(packet, len);
    const bool v4 = addr_is4(l->local);
    struct left ip;
    struct tcp_header h;
    struct tcp_opt o;
    if (!read_left(&r, v4, &ip))
        return snprintf(error, SCRIPT_ERROR, "what was sent is not an %s packet", v4 ? "IPv4" : "IPv6"), false;
    if (want->icmp_type >= 0)
        return match_icmp(want, &r, &ip, v4, error);
    const size_t l4 = rd_left(&r);
    const csum_t sum = csum_add(csum_pseudo(ip.src, ip.dst, IP_TCP, (uint32_t)l4), r.at, l4);
    if (ip.proto != IP_TCP || csum_finish(sum) != 0 || !tcp_header_read(&r, &h))
        return snprintf(error, SCRIPT_ERROR, "what was sent is not a TCP segment with a right checksum"), false;
    struct reader options = rd_sub(&r, h.header_len - TCP_HEADER);
    if (!tcp_opt_read(&options, &o))
        return snprintf(error, SCRIPT_ERROR, "the options sent are malformed"), false;
    if (!l->know_local && h.flags & SYN) {
        l->know_local = true;
        l->local_isn = h.seq;
        l->local_port = h.src_port;
    }
    if ((want->has_tos && want->tos != ip.tos) || (want->ttl && want->ttl != ip.ttl))
        return snprintf(error, SCRIPT_ERROR, "tos %u ttl %u wanted, %u and %u sent", want->tos, want->ttl, ip.tos, ip.ttl), false;
    if (!same_segment(l, want, &h, r, error))
        return false;
    return want->any_opt || same_options(l, &want->opt, &o, error);
}
