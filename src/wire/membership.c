#include "wire/membership.h"

enum { IGMP_QUERY = 0x11, IGMP_REPORT_1 = 0x12, IGMP_REPORT_2 = 0x16, IGMP_LEAVE = 0x17, IGMP_REPORT_3 = 0x22 };
enum { MLD_QUERY = 130, MLD_REPORT_1 = 131, MLD_DONE = 132, MLD_REPORT_2 = 143 };
enum { IGMP_SHORT = 8, IGMP_QUERY_3 = 12, MLD_SHORT = 24, MLD_QUERY_2 = 28 };
enum { ROBUSTNESS = 7 };

/* RFC 9776 §4.1.1, RFC 9777 §5.1.3: from half of what the field holds on, a mantissa and an exponent. */
static uint32_t decode(uint32_t code, unsigned mantissa_bits)
{
    const uint32_t mantissa = code & ((1u << mantissa_bits) - 1), exponent = code >> mantissa_bits & 7;
    return code >> (mantissa_bits + 3) ? (mantissa | 1u << mantissa_bits) << (exponent + 3) : code;
}

static uint32_t encode(uint32_t value, unsigned mantissa_bits)
{
    unsigned exponent = 0;
    if (value < 1u << (mantissa_bits + 3))
        return value;
    while (exponent < 7 && value >> (exponent + 3) >= 2u << mantissa_bits)
        exponent++;
    const uint32_t mantissa = value >> (exponent + 3);
    const bool fits = mantissa < 2u << mantissa_bits;
    return 1u << (mantissa_bits + 3) | exponent << mantissa_bits | (fits ? mantissa & ((1u << mantissa_bits) - 1) : (1u << mantissa_bits) - 1);
}

/* IPv4-mapped is how IPv4's are held here, and nothing that MLD may say. */
static struct addr read_addr(struct reader *r, bool v4)
{
    const uint8_t *p = rd_bytes(r, v4 ? 4 : 16);
    const struct addr a = !p ? ADDR_NONE : v4 ? addr4_bytes(p) : addr6_bytes(p);
    r->bad |= !v4 && addr_is4(a);
    return a;
}

static void write_addr(struct writer *w, struct addr a) { wr_bytes(w, addr_is4(a) ? a.b + 12 : a.b, addr_is4(a) ? 4 : 16); }

static uint16_t read_sources(struct reader *r, bool v4, struct addr out[GROUP_RECORD_SOURCES])
{
    const uint16_t n = rd_u16(r);
    struct reader sources = *r;
    rd_skip(r, (size_t)n * (v4 ? 4 : 16));
    if (r->bad)
        return 0;
    for (uint16_t i = 0; i < n && i < GROUP_RECORD_SOURCES; i++)
        out[i] = read_addr(&sources, v4);
    r->bad |= sources.bad;
    return n;
}

/* What the newest queries add. */
static void read_query_tail(struct reader *r, bool v4, struct membership *out)
{
    out->version = MEMBERSHIP_3;
    out->robustness = rd_u8(r) & ROBUSTNESS;
    out->interval_s = decode(rd_u8(r), 4);
    out->n_source = read_sources(r, v4, out->source);
}

/* RFC 9776 §7.1: the version of a query is known by its length and its code. */
static void read_igmp_query(struct reader *r, uint8_t code, size_t len, struct membership *out)
{
    out->version = code ? MEMBERSHIP_2 : MEMBERSHIP_1;
    out->max_response_ms = code ? code * 100u : 10000;
    if (len < IGMP_QUERY_3) {
        r->bad |= len != IGMP_SHORT;
        return;
    }
    out->max_response_ms = decode(code, 4) * 100;
    read_query_tail(r, true, out);
}

bool igmp_read(struct reader *r, struct membership *out)
{
    const size_t len = rd_left(r);
    const uint8_t type = rd_u8(r), code = rd_u8(r);
    *out = (struct membership){ .version = MEMBERSHIP_2 };
    rd_skip(r, 2);
    if (type == IGMP_REPORT_3) {
        out->kind = MEMBERSHIP_RECORDS;
        out->version = MEMBERSHIP_3;
        rd_skip(r, 2);
        out->n_record = rd_u16(r);
        return !r->bad;
    }
    out->group = read_addr(r, true);
    if (addr_is_any(out->group))
        out->group = ADDR_NONE;
    switch (type) {
    case IGMP_QUERY:    read_igmp_query(r, code, len, out); break;
    case IGMP_REPORT_1: out->kind = MEMBERSHIP_REPORT; out->version = MEMBERSHIP_1; break;
    case IGMP_REPORT_2: out->kind = MEMBERSHIP_REPORT; break;
    case IGMP_LEAVE:    out->kind = MEMBERSHIP_LEAVE; break;
    default:            return false;
    }
    return !r->bad;
}

