/* What is read can be written, and then reads and writes the same; relays come off and go on again.
 * covers: src/wire/dhcp6.c */
#include "fuzz.h"
#include "wire/dhcp6.h"

static void wraps_as_it_unwraps(const uint8_t *data, size_t size)
{
    struct dhcp6_relay relay[DHCP6_RELAYS], again[DHCP6_RELAYS];
    struct reader r = reader_of(data, size);
    static uint8_t out[4096];
    const int n = dhcp6_unwrap(&r, relay);
    if (n <= 0 || rd_left(&r) > 1024)
        return;
    struct writer w = writer_of(out, sizeof out);
    dhcp6_wrap(&w, relay, (unsigned)n, r.at, rd_left(&r));
    REQUIRE(!w.bad);
    const size_t len = wr_len(&w);
    for (size_t i = 0; i < len; i++)
        if (out[i] == DHCP6_RELAY_REPL && i == 0)
            out[i] = DHCP6_RELAY_FORW;                  /* a reply through one relay unwraps as what it answers */
    struct reader back = reader_of(out, len);
    const int m = dhcp6_unwrap(&back, again);
    REQUIRE(m >= 1 && memcmp(again[0].link.b, relay[0].link.b, 16) == 0 && again[0].interface_id_len == relay[0].interface_id_len);
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct dhcp6 m, again;
    static uint8_t out[4096], twice[4096];
    wraps_as_it_unwraps(data, size);
    if (!dhcp6_read(&r, &m))
        return;
    REQUIRE(m.n_ia <= DHCP6_IAS && m.n_dns <= DHCP6_DNS && m.client.len <= DHCP6_DUID && strlen(m.domain) < DHCP6_NAME);
    for (unsigned i = 0; i < m.n_ia; i++)
        REQUIRE(m.ia[i].n_addr <= DHCP6_ADDRS);
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    dhcp6_write(&w, &m);
    REQUIRE(!w.bad);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE(dhcp6_read(&back, &again));
    dhcp6_write(&v, &again);
    REQUIRE(wr_len(&w) == wr_len(&v) && memcmp(out, twice, wr_len(&w)) == 0);
}
