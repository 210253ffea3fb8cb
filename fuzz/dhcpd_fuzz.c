/* The DHCP server: datagrams of any kind, and requests that nearly make sense.  What
 * it answers is whole, what it leases lies in its range and is leased once.
 * covers: src/service/dhcp.c src/wire/dhcp4.c */
#include "fakenet.h"
#include "service/dhcp.h"

enum { NETWORK = 0x0a000000, FIRST = 10, LAST = 13 };

static void on_sent(const uint8_t *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    struct dhcp4 m;
    REQUIRE(len >= DHCP4_MIN && dhcp4_read(&r, &m));
    REQUIRE(m.op == 2 && addr_eq(m.server_id, addr4(NETWORK + 1)));
    REQUIRE(m.type == DHCP4_OFFER || m.type == DHCP4_ACK || m.type == DHCP4_NAK);
    if (m.type == DHCP4_OFFER)
        REQUIRE(addr_v4(m.yiaddr) >= NETWORK + FIRST && addr_v4(m.yiaddr) <= NETWORK + LAST);
}

static void give(const uint8_t *bytes, size_t len)
{
    fake.datagram = bytes;
    fake.datagram_len = len;
    loop_defer(&fake.loop, &fake.dgram.watch);
    fake_turn();
    REQUIRE(!fake.datagram);
}

static struct addr some_addr(uint8_t b) { return addr4(b == 0 ? 0 : NETWORK + b % 24); }

static void request(struct reader *r)
{
    uint8_t bytes[DHCP4_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t who = rd_u8(r), what = rd_u8(r), ciaddr = rd_u8(r), requested = rd_u8(r), server = rd_u8(r);
    struct dhcp4 m = { .op = 1, .type = what & 15, .broadcast = what & 16, .xid = who, .ciaddr = some_addr(ciaddr), .yiaddr = addr4(0), .siaddr = addr4(0),
                       .giaddr = addr4(what & 32 ? NETWORK + 200 : 0), .requested = requested ? some_addr(requested) : ADDR_NONE, .mask = ADDR_NONE,
                       .server_id = server ? addr4(NETWORK + (server & 3)) : ADDR_NONE, .chaddr = { { 2, 0, 0, 0, 0, who & 15 } },
                       .lease_s = what & 64 ? UINT32_MAX : 0, .client_id_len = what & 128 ? 2 : 0, .client_id = { 1, who } };
    dhcp4_write(&w, &m);
    give(bytes, wr_len(&w));
}

static void judge(const struct dhcp_server *s)
{
    uint32_t cursor = 0, seen = 0;
    for (struct dhcp_lease l; dhcp_server_walk(s, &cursor, &l);) {
        const uint32_t n = addr_v4(l.addr) - NETWORK;
        REQUIRE(n >= FIRST && n <= LAST && !(seen >> n & 1));
        seen |= 1u << n;
    }
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct dhcp_server *s;
    const struct dhcp_server_config c = { .server = addr4(NETWORK + 1), .first = addr4(NETWORK + FIRST), .last = addr4(NETWORK + LAST), .prefix_len = 24,
                                          .n_router = 1, .router = { addr4(NETWORK + 1) }, .lease_s = 100, .mtu = 1400, .domain = "shop.test" };
    fake_begin(on_sent);
    REQUIRE(dhcp_server_new(&fake.net, &c, &s) == PLUMB_OK);
    while (!r.bad && rd_left(&r) > 0) {
        const uint8_t op = rd_u8(&r);
        if (op < 128) {
            request(&r);
        } else if (op < 192) {
            fake_pass((op - 128) * NS_PER_SEC);
        } else {
            const size_t left = rd_left(&r), n = op == 255 || op * 3u > left ? left : op * 3u;
            give(r.at, n);
            rd_skip(&r, n);
        }
        judge(s);
    }
    dhcp_server_free(s);
}
