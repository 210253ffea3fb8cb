#include "../test.h"
#include "cli/trace_show.h"
#include "wire/tcp.h"
#include <stdlib.h>

static struct addr addr(const char *text)
{
    struct addr a;
    assert_true(addr_parse(text, &a));
    return a;
}

static const char *name(void *arg, struct addr a)
{
    if (!arg)
        return NULL;
    return addr_v4(a) == 0x0a000001 ? "gate.test" : "";
}

static struct trace_probe said(const char *from, enum inet_trouble t, int64_t us)
{
    return (struct trace_probe){ .from = addr(from), .trouble = t, .rtt_ns = us * 1000, .sent = true, .over = true };
}

static void shows(const struct trace_probe *p, unsigned n, void *names, const char *want)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    const struct trace_hop h = { .ttl = 3, .n = n, .probe = p, .target = addr("192.0.2.9") };
    trace_line(&h, name, names, f);
    fclose(f);
    assert_string_equal(text, want);
    free(text);
}

static void lines(void **state)
{
    (void)state;
    const struct trace_probe same[] = { said("10.0.0.1", TROUBLE_TTL, 1234), said("10.0.0.1", TROUBLE_TTL, 56), { .sent = true, .over = true } };
    shows(same, 3, NULL, " 3  10.0.0.1  1.234 ms  0.056 ms *\n");
    shows(same, 3, "names", " 3  gate.test (10.0.0.1)  1.234 ms  0.056 ms *\n");
    const struct trace_probe two[] = { { .over = true }, said("10.0.0.2", TROUBLE_ADDRESS, 1000), said("10.0.0.1", TROUBLE_ADMIN, 1000) };
    shows(two, 3, "names", " 3  * 10.0.0.2 (10.0.0.2)  1.000 ms !H gate.test (10.0.0.1)  1.000 ms !X\n");
    struct trace_probe narrow = said("10.0.0.2", TROUBLE_TTL, 1000);
    narrow.mtu = 1400;
    shows(&narrow, 1, NULL, " 3  10.0.0.2  1.000 ms F=1400\n");
}

static void marks(void **state)
{
    (void)state;
    static const struct { const char *from; enum inet_trouble trouble; const char *mark; bool final; } all[] = {
        { "10.0.0.1", TROUBLE_TTL, "", false }, { "192.0.2.9", TROUBLE_NONE, "", true }, { "192.0.2.9", TROUBLE_PORT, "", true },
        { "10.0.0.1", TROUBLE_PORT, "!p", true }, { "10.0.0.1", TROUBLE_NO_ROUTE, "!N", true }, { "10.0.0.1", TROUBLE_ADDRESS, "!H", true },
        { "192.0.2.9", TROUBLE_PROTOCOL, "!P", true }, { "10.0.0.1", TROUBLE_ADMIN, "!X", true }, { "10.0.0.1", TROUBLE_SOURCE_ROUTE, "!S", true },
        { "10.0.0.1", TROUBLE_TOO_BIG, "!F-1280", true }, { "10.0.0.1", TROUBLE_SCOPE, "!<1-2>", true } };
    char out[16];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct trace_probe p = said(all[i].from, all[i].trouble, 1);
        p.mtu = all[i].trouble == TROUBLE_TOO_BIG ? 1280 : 0;
        p.type = 1;
        p.code = 2;
        assert_string_equal(trace_mark(&p, addr("192.0.2.9"), out), all[i].mark);
        assert_int_equal(trace_is_final(&p), all[i].final);
    }
    const struct trace_probe silent = { .over = true };
    assert_false(trace_is_final(&silent));
}

static void as_json(void **state)
{
    (void)state;
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct json j = { .to = f };
    struct trace_probe p[] = { said("10.0.0.1", TROUBLE_NONE, 1500), { .over = true }, said("10.0.0.1", TROUBLE_NONE, 1) };
    p[0].flags = SYN | ACK;
    p[2].flags = RST | ACK;
    const struct trace_hop h = { .ttl = 3, .n = 3, .probe = p, .target = addr("10.0.0.1") };
    trace_json(&h, name, "names", &j);
    fclose(f);
    assert_string_equal(text, "{\"ttl\":3,\"probes\":[{\"from\":\"10.0.0.1\",\"name\":\"gate.test\",\"rtt_ms\":1.500000,\"said\":\"open\",\"mark\":\"\"},null,"
                              "{\"from\":\"10.0.0.1\",\"name\":\"gate.test\",\"rtt_ms\":0.001000,\"said\":\"closed\",\"mark\":\"\"}]}");
    free(text);
}

TESTS(lines, marks, as_json)
