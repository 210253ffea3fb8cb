#include "wire/dns.h"

enum { QR = 0x8000, AA = 0x0400, TC = 0x0200, RD = 0x0100, RA = 0x0080 };

bool dns_header_read(struct reader *r, struct dns_header *out)
{
    out->id = rd_u16(r);
    const uint16_t bits = rd_u16(r);
    out->qr = bits & QR;
    out->opcode = bits >> 11 & 15;
    out->aa = bits & AA;
    out->tc = bits & TC;
    out->rd = bits & RD;
    out->ra = bits & RA;
    out->rcode = bits & 15;
    out->qd = rd_u16(r);
    out->an = rd_u16(r);
    out->ns = rd_u16(r);
    out->ar = rd_u16(r);
    return !r->bad;
}

bool dns_question_read(struct reader *r, struct reader msg, struct dns_question *out)
{
    if (!dns_name_read(r, msg, &out->name))
        return false;
    out->type = rd_u16(r);
    out->klass = rd_u16(r);
    return !r->bad;
}

bool dns_record_read(struct reader *r, struct reader msg, struct dns_record *out)
{
    if (!dns_name_read(r, msg, &out->name))
        return false;
    out->type = rd_u16(r);
    out->klass = rd_u16(r);
    out->ttl = rd_u32(r);
    if (out->ttl > INT32_MAX)
        out->ttl = 0;                           /* RFC 2181 §8 */
    out->rdata = rd_sub(r, rd_u16(r));
    return !r->bad;
}

bool dns_record_addr(const struct dns_record *rr, struct addr *out)
{
    struct reader r = rr->rdata;
    const size_t len = rd_left(&r);
    if (rr->klass != DNS_IN)
        return false;
    if (rr->type == DNS_A && len == 4) {
        *out = addr4(rd_u32(&r));
        return true;
    }
    return rr->type == DNS_AAAA && len == 16 && rd_copy(&r, out->b, 16);
}

bool dns_record_name(const struct dns_record *rr, struct reader msg, struct dns_name *out)
{
    struct reader r = rr->rdata;
    if (rr->type != DNS_CNAME && rr->type != DNS_NS && rr->type != DNS_PTR)
        return false;
    return dns_name_read(&r, msg, out) && rd_left(&r) == 0;
}

void dns_header_write(struct writer *w, const struct dns_header *h)
{
    wr_u16(w, h->id);
    wr_u16(w, (uint16_t)((h->qr ? QR : 0) | (h->opcode & 15) << 11 | (h->aa ? AA : 0) | (h->tc ? TC : 0) |
                         (h->rd ? RD : 0) | (h->ra ? RA : 0) | (h->rcode & 15)));
    wr_u16(w, h->qd);
    wr_u16(w, h->an);
    wr_u16(w, h->ns);
    wr_u16(w, h->ar);
}

void dns_question_write(struct writer *w, const struct dns_question *q)
{
    dns_name_write(w, &q->name);
    wr_u16(w, q->type);
    wr_u16(w, q->klass);
}

void dns_record_write(struct writer *w, const struct dns_name *name, uint16_t type, uint16_t klass, uint32_t ttl,
                      const void *rdata, uint16_t rdata_len)
{
    dns_name_write(w, name);
    wr_u16(w, type);
    wr_u16(w, klass);
    wr_u32(w, ttl);
    wr_u16(w, rdata_len);
    wr_bytes(w, rdata, rdata_len);
}

const char *dns_type_text(uint16_t type)
{
    switch (type) {
    case DNS_A:     return "A";
    case DNS_NS:    return "NS";
    case DNS_CNAME: return "CNAME";
    case DNS_SOA:   return "SOA";
    case DNS_PTR:   return "PTR";
    case DNS_MX:    return "MX";
    case DNS_TXT:   return "TXT";
    case DNS_AAAA:  return "AAAA";
    case DNS_OPT:   return "OPT";
    case DNS_ANY:   return "ANY";
    default:        return NULL;
    }
}

const char *dns_rcode_text(uint8_t rcode)
{
    static const char *const text[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
                                        "NXRRSET", "NOTAUTH", "NOTZONE" };
    return rcode < sizeof text / sizeof text[0] ? text[rcode] : "RCODE?";
}
