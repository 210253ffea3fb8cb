#include "wire/tcp_opt.h"

/* END, NOP and MSS are the ones every TCP knows [MUST-4]; all but the first two have a length [MUST-68]. */
enum { KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACK_PERMITTED = 4, KIND_SACK = 5, KIND_TS = 8,
       KIND_USER_TIMEOUT = 28, KIND_FAST_OPEN = 34, KIND_ACCECN0 = 172, KIND_ACCECN1 = 174 };
enum { LEN_MSS = 4, LEN_WSCALE = 3, LEN_SACK_PERMITTED = 2, LEN_TS = 10, LEN_USER_TIMEOUT = 4, LEN_SACK_BLOCK = 8, LEN_ACCECN_FIELD = 3, ROOM = 40 };

static void read_sack(struct reader *value, struct tcp_opt *out)
{
    const size_t n = rd_left(value) / LEN_SACK_BLOCK;
    if (n == 0 || n > TCP_SACK_MAX || rd_left(value) % LEN_SACK_BLOCK != 0)
        return;
    for (size_t i = 0; i < n; i++) {
        out->sack[i].from = seq(rd_u32(value));
        out->sack[i].to = seq(rd_u32(value));
    }
    out->n_sack = (uint8_t)n;
}

static uint32_t read_24(struct reader *r)
{
    const uint32_t high = rd_u8(r);
    return high << 16 | rd_u16(r);
}

/* The first of its counters are there, one kind beginning with ECT(0), the other with ECT(1). */
static void read_accecn(bool ect1_first, struct reader *value, struct tcp_opt *out)
{
    const size_t n = rd_left(value) / LEN_ACCECN_FIELD;
    if (n > 3 || rd_left(value) % LEN_ACCECN_FIELD != 0 || (ect1_first && n < 3))
        return;
    for (size_t i = 0; i < n; i++)
        out->accecn[ect1_first ? 2 - i : i] = read_24(value);
    out->n_accecn = (uint8_t)n;
}

/* Of an even length from 4 to 16, or none, which asks for one; others do not count (RFC 7413 §4.1.1). */
static void read_cookie(struct reader *value, struct tcp_opt *out)
{
    const size_t n = rd_left(value);
    if (n && (n < TCP_COOKIE_MIN || n > TCP_COOKIE_MAX || n % 2))
        return;
    out->has_cookie = true;
    out->n_cookie = (uint8_t)n;
    (void)rd_copy(value, out->cookie, n);
}

/* One option's value; `len` counts its kind and length bytes too. */
static void read_option(uint8_t kind, uint8_t len, struct reader *value, struct tcp_opt *out)
{
    if (kind == KIND_MSS && len == LEN_MSS) {
        out->has_mss = true;
        out->mss = rd_u16(value);
    } else if (kind == KIND_WSCALE && len == LEN_WSCALE) {
        out->has_wscale = true;
        out->wscale = rd_u8(value);
    } else if (kind == KIND_SACK_PERMITTED && len == LEN_SACK_PERMITTED) {
        out->sack_permitted = true;
    } else if (kind == KIND_TS && len == LEN_TS) {
        out->has_ts = true;
        out->ts_val = rd_u32(value);
        out->ts_ecr = rd_u32(value);
    } else if (kind == KIND_USER_TIMEOUT && len == LEN_USER_TIMEOUT) {
        const uint16_t v = rd_u16(value);       /* the first bit: minutes, else seconds */
        out->user_timeout_s = v & 0x8000 ? (v & 0x7fffu) * 60 : v;
    } else if (kind == KIND_FAST_OPEN) {
        read_cookie(value, out);
    } else if (kind == KIND_SACK) {
        read_sack(value, out);
    } else if (kind == KIND_ACCECN0 || kind == KIND_ACCECN1) {
        read_accecn(kind == KIND_ACCECN1, value, out);
    }
}

/* What nearly every SYN begins with, in the order of tcp_opt_write; read at once. */
enum { SYN_FORM = 20, MSS_FORM = KIND_MSS << 8 | LEN_MSS, WSCALE_FORM = KIND_NOP << 16 | KIND_WSCALE << 8 | LEN_WSCALE,
       PERMITTED_TS_FORM = KIND_SACK_PERMITTED << 24 | LEN_SACK_PERMITTED << 16 | KIND_TS << 8 | LEN_TS };

