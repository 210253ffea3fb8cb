#include "name/auth_int.h"
#include <stdlib.h>
#include <string.h>

enum { EDNS_MAX = 1232, ALIASES = 8, QTYPE_AXFR = 252, QTYPE_FIRST = 251 };

struct request {
    struct dns_header header;
    struct dns_question question;
    bool edns, bad_version;
    uint16_t udp_max;
};

struct reply {
    const struct auth *auth;
    struct writer w;
    struct dns_header header;
    bool full;                          /* something did not fit */
};

/* --------------------------------------------------------------- request */

static bool find_opt(struct reader r, struct reader msg, struct request *q)
{
    const uint32_t count = (uint32_t)q->header.an + q->header.ns + q->header.ar;
    for (uint32_t i = 0; i < count; i++) {
        struct dns_record rr;
        if (!dns_record_read(&r, msg, &rr))
            return false;
        if (rr.type != DNS_OPT || rr.name.len != 1)
            continue;
        if (q->edns)
            return false;               /* RFC 6891 §6.1.1: one at most */
        q->edns = true;
        q->bad_version = (rr.ttl >> 16 & 0xff) != 0;
        q->udp_max = rr.klass < DNS_UDP_MAX ? DNS_UDP_MAX : rr.klass < EDNS_MAX ? rr.klass : EDNS_MAX;
    }
    return true;
}

/* The response code that the request itself earns, -1: no answer at all. */
static int read_request(const uint8_t *bytes, size_t len, struct request *q)
{
    const struct reader msg = reader_of(bytes, len);
    struct reader r = msg;
    *q = (struct request){ .udp_max = DNS_UDP_MAX };
    if (!dns_header_read(&r, &q->header) || q->header.qr)
        return -1;
    if (q->header.opcode != 0)
        return DNS_NOTIMP;
    if (q->header.qd != 1 || !dns_question_read(&r, msg, &q->question)) {
        q->header.qd = 0;
        return DNS_FORMERR;
    }
    return find_opt(r, msg, q) ? DNS_NOERROR : DNS_FORMERR;
}

/* --------------------------------------------------------------- records */

static const struct zone *zone_for(const struct auth *a, const struct dns_name *name)
{
    const struct zone *best = NULL;
    for (uint32_t i = 0; i < a->n_zones; i++)
        if (dns_name_under(name, &a->zones[i]->origin) && (!best || a->zones[i]->origin.len > best->origin.len))
            best = a->zones[i];
    return best;
}

static bool put_record(struct reply *r, const struct dns_name *owner, const struct zone_record *rr, uint32_t ttl)
{
    const struct writer before = r->w;
    dns_record_write(&r->w, owner, rr->type, DNS_IN, ttl, rr->rdata, rr->rdata_len);
    if (!r->w.bad)
        return true;
    r->w = before;
    r->full = true;
    return false;
}

/* Every record of that type at `from`, under the name `owner`. */
static void put_set(struct reply *r, const struct zone *z, const struct dns_name *from, const struct dns_name *owner, uint16_t type, uint16_t *count)
{
    for (uint32_t i = 0; i < z->count; i++)
        if ((z->at[i].type == type || type == DNS_ANY) && dns_name_eq(&z->at[i].owner, from) && put_record(r, owner, &z->at[i], z->at[i].ttl))
            ++*count;
}

/* RFC 2308 §3: the negative answer's TTL is the smaller of the SOA's own and its minimum. */
static void put_soa(struct reply *r, const struct zone *z)
{
    const struct zone_record *soa = &z->at[z->soa];
    const uint32_t minimum = load_be32(soa->rdata + soa->rdata_len - 4);
    if (put_record(r, &soa->owner, soa, minimum < soa->ttl ? minimum : soa->ttl))
        r->header.ns++;
}

static bool target_of(const struct zone_record *rr, struct dns_name *out)
{
    struct reader r = reader_of(rr->rdata, rr->rdata_len);
    const struct reader whole = r;
    return dns_name_read(&r, whole, out);
}

static void put_glue(struct reply *r, const struct zone *z, const struct dns_name *cut)
{
    struct dns_name server;
    for (uint32_t i = 0; i < z->count; i++) {
        if (z->at[i].type != DNS_NS || !dns_name_eq(&z->at[i].owner, cut) || !target_of(&z->at[i], &server))
            continue;
        put_set(r, z, &server, &server, DNS_A, &r->header.ar);
        put_set(r, z, &server, &server, DNS_AAAA, &r->header.ar);
    }
}

