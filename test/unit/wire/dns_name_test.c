#include "../hex.h"
#include "wire/dns.h"

static struct dns_name name_of(const char *text)
{
    struct dns_name n;
    if (!dns_name_parse(text, &n))
        fail_msg("%s was refused", text);
    return n;
}

static void text_both_ways(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } good[] = {
        { "www.shop.test", "www.shop.test" }, { "www.shop.test.", "www.shop.test" }, { ".", "." }, { "a", "a" },
        { "Mixed.Case", "Mixed.Case" }, { "a\\.b.c", "a\\.b.c" }, { "a\\\\b", "a\\\\b" }, { "\\032x", "\\032x" },
        { "\\065", "A" }, { "x\\255", "x\\255" }, { "\\c", "c" }, { "1.0.0.127.in-addr.arpa", "1.0.0.127.in-addr.arpa" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct dns_name n = name_of(good[i].in);
        char out[DNS_NAME_TEXT];
        assert_string_equal(dns_name_text(&n, out), good[i].out);
    }
    static const char *const bad[] = { "", "..", ".a", "a..b", "a..", "\\", "\\25", "\\256", "\\999", "a.\\1",
        "0123456789012345678901234567890123456789012345678901234567890123", "a\\" };
    struct dns_name n;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (dns_name_parse(bad[i], &n))
            fail_msg("%s was taken for a name", bad[i]);
}

static void limits(void **state)
{
    (void)state;
    char text[300], out[DNS_NAME_TEXT];
    struct dns_name n;
    memset(text, 'a', sizeof text);
    text[63] = text[127] = text[191] = '.';
    text[253] = '\0';                               /* 63.63.63.61: 255 bytes on the wire */
    assert_true(dns_name_parse(text, &n));
    assert_int_equal(n.len, 255);
    assert_string_equal(dns_name_text(&n, out), text);
    text[253] = 'a';
    text[254] = '\0';
    assert_false(dns_name_parse(text, &n));
    n.len = 255;                                    /* the longest text: every byte escaped */
    for (int i = 0; i < 255; i++)
        n.b[i] = i % 64 == 0 ? 63 : 1;
    n.b[192] = 61;
    n.b[254] = 0;
    assert_int_equal(strlen(dns_name_text(&n, out)), 250 * 4 + 3);
}

static void comparing(void **state)
{
    (void)state;
    const struct dns_name a = name_of("www.SHOP.test"), b = name_of("WWW.shop.TEST"), zone = name_of("shop.test"),
                          other = name_of("wwwshop.test"), root = name_of("."), at = name_of("@.shop.test"), tick = name_of("`.shop.test");
    assert_true(dns_name_eq(&a, &b));
    assert_false(dns_name_eq(&a, &zone));
    assert_false(dns_name_eq(&at, &tick));          /* only letters have two cases */
    assert_true(dns_name_under(&a, &zone));
    assert_true(dns_name_under(&zone, &zone));
    assert_true(dns_name_under(&a, &root));
    assert_false(dns_name_under(&zone, &a));
    assert_false(dns_name_under(&other, &zone));
    const struct dns_name inside = name_of("x\\004shop\\004test");      /* a label that holds the zone's bytes */
    assert_false(dns_name_under(&inside, &zone));
}

static bool read_at(const char *text, size_t offset, struct dns_name *n)
{
    uint8_t b[600];
    struct exact e = exact(b, hex(b, sizeof b, text));
    struct reader r = e.r;
    rd_skip(&r, offset);
    const bool ok = !r.bad && dns_name_read(&r, e.r, n);
    exact_free(&e);
    return ok;
}

/* RFC 1035 §4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92. */
static void the_standards_example(void **state)
{
    (void)state;
    uint8_t msg[93] = { 0 };
    hex(msg + 20, 12, "01 46 03 495349 04 41525041 00");
    hex(msg + 40, 6, "03 464f4f c014");
    hex(msg + 64, 2, "c01a");
    static const struct { size_t at, end; const char *text; } want[] = {
        { 20, 32, "F.ISI.ARPA" }, { 40, 46, "FOO.F.ISI.ARPA" }, { 64, 66, "ARPA" }, { 92, 93, "." } };
    for (size_t i = 0; i < 4; i++) {
        struct reader r = reader_of(msg, sizeof msg);
        struct dns_name n;
        char out[DNS_NAME_TEXT];
        rd_skip(&r, want[i].at);
        assert_true(dns_name_read(&r, reader_of(msg, sizeof msg), &n));
        assert_string_equal(dns_name_text(&n, out), want[i].text);
        assert_int_equal(r.at - msg, want[i].end);
    }
}