bool mld_read(struct reader *r, struct membership *out)
{
    const size_t len = rd_left(r);
    const uint8_t type = rd_u8(r);
    *out = (struct membership){ .version = MEMBERSHIP_2 };
    rd_skip(r, 3);
    if (type == MLD_REPORT_2) {
        out->kind = MEMBERSHIP_RECORDS;
        out->version = MEMBERSHIP_3;
        rd_skip(r, 2);
        out->n_record = rd_u16(r);
        return !r->bad;
    }
    const uint16_t code = rd_u16(r);
    rd_skip(r, 2);
    out->group = read_addr(r, false);
    out->max_response_ms = type == MLD_QUERY ? code : 0;
    if (type == MLD_QUERY && len >= MLD_QUERY_2) {
        out->max_response_ms = decode(code, 12);
        read_query_tail(r, false, out);
    } else if (type == MLD_QUERY) {
        r->bad |= len != MLD_SHORT;
    }
    out->kind = type == MLD_QUERY ? MEMBERSHIP_QUERY : type == MLD_REPORT_1 ? MEMBERSHIP_REPORT : MEMBERSHIP_LEAVE;
    return !r->bad && (type == MLD_QUERY || type == MLD_REPORT_1 || type == MLD_DONE);
}

bool group_record_read(struct reader *r, bool v4, struct group_record *out)
{
    const uint8_t type = rd_u8(r), aux_words = rd_u8(r);
    struct reader count = rd_sub(r, 2);
    out->group = read_addr(r, v4);
    out->type = (enum group_record_type)type;
    const uint16_t n = rd_u16(&count);
    for (uint16_t i = 0; i < n && !r->bad; i++) {
        const struct addr a = read_addr(r, v4);
        if (i < GROUP_RECORD_SOURCES)
            out->source[i] = a;
    }
    out->n_source = n;
    rd_skip(r, aux_words * 4u);
    return !r->bad;
}

/* --------------------------------------------------------------- writing */

static void write_query_tail(struct writer *w, const struct membership *m)
{
    if (m->version != MEMBERSHIP_3)
        return;
    wr_u8(w, m->robustness & ROBUSTNESS);
    wr_u8(w, (uint8_t)encode(m->interval_s, 4));
    wr_u16(w, m->n_source);
    for (uint16_t i = 0; i < m->n_source; i++)
        write_addr(w, m->source[i]);
}

void igmp_write(struct writer *w, const struct membership *m)
{
    const uint32_t tenths = m->max_response_ms / 100;
    const bool query = m->kind == MEMBERSHIP_QUERY;
    wr_u8(w, query ? IGMP_QUERY : m->kind == MEMBERSHIP_LEAVE ? IGMP_LEAVE : m->version == MEMBERSHIP_1 ? IGMP_REPORT_1 : IGMP_REPORT_2);
    wr_u8(w, (uint8_t)(!query || m->version == MEMBERSHIP_1 ? 0 : m->version == MEMBERSHIP_3 ? encode(tenths, 4) : tenths));
    wr_u16(w, 0);
    write_addr(w, addr_is_none(m->group) ? addr4(0) : m->group);
    if (query)
        write_query_tail(w, m);
}

void mld_write(struct writer *w, const struct membership *m)
{
    const bool query = m->kind == MEMBERSHIP_QUERY;
    wr_u8(w, query ? MLD_QUERY : m->kind == MEMBERSHIP_LEAVE ? MLD_DONE : MLD_REPORT_1);
    wr_u8(w, 0);
    wr_u16(w, 0);
    wr_u16(w, (uint16_t)(!query ? 0 : m->version == MEMBERSHIP_3 ? encode(m->max_response_ms, 12) : m->max_response_ms));
    wr_u16(w, 0);
    write_addr(w, m->group);
    if (query)
        write_query_tail(w, m);
}

static void write_records_head(struct writer *w, uint8_t type, uint16_t n)
{
    wr_u8(w, type);
    wr_u8(w, 0);
    wr_u16(w, 0);
    wr_u16(w, 0);
    wr_u16(w, n);
}

void igmp_records_write(struct writer *w, uint16_t n) { write_records_head(w, IGMP_REPORT_3, n); }
void mld_records_write(struct writer *w, uint16_t n)  { write_records_head(w, MLD_REPORT_2, n); }

void group_record_write(struct writer *w, const struct group_record *rec)
{
    wr_u8(w, (uint8_t)rec->type);
    wr_u8(w, 0);
    wr_u16(w, rec->n_source);
    write_addr(w, rec->group);
    for (uint16_t i = 0; i < rec->n_source; i++)
        write_addr(w, rec->source[i]);
}
