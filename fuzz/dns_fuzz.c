/* A DNS message read whole; its names written, compressed, and read again.
 * covers: src/wire/dns.c src/wire/dns_name.c */
#include "fuzz.h"
#include "wire/dns.h"

static uint8_t out[65536];

static void check_name(const struct dns_name *n, struct writer *w)
{
    char text[DNS_NAME_TEXT];
    struct dns_name back;
    REQUIRE(n->len >= 1 && n->b[n->len - 1] == 0);
    REQUIRE(strlen(dns_name_text(n, text)) < sizeof text);
    REQUIRE(dns_name_parse(text, &back));
    REQUIRE(back.len == n->len && memcmp(back.b, n->b, n->len) == 0);
    REQUIRE(dns_name_eq(n, &back) && dns_name_under(n, &back));

    const size_t at = wr_len(w);
    if (at > 2048)                              /* searching for an earlier name takes time */
        return;
    dns_name_write(w, n);
    REQUIRE(!w->bad);
    struct reader r = reader_of(w->start, wr_len(w));
    const struct reader msg = r;
    rd_skip(&r, at);
    REQUIRE(dns_name_read(&r, msg, &back) && rd_left(&r) == 0);
    REQUIRE(back.len == n->len && memcmp(back.b, n->b, n->len) == 0);
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    const struct reader msg = r;
    struct writer w = writer_of(out, sizeof out);
    struct dns_header h, again;
    uint8_t head[DNS_HEADER];
    if (!dns_header_read(&r, &h))
        return;
    struct writer hw = writer_of(head, sizeof head);
    dns_header_write(&hw, &h);
    struct reader hr = reader_of(head, sizeof head);
    REQUIRE(dns_header_read(&hr, &again) && again.id == h.id && again.rcode == h.rcode && again.ar == h.ar);
    dns_rcode_text(h.rcode);
    wr_fill(&w, 0, DNS_HEADER);
    for (unsigned i = 0; i < h.qd; i++) {
        struct dns_question q;
        if (!dns_question_read(&r, msg, &q))
            return;
        check_name(&q.name, &w);
        dns_type_text(q.type);
    }
    for (unsigned i = 0; i < (unsigned)h.an + h.ns + h.ar; i++) {
        struct dns_record rr;
        struct dns_name target;
        struct addr a;
        if (!dns_record_read(&r, msg, &rr))
            return;
        check_name(&rr.name, &w);
        REQUIRE(rr.ttl <= INT32_MAX);
        if (dns_record_addr(&rr, &a))
            REQUIRE(rr.type == DNS_A ? addr_is4(a) : rr.type == DNS_AAAA);
        if (dns_record_name(&rr, msg, &target))
            check_name(&target, &w);
    }
}