static void refused(void **state)
{
    (void)state;
    struct dns_name n;
    assert_false(read_at("c000", 0, &n));                       /* to itself */
    assert_false(read_at("c002 c000", 0, &n));                  /* forward */
    assert_false(read_at("c002 c000", 2, &n));                  /* a loop of two: 0 leads forward */
    assert_false(read_at("0161 c000", 0, &n));                  /* into its own labels */
    assert_false(read_at("0161 00 c0ff", 3, &n));               /* beyond the message */
    assert_false(read_at("0161 00 c0", 3, &n));                 /* half a pointer */
    assert_false(read_at("0161", 0, &n));                       /* no end */
    assert_false(read_at("0561 00", 0, &n));                    /* label over the end */
    assert_false(read_at("4061 00", 0, &n));                    /* the reserved label types */
    assert_false(read_at("8061 00", 0, &n));
    assert_false(read_at("", 0, &n));
    assert_true(read_at("0161 00 0162 c000", 3, &n));
    assert_true(read_at("00 c000", 1, &n));
    assert_int_equal(n.len, 1);
}

static void a_chain_of_pointers_stays_in_255_bytes(void **state)
{
    (void)state;
    /* each step puts one label of 3 before the one before it */
    uint8_t msg[6 * 100];
    struct writer w = writer_of(msg, sizeof msg);
    wr_u8(&w, 0);
    size_t last = 0;
    int good = 0;
    for (int i = 0; i < 90; i++) {
        const size_t here = wr_len(&w);
        wr_u8(&w, 3);
        wr_text(&w, "abc");
        wr_u16(&w, (uint16_t)(0xc000 | last));
        struct reader r = reader_of(msg, wr_len(&w));
        const struct reader all = r;
        struct dns_name n;
        rd_skip(&r, here);
        if (dns_name_read(&r, all, &n)) {
            good++;
            assert_int_equal(n.len, 1 + 4 * (i + 1));
        }
        last = here;
    }
    assert_int_equal(good, 63);                                 /* 63 * 4 + 1 = 253 */
}

static void writing_compresses(void **state)
{
    (void)state;
    uint8_t msg[256];
    struct writer w = writer_of(msg, sizeof msg);
    const struct dns_name www = name_of("www.shop.test"), shop = name_of("shop.test"), mail = name_of("mail.shop.test"),
                          upper = name_of("WWW.shop.test"), root = name_of(".");
    wr_fill(&w, 0, DNS_HEADER);
    dns_name_write(&w, &www);
    assert_int_equal(wr_len(&w), 12 + 15);
    dns_name_write(&w, &www);
    assert_int_equal(wr_len(&w), 27 + 2);
    dns_name_write(&w, &mail);
    assert_int_equal(wr_len(&w), 29 + 7);
    dns_name_write(&w, &shop);
    assert_int_equal(wr_len(&w), 36 + 2);
    dns_name_write(&w, &upper);                                 /* letters stay as they were given */
    assert_int_equal(wr_len(&w), 38 + 6);
    dns_name_write(&w, &root);
    assert_int_equal(wr_len(&w), 45);
    assert_false(w.bad);
    const struct dns_name *const want[] = { &www, &www, &mail, &shop, &upper, &root };
    struct reader r = reader_of(msg, wr_len(&w));
    const struct reader all = r;
    rd_skip(&r, DNS_HEADER);
    for (size_t i = 0; i < 6; i++) {
        struct dns_name n;
        assert_true(dns_name_read(&r, all, &n));
        assert_int_equal(n.len, want[i]->len);
        assert_memory_equal(n.b, want[i]->b, n.len);
    }
    assert_int_equal(rd_left(&r), 0);
}

/* A label that holds the bytes of the rest of its own name is no place to point to. */
static void no_pointer_into_the_name_itself(void **state)
{
    (void)state;
    uint8_t msg[64];
    struct writer w = writer_of(msg, sizeof msg);
    const struct dns_name n = name_of("\\001a\\000.a");
    struct dns_name back;
    wr_fill(&w, 0, DNS_HEADER);
    dns_name_write(&w, &n);
    struct reader r = reader_of(msg, wr_len(&w));
    const struct reader all = r;
    rd_skip(&r, DNS_HEADER);
    assert_true(dns_name_read(&r, all, &back));
    assert_true(dns_name_eq(&n, &back));
}

static void writing_without_room(void **state)
{
    (void)state;
    const struct dns_name n = name_of("www.shop.test");
    for (size_t room = 0; room < n.len; room++) {
        uint8_t b[DNS_HEADER + 16];
        struct writer w = writer_of(b, DNS_HEADER + room);
        wr_fill(&w, 0, DNS_HEADER);
        dns_name_write(&w, &n);
        assert_true(w.bad);
    }
}

TESTS(text_both_ways, limits, comparing, the_standards_example, refused, a_chain_of_pointers_stays_in_255_bytes, writing_compresses,
      no_pointer_into_the_name_itself, writing_without_room)
