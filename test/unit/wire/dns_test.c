#include "../hex.h"
#include "wire/dns.h"

/* An answer as a real server sends it: www.example.com, CNAME to example.com, A 93.184.216.34. */
static const char answer[] =
    "1234 8180 0001 0002 0000 0000"
    "03777777 076578616d706c65 03636f6d 00 0001 0001"
    "c00c 0005 0001 00000e10 0002 c010"
    "c010 0001 0001 80000001 0004 5db8d822";

static void reads_an_answer(void **state)
{
    (void)state;
    uint8_t b[128];
    struct exact e = exact(b, hex(b, sizeof b, answer));
    struct reader r = e.r;
    struct dns_header h;
    struct dns_question q;
    struct dns_record rr;
    struct dns_name target;
    struct addr a;
    char text[DNS_NAME_TEXT];
    assert_true(dns_header_read(&r, &h));
    assert_int_equal(h.id, 0x1234);
    assert_true(h.qr && h.rd && h.ra && !h.aa && !h.tc);
    assert_int_equal(h.qd, 1);
    assert_int_equal(h.an, 2);
    assert_true(dns_question_read(&r, e.r, &q));
    assert_string_equal(dns_name_text(&q.name, text), "www.example.com");
    assert_int_equal(q.type, DNS_A);
    assert_true(dns_record_read(&r, e.r, &rr));
    assert_int_equal(rr.type, DNS_CNAME);
    assert_int_equal(rr.ttl, 3600);
    assert_true(dns_record_name(&rr, e.r, &target));
    assert_string_equal(dns_name_text(&target, text), "example.com");
    assert_false(dns_record_addr(&rr, &a));
    assert_true(dns_record_read(&r, e.r, &rr));
    assert_true(dns_record_addr(&rr, &a));
    assert_int_equal(addr_v4(a), 0x5db8d822);
    assert_false(dns_record_name(&rr, e.r, &target));
    assert_int_equal(rr.ttl, 0);                            /* RFC 2181 §8: the top bit set means zero */
    assert_int_equal(rd_left(&r), 0);
    exact_free(&e);
}

static void truncated_anywhere(void **state)
{
    (void)state;
    uint8_t b[128];
    const size_t len = hex(b, sizeof b, answer);
    for (size_t cut = 0; cut < len; cut++) {
        struct exact e = exact(b, cut);
        struct reader r = e.r;
        struct dns_header h;
        struct dns_question q;
        struct dns_record rr;
        const bool whole = dns_header_read(&r, &h) && dns_question_read(&r, e.r, &q) && dns_record_read(&r, e.r, &rr) &&
                           dns_record_read(&r, e.r, &rr);
        assert_false(whole);
        exact_free(&e);
    }
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    uint8_t want[128], out[128];
    const size_t len = hex(want, sizeof want, answer);
    want[len - 10] = 0;                                     /* a TTL that can be written */
    struct writer w = writer_of(out, sizeof out);
    struct dns_question q = { .type = DNS_A, .klass = DNS_IN };
    struct dns_name target;
    assert_true(dns_name_parse("www.example.com", &q.name) && dns_name_parse("example.com", &target));
    dns_header_write(&w, &(struct dns_header){ .id = 0x1234, .qr = true, .rd = true, .ra = true, .qd = 1, .an = 2 });
    dns_question_write(&w, &q);
    dns_record_write(&w, &q.name, DNS_CNAME, DNS_IN, 3600, "\xc0\x10", 2);
    dns_record_write(&w, &target, DNS_A, DNS_IN, 1, "\x5d\xb8\xd8\x22", 4);
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), len);
    assert_memory_equal(out, want, len);
}

static void header_bits(void **state)
{
    (void)state;
    const struct dns_header h[] = { { .qr = true }, { .aa = true }, { .tc = true }, { .rd = true }, { .ra = true }, { .opcode = 15 },
                                    { .rcode = DNS_REFUSED }, { .qd = 1, .an = 2, .ns = 3, .ar = 4 } };
    for (size_t i = 0; i < sizeof h / sizeof h[0]; i++) {
        uint8_t b[DNS_HEADER];
        struct writer w = writer_of(b, sizeof b);
        dns_header_write(&w, &h[i]);
        struct reader r = reader_of(b, sizeof b);
        struct dns_header back;
        assert_true(dns_header_read(&r, &back));
        assert_int_equal(back.qr, h[i].qr);
        assert_int_equal(back.aa, h[i].aa);
        assert_int_equal(back.tc, h[i].tc);
        assert_int_equal(back.rd, h[i].rd);
        assert_int_equal(back.ra, h[i].ra);
        assert_int_equal(back.opcode, h[i].opcode);
        assert_int_equal(back.rcode, h[i].rcode);
        assert_int_equal(back.ns, h[i].ns);
        assert_int_equal(back.ar, h[i].ar);
    }
}

static void addresses_of_the_wrong_size(void **state)
{
    (void)state;
    const uint8_t bytes[17] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
    struct addr a;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        const struct dns_record v4 = { .type = DNS_A, .klass = DNS_IN, .rdata = reader_of(bytes, len) };
        const struct dns_record v6 = { .type = DNS_AAAA, .klass = DNS_IN, .rdata = reader_of(bytes, len) };
        assert_int_equal(dns_record_addr(&v4, &a), len == 4);
        assert_int_equal(dns_record_addr(&v6, &a), len == 16);
    }
    const struct dns_record chaos = { .type = DNS_A, .klass = 3, .rdata = reader_of(bytes, 4) };
    assert_false(dns_record_addr(&chaos, &a));
}

static void a_target_must_fill_its_rdata(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 'a', 0, 9 };
    const struct reader msg = reader_of(bytes, sizeof bytes);
    struct dns_name n;
    assert_true(dns_record_name(&(struct dns_record){ .type = DNS_NS, .rdata = reader_of(bytes, 3) }, msg, &n));
    assert_false(dns_record_name(&(struct dns_record){ .type = DNS_NS, .rdata = reader_of(bytes, 4) }, msg, &n));
    assert_false(dns_record_name(&(struct dns_record){ .type = DNS_NS, .rdata = reader_of(bytes, 2) }, msg, &n));
    assert_false(dns_record_name(&(struct dns_record){ .type = DNS_TXT, .rdata = reader_of(bytes, 3) }, msg, &n));
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(dns_type_text(DNS_AAAA), "AAAA");
    assert_null(dns_type_text(65280));
    assert_string_equal(dns_rcode_text(DNS_NXDOMAIN), "NXDOMAIN");
    assert_non_null(dns_rcode_text(255));
}

TESTS(reads_an_answer, truncated_anywhere, writes_what_it_reads, header_bits, addresses_of_the_wrong_size, a_target_must_fill_its_rdata, words)
