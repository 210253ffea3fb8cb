#include "../test.h"
#include "name/auth.h"
#include "name/zone.h"
#include <stdio.h>

static const char zone_text[] =
    "$ORIGIN shop.test.\n"
    "$TTL 1h\n"
    "; the start of authority goes over lines\n"
    "@   IN SOA ns1 hostmaster.shop.test. (\n"
    "        2026010100 ; serial\n"
    "        1d 2h\n"
    "        4w 5m )\n"
    "    NS  ns1\n"
    "    NS  ns2.other.test.\n"
    "    MX  10 mail\n"
    "ns1 A   10.0.0.53\n"
    "www 300 IN A 10.0.0.80\n"
    "    IN 300 AAAA 2001:db8::80\n"
    "web CNAME www\n"
    "out CNAME www.other.test.\n"
    "a   CNAME b\n"
    "b   CNAME a\n"
    "txt TXT \"two words\" one \"a;b\\\"c\\065\"\n"
    "*.wild A 10.0.0.9\n"
    "deep.er.x A 10.0.0.7\n"
    "sub NS ns.sub\n"
    "ns.sub A 10.0.0.54\n"
    "mail A 10.0.0.25\n"
    "$ORIGIN more\n"
    "many A 10.1.0.1\n"
    "9.0.0.10.in-addr.arpa.shop.test. PTR www.shop.test.\n";

static struct zone *zone(void)
{
    char error[ZONE_ERROR];
    struct zone *z = zone_parse(zone_text, "shop.test", error);
    if (!z)
        fail_msg("%s", error);
    return z;
}

static enum zone_fate find(struct zone *z, const char *name, uint16_t type, const char *owner)
{
    struct dns_name n, at;
    char text[DNS_NAME_TEXT];
    assert_true(dns_name_parse(name, &n));
    const enum zone_fate f = zone_find(z, &n, type, &at);
    if (owner)
        assert_string_equal(dns_name_text(&at, text), owner);
    return f;
}

