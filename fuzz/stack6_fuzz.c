/* The whole stack by IPv6: packets with whatever extension headers, fragments, ICMPv6, neighbour and router discovery, time and
 * users.  Nothing may crash, spin or keep a packet, and what is sent holds to the rules.
 * covers: src/net/input6.c src/net/output6.c src/net/icmp6.c src/net/icmp_send.c src/net/frag.c src/net/path.c src/net/source.c
 * covers: src/net/autoconf.c src/net/redirected.c src/link/nd.c src/link/neigh.c src/stack/nd.c src/wire/ip6.c src/wire/nd.c src/wire/icmp6.c */
#include "base/checksum.h"
#include "fuzz.h"
#include "stack/stack.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

enum { MTU = 1500 };
static const struct mac own_mac[2] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 1, 1 } } }, peer_mac = { { 2, 0, 0, 0, 0, 2 } };

static struct {
    struct stack    *st;
    struct loop      loop;
    int64_t          now_ns;
    struct net      *net;
    struct listener *listener;
    struct dgram    *dgram;
    struct stream   *stream;
    struct addr      last_src, last_dst;        /* of the last packet that the stack sent */
    uint8_t          last[128];
    size_t           last_len;
} f;

static struct addr addr_of(uint16_t net, uint16_t host)
{
    struct addr a = { .b = { 0x20, 0x01, 0x0d, 0xb8 } };
    store_be16(a.b + 6, net);
    store_be16(a.b + 14, host);
    return a;
}

/* Whom packets come from and go to. */
static struct addr some_addr(uint8_t which)
{
    const struct addr link = { .b = { 0xfe, 0x80, [15] = which >> 4 } }, group = { .b = { 0xff, 0x02, [15] = which >> 4 } };
    switch (which & 15) {
    case 0:  return addr_of(0, 1);
    case 1:  return addr_of(0, which >> 4);
    case 2:  return addr_of(1, which >> 4);
    case 3:  return link;
    case 4:  return group;
    case 5:  return nd_solicited_node(addr_of(0, 1));
    case 6:  return f.last_src;
    case 7:  return f.last_dst;
    case 8:  return ADDR_NONE;
    case 9:  return addr4(0x0a000000u + which);
    case 10: return (struct addr){ .b = { [15] = 1 } };
    default: return addr_of(0, 2);
    }
}

/* ------------------------------------------------------- what it says */

static void look_at(const uint8_t *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    struct eth e;
    struct ip6 h;
    struct ip6_chain c;
    REQUIRE(eth_read(&r, &e));
    if (e.type != ETH_IP6)
        return;
    const struct reader packet = r;
    REQUIRE(ip6_read(&r, &h) == WHY_NONE);
    REQUIRE(h.hop_limit > 0 && h.payload_len + IP6_HEADER <= MTU);
    REQUIRE(!addr_is_multicast(h.src) && !addr_is4(h.src) && !addr_is4(h.dst) && !addr_is_none(h.dst));
    f.last_src = h.src;
    f.last_dst = h.dst;
    f.last_len = h.payload_len + (size_t)IP6_HEADER < sizeof f.last ? h.payload_len + (size_t)IP6_HEADER : sizeof f.last;
    memcpy(f.last, packet.at, f.last_len);
    struct reader rest = packet, whole = rd_sub(&rest, (size_t)h.payload_len + IP6_HEADER);
    if (h.next != IP_ICMP6 || ip6_chain_read(whole, &c) != WHY_NONE || c.frag_offset || c.more_fragments)
        return;
    rd_skip(&whole, IP6_HEADER);
    const bool ours = mac_eq(e.src, own_mac[0]) || mac_eq(e.src, own_mac[1]);
    const bool forwarded = h.hop_limit != 64 && h.hop_limit != 255 && h.hop_limit != 1;
    if (!ours || forwarded)
        return;
    REQUIRE(csum_finish(csum_add(csum_pseudo(h.src, h.dst, IP_ICMP6, h.payload_len), whole.at, h.payload_len)) == 0);
    if (icmp6_is_error(*whole.at)) {
        REQUIRE(h.payload_len + IP6_HEADER <= IP6_MTU_MIN);
        REQUIRE(!addr_is_multicast(h.dst) && !addr_is_none(h.src));
    }
}