static void read_syn_form(struct reader *r, struct tcp_opt *out)
{
    const uint8_t *at = r->at;
    if (rd_left(r) < SYN_FORM || load_be16(at) != MSS_FORM || load_be32(at + 4) != PERMITTED_TS_FORM || load_be32(at + 16) >> 8 != WSCALE_FORM)
        return;
    out->has_mss = out->sack_permitted = out->has_ts = out->has_wscale = true;
    out->mss = load_be16(at + 2);
    out->ts_val = load_be32(at + 8);
    out->ts_ecr = load_be32(at + 12);
    out->wscale = at[19];
    rd_skip(r, SYN_FORM);
}

bool tcp_opt_read(struct reader *r, struct tcp_opt *out)
{
    *out = (struct tcp_opt){ 0 };
    read_syn_form(r, out);
    while (rd_left(r) > 0) {
        const uint8_t kind = rd_u8(r);
        if (kind == KIND_END)
            return true;
        if (kind == KIND_NOP)
            continue;
        const uint8_t len = rd_u8(r);
        if (r->bad || len < 2)
            return false;
        struct reader value = rd_sub(r, len - 2u);
        if (value.bad)
            return false;
        read_option(kind, len, &value, out);
    }
    return true;
}

static uint32_t word_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }

static void write_kind(struct writer *w, unsigned nops, uint8_t kind, uint8_t len)
{
    wr_fill(w, KIND_NOP, nops);
    wr_u8(w, kind);
    wr_u8(w, len);
}

static void write_sack(struct writer *w, const struct tcp_opt *o, size_t room)
{
    size_t n = room < 4 ? 0 : (room - 4) / LEN_SACK_BLOCK;
    n = n < o->n_sack ? n : o->n_sack;
    if (n == 0)
        return;
    write_kind(w, 2, KIND_SACK, (uint8_t)(2 + n * LEN_SACK_BLOCK));
    for (size_t i = 0; i < n; i++) {
        wr_u32(w, o->sack[i].from.n);
        wr_u32(w, o->sack[i].to.n);
    }
}

/* NOPs bring each group to a multiple of 4, so the header needs no padding of zeros [MUST-69]. */
void tcp_opt_write(struct writer *w, const struct tcp_opt *o)
{
    const size_t start = wr_len(w);
    if (o->has_mss)
        wr_u32(w, word_of(KIND_MSS, LEN_MSS, o->mss >> 8, o->mss & 0xffu));
    if (o->sack_permitted && !o->has_ts)
        wr_u32(w, word_of(KIND_NOP, KIND_NOP, KIND_SACK_PERMITTED, LEN_SACK_PERMITTED));
    if (o->has_ts) {
        wr_u32(w, o->sack_permitted ? PERMITTED_TS_FORM : word_of(KIND_NOP, KIND_NOP, KIND_TS, LEN_TS));
        wr_u32(w, o->ts_val);
        wr_u32(w, o->ts_ecr);
    }
    if (o->has_wscale)
        wr_u32(w, word_of(KIND_NOP, KIND_WSCALE, LEN_WSCALE, o->wscale));
    if (o->user_timeout_s) {
        const uint32_t s = o->user_timeout_s, minutes = (s + 59) / 60;
        write_kind(w, 0, KIND_USER_TIMEOUT, LEN_USER_TIMEOUT);
        wr_u16(w, (uint16_t)(s < 0x8000 ? s : 0x8000 | (minutes < 0x8000 ? minutes : 0x7fff)));
    }
    if (o->has_cookie) {
        const uint8_t len = (uint8_t)(2 + o->n_cookie);
        write_kind(w, (4u - len % 4u) % 4u, KIND_FAST_OPEN, len);
        wr_bytes(w, o->cookie, o->n_cookie);
    }
    if (o->n_accecn) {
        const uint8_t len = (uint8_t)(2 + o->n_accecn * LEN_ACCECN_FIELD);
        write_kind(w, (4u - len % 4u) % 4u, KIND_ACCECN0, len);
        for (unsigned i = 0; i < o->n_accecn; i++) {
            wr_u8(w, (uint8_t)(o->accecn[i] >> 16));
            wr_u16(w, (uint16_t)o->accecn[i]);
        }
    }
    write_sack(w, o, ROOM - (wr_len(w) - start));
}
