/* What is read can be written, and then reads and writes the same.
 * covers: src/wire/dhcp4.c */
#include "fuzz.h"
#include "wire/dhcp4.h"

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct dhcp4 m, again;
    uint8_t out[1024], twice[1024];
    if (!dhcp4_read(&r, &m))
        return;
    REQUIRE(m.n_router <= DHCP4_ADDRS && m.n_dns <= DHCP4_ADDRS && m.client_id_len <= sizeof m.client_id);
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    (void)dhcp4_link_selection(&m);
    dhcp4_write(&w, &m);
    REQUIRE(!w.bad && wr_len(&w) >= DHCP4_MIN && wr_len(&w) <= DHCP4_RELAYED_MAX);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE(dhcp4_read(&back, &again));
    dhcp4_write(&v, &again);
    REQUIRE(wr_len(&w) == wr_len(&v) && memcmp(out, twice, wr_len(&w)) == 0);
}