static void pull(void)
{
    static uint8_t bytes[70000];
    for (int round = 0; stack_deadline(f.st) <= f.now_ns; round++) {
        REQUIRE(round < 1000);
        stack_tick(f.st, f.now_ns);
        for (unsigned i = 0; i < 2; i++) {
            struct batch b = { .n = 0 };
            stack_output(f.st, i, &b, f.now_ns);
            for (uint32_t k = 0; k < b.n; k++)
                look_at(bytes, pkt_gather(b.pkt[k], bytes, sizeof bytes));
            batch_free(&b);
        }
        loop_tick(&f.loop, f.now_ns);
    }
}

/* ------------------------------------------------------ what it is told */

static void give(unsigned iface, const struct ip6 *h, const uint8_t *payload, size_t len, uint8_t csum)
{
    uint8_t frame[ETH_HEADER + IP6_HEADER + 600];
    struct writer w = writer_of(frame, sizeof frame);
    struct batch b = { .n = 0 };
    eth_write(&w, &(struct eth){ addr_is_multicast(h->dst) ? nd_group_mac(h->dst) : own_mac[iface], peer_mac, ETH_IP6 });
    ip6_write(&w, h);
    wr_bytes(&w, payload, len);
    struct pkt *k = pkt_new(stack_pools(f.st), (uint32_t)wr_len(&w));
    if (!k)
        return;
    memcpy(pkt_append(k, (uint32_t)wr_len(&w)), frame, wr_len(&w));
    k->time_ns = f.now_ns;
    k->csum = csum;
    batch_add(&b, k);
    stack_input(f.st, iface, &b, f.now_ns);
    REQUIRE(b.n == 0);
    pull();
}

static size_t take(struct reader *r, uint8_t *to, size_t max)
{
    size_t len = (size_t)rd_u8(r) * 2;
    len = len < max ? len : max;
    for (size_t i = 0; i < len; i++)
        to[i] = rd_u8(r);
    return len;
}

/* Bytes behind a header; sums are found wrong elsewhere. */
static void packet_in(struct reader *r, unsigned iface)
{
    uint8_t bytes[512];
    const uint8_t src = rd_u8(r), dst = rd_u8(r), next = rd_u8(r), hops = rd_u8(r);
    const size_t len = take(r, bytes, sizeof bytes);
    const struct ip6 h = { .src = some_addr(src), .dst = some_addr(dst), .next = next, .hop_limit = hops, .payload_len = (uint16_t)len };
    give(iface, &h, bytes, len, CSUM_OK);
}

/* An ICMPv6 message of any type, its body free or the last packet sent. */
static void icmp_in(struct reader *r, unsigned iface)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t src = rd_u8(r), dst = rd_u8(r), type = rd_u8(r), code = rd_u8(r);
    wr_u8(&w, type);
    wr_u8(&w, code);
    wr_u16(&w, 0);
    wr_u32(&w, rd_u32(r));
    if (icmp6_is_error(type))
        wr_bytes(&w, f.last, f.last_len);
    size_t len = wr_len(&w);
    len += take(r, bytes + len, sizeof bytes - len);
    const struct ip6 h = { .src = some_addr(src), .dst = some_addr(dst), .next = IP_ICMP6, .hop_limit = code & 0x80 ? 64 : ND_HOP_LIMIT,
                           .payload_len = (uint16_t)len };
    bytes[1] &= 0x7f;
    give(iface, &h, bytes, len, CSUM_OK);
}

/* A piece of one of four datagrams. */
static void fragment_in(struct reader *r, unsigned iface)
{
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t id = rd_u8(r) & 3, next = rd_u8(r);
    wr_u8(&w, next);
    wr_u8(&w, 0);
    wr_u16(&w, rd_u16(r) & 0xfff9);
    wr_u32(&w, id);
    size_t len = wr_len(&w);
    len += take(r, bytes + len, sizeof bytes - len);
    const struct ip6 h = { .src = addr_of(0, 2), .dst = addr_of(0, 1), .next = IP6_FRAGMENT, .hop_limit = 64, .payload_len = (uint16_t)len };
    give(iface, &h, bytes, len, CSUM_OK);
}

