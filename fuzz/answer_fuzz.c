/* A DNS message as the stub gets it, and as the name server gets it.
 * covers: src/name/answer.c src/name/auth.c */
#include "fuzz.h"
#include "name/answer.h"
#include "name/auth.h"

static const char zone[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\nc CNAME www\n*.w AAAA ::1\n"
                           "sub NS ns.sub\nns.sub A 10.0.0.3\n"
                           "t TXT \"0123456789012345678901234567890123456789\"\nm MX 1 www\n";
static uint8_t reply[65535];
static struct answer a;
static struct auth *server;

/* The question the message itself carries, so that it is ours. */
static void as_stub(const uint8_t *data, size_t size)
{
    const struct reader msg = reader_of(data, size);
    struct reader r = msg;
    struct dns_header h;
    struct dns_question q = { .name = { .len = 1 }, .type = DNS_A, .klass = DNS_IN };
    if (!dns_header_read(&r, &h))
        return;
    dns_question_read(&r, msg, &q);
    const enum answer_fate fate = answer_judge(data, size, h.id, &q, &a);
    REQUIRE(a.n_addrs <= ANSWER_ADDRS);
    REQUIRE((fate == ANSWER_ADDRESSES) == (a.n_addrs > 0));
    REQUIRE(answer_judge(data, size, (uint16_t)(h.id + 1), &q, &a) == ANSWER_NOT_OURS);
}

static void as_server(const uint8_t *data, size_t size, bool over_tcp)
{
    const size_t len = auth_answer(server, data, size, reply, sizeof reply, over_tcp);
    if (len == 0)
        return;
    const struct reader msg = reader_of(reply, len);
    struct reader r = msg;
    struct dns_header h;
    struct dns_question q;
    struct dns_record rr;
    REQUIRE(dns_header_read(&r, &h) && h.qr && (over_tcp || len <= 1232));
    for (unsigned i = 0; i < h.qd; i++)
        REQUIRE(dns_question_read(&r, msg, &q));
    for (unsigned i = 0; i < (unsigned)h.an + h.ns + h.ar; i++)
        REQUIRE(dns_record_read(&r, msg, &rr));
    REQUIRE(rd_left(&r) == 0);
}

FUZZ(data, size)
{
    if (!server) {
        char error[ZONE_ERROR];
        server = auth_new(NULL);
        REQUIRE(auth_add_zone(server, zone_parse(zone, "shop.test", error)));
    }
    as_stub(data, size);
    as_server(data, size, false);
    as_server(data, size, true);
}