/* RFC 1034 §4.3.2, steps 2 to 4; aliases are followed within our own zones. */
static void put_answer(struct reply *r, struct dns_name name, uint16_t type)
{
    const struct zone *z = zone_for(r->auth, &name);
    if (!z) {
        r->header.rcode = DNS_REFUSED;
        return;
    }
    for (int links = 0; z && links < ALIASES; links++) {
        struct dns_name owner;
        const enum zone_fate fate = zone_find(z, &name, type, &owner);
        r->header.aa = links ? r->header.aa : fate != ZONE_REFERRAL;
        switch (fate) {
        case ZONE_FOUND:
            put_set(r, z, &owner, &name, type, &r->header.an);
            return;
        case ZONE_REFERRAL:
            put_set(r, z, &owner, &owner, DNS_NS, &r->header.ns);
            put_glue(r, z, &owner);
            return;
        case ZONE_NO_NAME:
            r->header.rcode = DNS_NXDOMAIN;
            put_soa(r, z);
            return;
        case ZONE_NO_DATA:
            put_soa(r, z);
            return;
        case ZONE_ALIAS:
            put_set(r, z, &owner, &name, DNS_CNAME, &r->header.an);
            for (uint32_t i = 0; i < z->count; i++)
                if (z->at[i].type == DNS_CNAME && dns_name_eq(&z->at[i].owner, &owner) && !target_of(&z->at[i], &name))
                    return;
            z = zone_for(r->auth, &name);
        }
    }
}

/* ---------------------------------------------------------------- answer */

/* What does not fit over UDP is asked again over TCP: header and question are enough (RFC 2181 §9). */
static void put_opt(struct reply *r, uint8_t extended_rcode)
{
    const struct dns_name root = { .len = 1 };
    dns_record_write(&r->w, &root, DNS_OPT, EDNS_MAX, (uint32_t)extended_rcode << 24, NULL, 0);
    r->header.ar++;
}

size_t auth_answer(const struct auth *a, const uint8_t *bytes, size_t len, uint8_t *out, size_t max, bool over_tcp)
{
    enum { OPT_LEN = 11 };
    struct request q;
    int rcode = read_request(bytes, len, &q);
    if (rcode < 0)
        return 0;
    if (!over_tcp && max > q.udp_max)
        max = q.udp_max;
    struct reply r = { .auth = a, .w = writer_of(out, q.edns ? max - OPT_LEN : max) };
    r.header = (struct dns_header){ .id = q.header.id, .qr = true, .opcode = q.header.opcode, .rd = q.header.rd, .qd = q.header.opcode ? 0 : q.header.qd,
                                    .rcode = (uint8_t)rcode };
    dns_header_write(&r.w, &r.header);
    if (r.header.qd)
        dns_question_write(&r.w, &q.question);
    const struct writer after_question = r.w;
    if (rcode == DNS_NOERROR && !q.bad_version) {
        if (q.question.klass != DNS_IN || (q.question.type >= QTYPE_FIRST && q.question.type < DNS_ANY))
            r.header.rcode = q.question.klass != DNS_IN ? DNS_REFUSED : DNS_NOTIMP;
        else
            put_answer(&r, q.question.name, q.question.type);
    }
    if (r.full) {
        r.w = after_question;
        r.header.tc = !over_tcp;
        r.header.rcode = over_tcp ? DNS_SERVFAIL : r.header.rcode;
        r.header.an = r.header.ns = r.header.ar = 0;
    }
    r.w.end = out + max;
    if (q.edns)
        put_opt(&r, q.bad_version ? 1 : 0);
    const size_t whole = wr_len(&r.w);
    r.w = writer_of(out, max);
    dns_header_write(&r.w, &r.header);
    return whole;
}

/* ---------------------------------------------------------------- zones */

struct auth *auth_new(struct net *n)
{
    struct auth *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->net = n;
    list_init(&a->conns);
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    auth_close(a);
    for (uint32_t i = 0; i < a->n_zones; i++)
        zone_free(a->zones[i]);
    free(a->zones);
    free(a);
}

bool auth_add_zone(struct auth *a, struct zone *z)
{
    struct zone **p = realloc(a->zones, (a->n_zones + 1) * sizeof *p);
    if (!p) {
        zone_free(z);
        return false;
    }
    a->zones = p;
    a->zones[a->n_zones++] = z;
    return true;
}