static void finds(void **state)
{
    (void)state;
    struct zone *z = zone();
    assert_int_equal(find(z, "www.shop.test", DNS_A, "www.shop.test"), ZONE_FOUND);
    assert_int_equal(find(z, "WWW.SHOP.TEST", DNS_AAAA, NULL), ZONE_FOUND);
    assert_int_equal(find(z, "www.shop.test", DNS_MX, NULL), ZONE_NO_DATA);
    assert_int_equal(find(z, "none.shop.test", DNS_A, NULL), ZONE_NO_NAME);
    assert_int_equal(find(z, "web.shop.test", DNS_A, NULL), ZONE_ALIAS);
    assert_int_equal(find(z, "web.shop.test", DNS_CNAME, NULL), ZONE_FOUND);
    assert_int_equal(find(z, "any.wild.shop.test", DNS_A, "*.wild.shop.test"), ZONE_FOUND);
    assert_int_equal(find(z, "a.b.wild.shop.test", DNS_A, "*.wild.shop.test"), ZONE_FOUND);
    assert_int_equal(find(z, "any.wild.shop.test", DNS_AAAA, NULL), ZONE_NO_DATA);
    assert_int_equal(find(z, "wild.shop.test", DNS_A, NULL), ZONE_NO_DATA);
    assert_int_equal(find(z, "er.x.shop.test", DNS_A, NULL), ZONE_NO_DATA);         /* an empty non-terminal */
    assert_int_equal(find(z, "x.x.shop.test", DNS_A, NULL), ZONE_NO_NAME);
    assert_int_equal(find(z, "h.sub.shop.test", DNS_A, "sub.shop.test"), ZONE_REFERRAL);
    assert_int_equal(find(z, "ns.sub.shop.test", DNS_A, "sub.shop.test"), ZONE_REFERRAL);
    assert_int_equal(find(z, "shop.test", DNS_SOA, NULL), ZONE_FOUND);
    assert_int_equal(find(z, "many.more.shop.test", DNS_A, NULL), ZONE_FOUND);
    zone_free(z);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
#define SOA "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n"
    static const struct { const char *text, *error; } rows[] = {
        { "", "no SOA" }, { "$TTL 60\nwww A 10.0.0.1\n", "no SOA" }, { SOA "@ SOA ns1 h 1 2 3 4 5\n", "more than one SOA" },
        { "$TTL 60\nwww SOA ns1 h 1 2 3 4 5\n", "not at the zone's origin" }, { SOA "www A 10.0.0\n", "line 3: 10.0.0 is not an IPv4 address" },
        { SOA "www AAAA 10.0.0.1\n", "not an IPv6 address" }, { SOA "www SRV 0 0 1 x\n", "not a type known here" }, { SOA "www\n", "has no type" },
        { SOA "www A\n", "takes one field" }, { SOA "www A 1.2.3.4 5\n", "takes one field" }, { SOA "www MX mail\n", "preference" },
        { SOA "www MX 70000 mail\n", "preference" }, { SOA "w.other.test. A 1.2.3.4\n", "outside the zone" }, { "  A 1.2.3.4\n", "no name" },
        { "www A 1.2.3.4\n", "no TTL" }, { SOA "c CNAME x\nc A 1.2.3.4\n", "CNAME and other records" }, { "@ SOA ns1 h ( 1 2 3 4 5\n", "not closed" },
        { SOA "www A 1.2.3.4 )\n", "closes that was not opened" }, { SOA "t TXT \"open\n", "quote is not closed" }, { "$INCLUDE x\n", "$ORIGIN and $TTL are" },
        { "$TTL x\n", "$TTL takes" }, { SOA "a..b A 1.2.3.4\n", "not a domain name" }, { "@ 60 SOA ns1 h 1 2 3 4\n", "two names and five numbers" },
        { "@ 60 SOA ns1 h x 2 3 4 5\n", "serial" }, { "@ 60 SOA ns1 h 1 2y 3 4 5\n", "not a time" }, { SOA "t TXT \"\\999\"\n", "badly escaped" },
        { SOA "x 99999999999 A 1.2.3.4\n", "not a type" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[ZONE_ERROR];
        struct zone *z = zone_parse(rows[i].text, "shop.test.", error);
        if (z || !strstr(error, rows[i].error))
            fail_msg("%s: %s", rows[i].text, z ? "was taken" : error);
    }
    char error[ZONE_ERROR];
    assert_null(zone_parse(SOA, "..", error));
    struct zone *z = zone_parse("@ SOA ns1 h 1 2 3 4 77\nw A 1.2.3.4", "shop.test", error);     /* no $TTL, no last line end */
    assert_non_null(z);
    assert_int_equal(z->at[1].ttl, 77);
    zone_free(z);
    z = zone_parse("$ORIGIN x.test.\n@ SOA ns h 1 2 3 4 77\nw A 1.2.3.4\n", NULL, error);                   /* the text names the zone */
    assert_non_null(z);
    assert_int_equal(find(z, "w.x.test", DNS_A, NULL), ZONE_FOUND);
    zone_free(z);
    static const char *const nameless[][2] = { { SOA, "give $ORIGIN first" }, { "$ORIGIN x.test.\n$TTL 5\nw A 1.2.3.4\n", "no SOA at its top" },
                                               { "w A 1.2.3.4\n", "give $ORIGIN first" }, { "", "no SOA" } };
    for (size_t i = 0; i < 4; i++) {
        assert_null(zone_parse(nameless[i][0], NULL, error));
        assert_non_null(strstr(error, nameless[i][1]));
    }
}

static void keeps_strings(void **state)
{
    (void)state;
    struct zone *z = zone();
    for (uint32_t i = 0; i < z->count; i++)
        if (z->at[i].type == DNS_TXT) {
            assert_int_equal(z->at[i].rdata_len, 10 + 4 + 7);
            assert_memory_equal(z->at[i].rdata, "\x09two words\x03one\x06" "a;b\"cA", z->at[i].rdata_len);
        }
    zone_free(z);
}

static struct auth *auth;
static uint8_t out[70000];
static size_t out_len;
struct said { struct dns_header h; struct dns_record rr[64]; uint32_t n; };
static struct said said;

static void ask(const char *name, uint16_t type, uint16_t udp_max, bool tcp)
{
    uint8_t q[600];
    struct writer w = writer_of(q, sizeof q);
    struct dns_question question = { .type = type, .klass = DNS_IN };
    assert_true(dns_name_parse(name, &question.name));
    dns_header_write(&w, &(struct dns_header){ .id = 0x1234, .rd = true, .qd = 1, .ar = udp_max != 0 });
    dns_question_write(&w, &question);
    if (udp_max)
        dns_record_write(&w, &(struct dns_name){ .len = 1 }, DNS_OPT, udp_max, 0, NULL, 0);
    out_len = auth_answer(auth, q, wr_len(&w), out, sizeof out, tcp);
    const struct reader msg = reader_of(out, out_len);
    struct reader r = msg;
    assert_true(dns_header_read(&r, &said.h));
    assert_true(said.h.qr && said.h.id == 0x1234 && said.h.rd && !said.h.ra);
    assert_true(dns_question_read(&r, msg, &question));
    for (said.n = 0; said.n < (uint32_t)said.h.an + said.h.ns + said.h.ar; said.n++)
        assert_true(dns_record_read(&r, msg, &said.rr[said.n]));
    assert_int_equal(rd_left(&r), 0);
}

static void answers(void **state)
{
    (void)state;
    auth = auth_new(NULL);
    assert_true(auth_add_zone(auth, zone()));
    ask("www.shop.test", DNS_A, 0, false);
    assert_true(said.h.aa && said.h.rcode == DNS_NOERROR && said.h.an == 1 && said.rr[0].ttl == 300);
    ask("web.shop.test", DNS_A, 0, false);
    assert_true(said.h.aa && said.h.an == 2 && said.rr[0].type == DNS_CNAME && said.rr[1].type == DNS_A);
    ask("out.shop.test", DNS_A, 0, false);
    assert_true(said.h.aa && said.h.an == 1 && said.h.ns == 0);
    ask("a.shop.test", DNS_A, 0, false);                /* a loop of aliases ends */
    assert_true(said.h.an >= 2 && said.h.an <= 8);
    ask("none.shop.test", DNS_A, 0, false);
    assert_true(said.h.aa && said.h.rcode == DNS_NXDOMAIN && said.h.ns == 1 && said.rr[0].type == DNS_SOA && said.rr[0].ttl == 300);
    ask("www.shop.test", DNS_MX, 0, false);
    assert_true(said.h.aa && said.h.rcode == DNS_NOERROR && said.h.an == 0 && said.h.ns == 1);
    ask("x.sub.shop.test", DNS_A, 0, false);
    assert_true(!said.h.aa && said.h.an == 0 && said.h.ns == 1 && said.h.ar == 1 && said.rr[0].type == DNS_NS && said.rr[1].type == DNS_A);
    ask("www.other.test", DNS_A, 0, false);
    assert_true(said.h.rcode == DNS_REFUSED && !said.h.aa);
    ask("www.shop.test", DNS_ANY, 1232, false);
    assert_true(said.h.an == 2 && said.h.ar == 1 && said.rr[2].type == DNS_OPT);
    ask("z.wild.shop.test", DNS_A, 0, false);
    char text[DNS_NAME_TEXT];
    assert_string_equal(dns_name_text(&said.rr[0].name, text), "z.wild.shop.test");
    ask("www.shop.test", 252, 0, true);
    assert_int_equal(said.h.rcode, DNS_NOTIMP);
    auth_free(auth);
}

static void truncates(void **state)
{
    (void)state;
    char text[8000], error[ZONE_ERROR];
    int n = sprintf(text, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n");
    for (int i = 0; i < 40; i++)
        n += sprintf(text + n, "many A 10.0.0.%d\n", i);
    auth = auth_new(NULL);
    assert_true(auth_add_zone(auth, zone_parse(text, "x.test", error)));
    ask("many.x.test", DNS_A, 0, false);
    assert_true(said.h.tc && said.h.an == 0 && out_len <= 512);
    ask("many.x.test", DNS_A, 600, false);
    assert_true(said.h.tc && said.h.ar == 1);
    ask("many.x.test", DNS_A, 1232, false);
    assert_true(!said.h.tc && said.h.an == 40 && out_len <= 1232);
    ask("many.x.test", DNS_A, 0, true);
    assert_true(!said.h.tc && said.h.an == 40);
    auth_free(auth);
}

static void nonsense(void **state)
{
    (void)state;
    auth = auth_new(NULL);
    assert_true(auth_add_zone(auth, zone()));
    uint8_t q[12] = { 0x12, 0x34, 0x80, 0 };
    assert_int_equal(auth_answer(auth, q, 12, out, sizeof out, false), 0);      /* an answer is not answered */
    assert_int_equal(auth_answer(auth, q, 5, out, sizeof out, false), 0);
    q[2] = 0x28;                                                                /* UPDATE */
    assert_int_equal(auth_answer(auth, q, 12, out, sizeof out, false), 12);
    assert_int_equal(out[3] & 15, DNS_NOTIMP);
    q[2] = 0;
    assert_int_equal(auth_answer(auth, q, 12, out, sizeof out, false), 12);
    assert_int_equal(out[3] & 15, DNS_FORMERR);
    auth_free(auth);
}

TESTS(finds, says_what_is_wrong, keeps_strings, answers, truncates, nonsense)
