#include "name/answer.h"

/* The records of the answer section from `r` on, matched against the end of the chain so
 * far: owners off the chain are none of the question's business. */
static bool find_alias(struct reader r, struct reader msg, uint16_t count, struct answer *a)
{
    for (uint16_t i = 0; i < count; i++) {
        struct dns_record rr;
        struct dns_name to;
        if (!dns_record_read(&r, msg, &rr))
            return false;
        if (rr.type == DNS_CNAME && rr.klass == DNS_IN && dns_name_eq(&rr.name, &a->target) && dns_record_name(&rr, msg, &to)) {
            a->target = to;
            return true;
        }
    }
    return false;
}

static bool read_all(struct reader r, struct reader msg, uint32_t count)
{
    struct dns_record rr;
    for (uint32_t i = 0; i < count; i++)
        if (!dns_record_read(&r, msg, &rr))
            return false;
    return true;
}

static void collect(struct reader r, struct reader msg, uint16_t type, struct answer *a)
{
    for (uint16_t i = 0; i < a->header.an && a->n_addrs < ANSWER_ADDRS; i++) {
        struct dns_record rr;
        if (!dns_record_read(&r, msg, &rr))
            return;
        if (rr.type == type && dns_name_eq(&rr.name, &a->target) && dns_record_addr(&rr, &a->addrs[a->n_addrs]))
            a->n_addrs++;
    }
}

static bool find_pointer(struct reader r, struct reader msg, struct answer *a)
{
    struct dns_record rr;
    for (uint16_t i = 0; i < a->header.an && dns_record_read(&r, msg, &rr); i++)
        if (rr.type == DNS_PTR && rr.klass == DNS_IN && dns_name_eq(&rr.name, &a->target) && dns_record_name(&rr, msg, &a->pointer))
            return true;
    return false;
}

/* An SOA in the authority section: the server itself knows that there is no more (RFC 2308 §2.2). */
static bool has_soa(struct reader r, struct reader msg, const struct dns_header *h)
{
    for (uint32_t i = 0; i < (uint32_t)h->an + h->ns; i++) {
        struct dns_record rr;
        if (!dns_record_read(&r, msg, &rr))
            return false;
        if (i >= h->an && rr.type == DNS_SOA)
            return true;
    }
    return false;
}

enum answer_fate answer_judge(const uint8_t *bytes, size_t len, uint16_t id, const struct dns_question *q, struct answer *a)
{
    const struct reader msg = reader_of(bytes, len);
    struct reader r = msg;
    struct dns_question asked;
    *a = (struct answer){ .target = q->name };
    const struct dns_header *h = &a->header;
    if (!dns_header_read(&r, &a->header) || !h->qr || h->id != id || h->opcode != 0)
        return ANSWER_NOT_OURS;
    if (h->qd == 0 && h->rcode != DNS_NOERROR && h->rcode != DNS_NXDOMAIN)
        return ANSWER_FAILED;           /* some servers refuse without the question */
    if (h->qd != 1 || !dns_question_read(&r, msg, &asked))
        return ANSWER_NOT_OURS;
    if (!dns_name_eq(&asked.name, &q->name) || asked.type != q->type || asked.klass != q->klass)
        return ANSWER_NOT_OURS;
    if (h->tc)
        return ANSWER_TRUNCATED;
    if (h->rcode != DNS_NOERROR && h->rcode != DNS_NXDOMAIN)
        return ANSWER_FAILED;
    if (!read_all(r, msg, h->an))
        return ANSWER_NOT_OURS;
    int links = 0;
    while (find_alias(r, msg, h->an, a))
        if (++links > ANSWER_CHAIN)
            return ANSWER_LOOP;
    if (h->rcode == DNS_NXDOMAIN)
        return ANSWER_NO_NAME;          /* of the chain's end (RFC 6604 §2.1) */
    collect(r, msg, q->type, a);
    if (a->n_addrs)
        return ANSWER_ADDRESSES;
    if (q->type == DNS_PTR && find_pointer(r, msg, a))
        return ANSWER_POINTER;
    return links && !has_soa(r, msg, h) ? ANSWER_ALIAS : ANSWER_NO_DATA;
}