static void use(unsigned what)
{
    static uint8_t bytes[5000];
    struct echo_result e;
    struct dgram_in in;
    switch (what) {
    case 0: (void)dgram_send(f.dgram, (struct endpoint){ addr_of(0, 2), 9 }, bytes, sizeof bytes); return;
    case 1: if (dgram_peek(f.dgram, &in)) dgram_consume(f.dgram); (void)dgram_take_error(f.dgram); return;
    case 2: (void)stack_echo_send(f.st, addr_of(0, 2), 1, 1, bytes, 3000, 0, f.now_ns); return;
    case 3: (void)stack_echo_take(f.st, &e); return;
    case 4: (void)stack_add_addr(f.st, 0, (struct prefix){ addr_of(0, 3), 64 }, true, f.now_ns); return;
    case 5: (void)stack_del_addr(f.st, 0, addr_of(0, 3), f.now_ns); return;
    case 6: stack_set_link(f.st, 1, false, f.now_ns); return;
    case 7: stack_set_link(f.st, 1, true, f.now_ns); return;
    case 8: if (!f.stream && net_connect(f.net, &(struct connect_opts){ .remote = { addr_of(0, 2), 80 } }, &f.stream) != PLUMB_OK) f.stream = NULL; return;
    case 9: stream_close(f.stream); f.stream = NULL; return;
    case 10: if (!f.stream) f.stream = listener_accept(f.listener); return;
    case 11: if (f.stream) (void)stream_write(f.stream, bytes, 3000); return;
    default: (void)stack_echo_send(f.st, addr_of(5, what), 1, 2, NULL, 0, 0, f.now_ns); return;
    }
}

/* ------------------------------------------------------------------ life */

static void begin(bool forwarding)
{
    memset(&f, 0, sizeof f);
    f.now_ns = NS_PER_SEC;
    loop_init(&f.loop, f.now_ns, 0);
    f.st = stack_new(&(struct stack_config){ .seed = 1, .forwarding = forwarding, .small_pkts = 96, .large_pkts = 2,
                                             .tcp = { .max_conns = 16, .max_blocks = 32, .send_buffer = 20000, .recv_buffer = 20000 } }, f.now_ns);
    REQUIRE(f.st);
    for (unsigned i = 0; i < 2; i++) {
        const struct iface_config c = { .kind = IFACE_ETHER, .mac = own_mac[i], .ip6 = i == 1 };
        REQUIRE(stack_add_iface(f.st, &c, f.now_ns) == (int)i);
    }
    REQUIRE(stack_add_addr(f.st, 0, (struct prefix){ addr_of(0, 1), 64 }, false, f.now_ns) == PLUMB_OK);
    f.net = stack_net(f.st, &f.loop);
    REQUIRE(net_listen(f.net, &(struct listen_opts){ .local = { ADDR_NONE, 80 }, .backlog = 4 }, &f.listener) == PLUMB_OK);
    REQUIRE(net_datagram(f.net, &(struct dgram_opts){ .local = { ADDR_NONE, 9 } }, &f.dgram) == PLUMB_OK);
    pull();
}

static void pass_time(int64_t ns)
{
    const int64_t until_ns = f.now_ns + ns;
    for (int64_t at; (at = time_min(stack_deadline(f.st), loop_deadline(&f.loop))) <= until_ns;) {
        f.now_ns = time_max(f.now_ns, at);
        f.loop.now_ns = f.now_ns;
        pull();
    }
    f.now_ns = f.loop.now_ns = until_ns;
}

/* The links go down, so that nobody asks for anything any more; what waited gives up; no packet may be left. */
static void end(void)
{
    stream_close(f.stream);
    listener_close(f.listener);
    dgram_close(f.dgram);
    for (unsigned i = 0; i < 2; i++)
        stack_set_link(f.st, i, false, f.now_ns);
    pull();
    for (unsigned i = 0; i < 20 && stack_pools(f.st)->small.used; i++)
        pass_time(130 * NS_PER_SEC);
    REQUIRE(stack_pools(f.st)->small.used == 0);
    REQUIRE(stack_pools(f.st)->large.used == 0);
    stack_free(f.st);
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    begin(rd_u8(&r) & 1);
    while (!r.bad && rd_left(&r) > 0) {
        const uint8_t op = rd_u8(&r);
        const unsigned iface = op >> 3 & 1;
        switch (op & 7) {
        case 0: case 1: packet_in(&r, iface); break;
        case 2: case 3: icmp_in(&r, iface); break;
        case 4: fragment_in(&r, iface); break;
        case 5: pass_time((op >> 3) * (op >> 3) * (op >> 3) * NS_PER_MS); break;
        default: use(op >> 3 & 15); pull(); break;
        }
    }
    end();
}
