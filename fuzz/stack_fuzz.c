/* The whole stack: bytes become frames, TCP segments that fit the connection's numbers,
 * DHCP replies, the passing of time and what users do.  Nothing may crash, spin or
 * keep a packet.
 * covers: src/stack/in.c src/stack/out.c src/stack/streams.c src/stack/dhcp.c src/net/input.c src/net/output.c
 * covers: src/net/icmp.c src/net/frag.c src/net/forward.c src/net/dhcp_client.c src/link/neigh.c src/link/acd.c
 * covers: src/udp/udp.c src/tcp/arrive.c src/tcp/arrive_other.c src/tcp/arrive_listen.c src/tcp/arrive_syn_sent.c */
#include "base/checksum.h"
#include "fuzz.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/dhcp4.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { STREAMS = 8, PEER = 0x0a000002, OWN = 0x0a000001, DHCP_SERVER = 0x0a010001, DHCP_OFFER_ADDR = 0x0a010007 };

static const struct mac own_mac[2] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 1, 1 } } }, peer_mac = { { 2, 0, 0, 0, 0, 2 } };

static struct {
    struct stack    *st;
    struct loop      loop;
    int64_t          now_ns;
    struct net      *net;
    struct listener *listener;
    struct dgram    *dgram;
    struct stream   *stream[STREAMS];
    uint32_t         own_seq, own_ack;  /* of the last segment the stack sent */
    uint16_t         own_port, peer_port;
    uint32_t         dhcp_xid;
} f;

/* ------------------------------------------------------- what it says */

static void look_at(const uint8_t *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    struct eth e;
    struct ip4 h;
    struct tcp_header t;
    struct udp_header u;
    struct dhcp4 m;
    REQUIRE(len >= 60);
    REQUIRE(eth_read(&r, &e));
    if (e.type != ETH_IP4)
        return;
    REQUIRE(ip4_read(&r, &h) == WHY_NONE);
    REQUIRE(h.ttl > 0);
    struct reader body = rd_sub(&r, h.total_len - (size_t)h.header_len);
    if (h.frag_offset || h.more_fragments)
        return;
    if (h.proto == IP_TCP) {
        const csum_t c = csum_pseudo(h.src, h.dst, IP_TCP, (uint32_t)rd_left(&body));
        REQUIRE(csum_finish(csum_add(c, body.at, rd_left(&body))) == 0);
        REQUIRE(tcp_header_read(&body, &t));
        f.own_seq = t.seq.n + (uint32_t)rd_left(&body) - (t.header_len - TCP_HEADER) + !!(t.flags & SYN) + !!(t.flags & FIN);
        f.own_ack = t.ack.n;
        f.own_port = t.src_port;
        f.peer_port = t.dst_port;
    }
    if (h.proto == IP_UDP && udp_read(&body, &u) && u.dst_port == DHCP4_SERVER_PORT && dhcp4_read(&body, &m))
        f.dhcp_xid = m.xid;
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

static void give(unsigned iface, const uint8_t *bytes, size_t len, uint8_t csum)
{
    struct batch b = { .n = 0 };
    struct pkt *k = pkt_new(stack_pools(f.st), (uint32_t)len);
    if (!k)
        return;
    memcpy(pkt_append(k, (uint32_t)len), bytes, len);
    k->time_ns = f.now_ns;
    k->csum = csum;
    batch_add(&b, k);
    stack_input(f.st, iface, &b, f.now_ns);
    REQUIRE(b.n == 0);
    pull();
}

static void give_ip(unsigned iface, struct ip4 h, const uint8_t *payload, size_t len)
{
    uint8_t frame[2000];
    struct writer w = writer_of(frame, sizeof frame);
    h.total_len = (uint16_t)(IP4_HEADER + len);
    eth_write(&w, &(struct eth){ own_mac[iface], peer_mac, ETH_IP4 });
    ip4_write(&w, &h);
    wr_bytes(&w, payload, len);
    give(iface, frame, wr_len(&w), CSUM_OK);        /* sums are found wrong elsewhere */
}

static void segment_in(struct reader *r)
{
    uint8_t bytes[400];
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t flags = rd_u8(r), ports = rd_u8(r), options = rd_u8(r) % 11 * 4, len = rd_u8(r);
    const int16_t seq_off = (int16_t)rd_u16(r), ack_off = (int16_t)rd_u16(r);
    struct tcp_header t = { .src_port = ports & 1 ? f.peer_port : 1000 + (ports >> 4), .dst_port = ports & 2 ? f.own_port : 80,
                            .seq = seq(f.own_ack + (uint32_t)seq_off), .ack = seq(f.own_seq + (uint32_t)ack_off), .flags = flags,
                            .header_len = (uint8_t)(TCP_HEADER + options), .window = rd_u16(r), .urgent = ports & 4 ? len : 0 };
    tcp_header_write(&w, &t);
    for (unsigned i = 0; i < options + len % 200u; i++)
        wr_u8(&w, rd_u8(r));
    give_ip(0, (struct ip4){ .src = addr4(PEER), .dst = addr4(OWN), .ttl = 64, .proto = IP_TCP }, bytes, wr_len(&w));
}

static void packet_in(struct reader *r)
{
    const uint8_t which = rd_u8(r), proto = rd_u8(r), len = rd_u8(r);
    const uint16_t frag = rd_u16(r);
    uint8_t bytes[256];
    for (unsigned i = 0; i < len; i++)
        bytes[i] = rd_u8(r);
    const uint32_t dst[] = { OWN, 0xffffffff, 0x0a0000ff, 0xe0000001, 0x0a010099, 0x7f000001, DHCP_OFFER_ADDR, 0xc0000201 };
    give_ip(which & 1, (struct ip4){ .src = addr4(which & 2 ? PEER : DHCP_SERVER), .dst = addr4(dst[which >> 2 & 7]), .ttl = which & 32 ? 1 : 64,
                                     .proto = proto, .id = 7, .frag_offset = (uint16_t)((frag & 0x1ff) * 8), .more_fragments = frag & 0x8000,
                                     .dont_fragment = frag & 0x4000 }, bytes, len);
}

static void dhcp_in(struct reader *r)
{
    uint8_t bytes[600];
    struct writer w = writer_of(bytes, sizeof bytes);
    const uint8_t type = rd_u8(r), addr = rd_u8(r);
    const struct dhcp4 m = { .op = 2, .type = type, .xid = f.dhcp_xid, .chaddr = own_mac[1], .ciaddr = addr4(0), .siaddr = addr4(0), .giaddr = addr4(0),
                             .yiaddr = addr4(DHCP_OFFER_ADDR + (addr & 3)), .server_id = addr4(DHCP_SERVER), .mask = addr4(0xffffff00 << (addr >> 6)),
                             .lease_s = rd_u16(r), .t1_s = rd_u8(r), .t2_s = rd_u8(r), .mtu = rd_u16(r), .requested = ADDR_NONE, .n_router = 1,
                             .router = { addr4(DHCP_SERVER + (addr >> 4 & 3)) } };
    udp_write(&w, &(struct udp_header){ .src_port = DHCP4_SERVER_PORT, .dst_port = DHCP4_CLIENT_PORT });
    dhcp4_write(&w, &m);
    store_be16(bytes + 4, (uint16_t)wr_len(&w));
    give_ip(1, (struct ip4){ .src = addr4(DHCP_SERVER), .dst = addr4(0xffffffff), .ttl = 64, .proto = IP_UDP }, bytes, wr_len(&w));
}

static void arp_in(struct reader *r)
{
    uint8_t frame[60] = { 0 };
    struct writer w = writer_of(frame, sizeof frame);
    const uint8_t b = rd_u8(r), sender = rd_u8(r), target = rd_u8(r);
    const unsigned iface = b >> 1 & 1;
    const uint32_t net = iface ? DHCP_SERVER & 0xffffff00 : OWN & 0xffffff00;
    eth_write(&w, &(struct eth){ MAC_BROADCAST, peer_mac, ETH_ARP });
    arp_write(&w, &(struct arp){ .op = 1 + (b & 1), .sender_mac = peer_mac, .sender = addr4(b & 4 ? 0 : net + sender), .target = addr4(net + target) });
    give(iface, frame, sizeof frame, CSUM_NONE);
}

static void frame_in(struct reader *r)
{
    const uint8_t len = rd_u8(r), b = rd_u8(r);
    uint8_t frame[256];
    for (unsigned i = 0; i < len; i++)
        frame[i] = rd_u8(r);
    if (b & 1 && len >= 14)
        memcpy(frame, own_mac[b >> 1 & 1].b, 6);
    give(b >> 1 & 1, frame, len, CSUM_NONE);
}

/* --------------------------------------------------------- what users do */

static void use_stream(unsigned i, unsigned what)
{
    struct stream **s = &f.stream[i];
    static uint8_t bytes[5000];
    if (!*s && what & 1) {
        *s = listener_accept(f.listener);
    } else if (!*s) {
        const struct connect_opts o = { .remote = { addr4(what & 2 ? PEER : OWN), what & 4 ? 80 : 1000 } };
        if (net_connect(f.net, &o, s) != PLUMB_OK)
            *s = NULL;
    } else if (what < 3) {
        (void)stream_write(*s, bytes, what * 2000 + 1);
    } else if (what == 3) {
        (void)stream_read(*s, bytes, sizeof bytes);
    } else if (what == 4) {
        stream_shutdown(*s);
    } else if (what == 5 || what == 6) {
        if (what == 5)
            stream_close(*s);
        else
            stream_abort(*s);
        *s = NULL;
    } else {
        stream_set_no_delay(*s, true);
        (void)stream_ended(*s);
        (void)stream_drained(*s);
    }
}

static void use_other(unsigned what)
{
    struct dgram_in in;
    struct echo_result e;
    const struct prefix second = { addr4(OWN + 8), 24 };
    switch (what) {
    case 0: (void)dgram_send(f.dgram, (struct endpoint){ addr4(PEER), 9 }, "x", 1); return;
    case 1: if (dgram_peek(f.dgram, &in)) dgram_consume(f.dgram); (void)dgram_take_error(f.dgram); return;
    case 2: (void)stack_echo_send(f.st, addr4(PEER), 1, 1, NULL, 0, 0, f.now_ns); return;
    case 3: (void)stack_echo_take(f.st, &e); return;
    case 4: (void)stack_add_addr(f.st, 0, second, true, f.now_ns); return;
    case 5: (void)stack_del_addr(f.st, 0, second.addr, f.now_ns); return;
    case 6: stack_dhcp_release(f.st, 1, f.now_ns); return;
    case 7: stack_dhcp_start(f.st, 1, "fuzz", f.now_ns); return;
    case 8: stack_set_link(f.st, 1, false, f.now_ns); return;
    case 9: stack_set_link(f.st, 1, true, f.now_ns); return;
    default: (void)dgram_send(f.dgram, (struct endpoint){ addr4(OWN), 9 }, "y", 1); return;
    }
}

/* ------------------------------------------------------------------ life */

static void begin(void)
{
    memset(&f, 0, sizeof f);
    f.now_ns = NS_PER_SEC;
    loop_init(&f.loop, f.now_ns, 0);
    f.st = stack_new(&(struct stack_config){ .seed = 1, .forwarding = true, .small_pkts = 96, .large_pkts = 2,
                                             .tcp = { .max_conns = 16, .max_blocks = 32, .send_buffer = 20000, .recv_buffer = 20000 } }, f.now_ns);
    REQUIRE(f.st);
    for (unsigned i = 0; i < 2; i++) {
        const struct iface_config c = { .kind = IFACE_ETHER, .mac = own_mac[i] };
        REQUIRE(stack_add_iface(f.st, &c, f.now_ns) == (int)i);
    }
    REQUIRE(stack_add_addr(f.st, 0, (struct prefix){ addr4(OWN), 24 }, false, f.now_ns) == PLUMB_OK);
    f.net = stack_net(f.st, &f.loop);
    REQUIRE(net_listen(f.net, &(struct listen_opts){ .local = { ADDR_NONE, 80 }, .backlog = 4 }, &f.listener) == PLUMB_OK);
    REQUIRE(net_datagram(f.net, &(struct dgram_opts){ .local = { ADDR_NONE, 9 } }, &f.dgram) == PLUMB_OK);
    stack_dhcp_start(f.st, 1, "fuzz", f.now_ns);
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

/* Everybody goes, the DHCP clients too (a renewal may wait for ARP at any time); what waited for something
 * gives up; no packet may be left. */
static void end(void)
{
    for (unsigned i = 0; i < STREAMS; i++)
        stream_close(f.stream[i]);
    listener_close(f.listener);
    dgram_close(f.dgram);
    for (unsigned i = 0; i < 2; i++)
        stack_dhcp_release(f.st, i, f.now_ns);
    pull();
    for (unsigned i = 0; i < 20 && stack_pools(f.st)->small.used; i++)
        pass_time(130 * NS_PER_SEC);        /* R2 of a connection whose user is gone takes a quarter of an hour */
    REQUIRE(stack_pools(f.st)->small.used == 0);
    REQUIRE(stack_pools(f.st)->large.used == 0);
    stack_free(f.st);
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    begin();
    while (!r.bad && rd_left(&r) > 0) {
        const uint8_t op = rd_u8(&r);
        switch (op & 7) {
        case 0: frame_in(&r); break;
        case 1: segment_in(&r); break;
        case 2: packet_in(&r); break;
        case 3: pass_time((op >> 3) * (op >> 3) * (op >> 3) * NS_PER_MS); break;
        case 4: use_stream(op >> 3 & 7, rd_u8(&r) & 7); pull(); break;
        case 5: arp_in(&r); break;
        case 6: dhcp_in(&r); break;
        default: use_other(op >> 3 & 15); pull(); break;
        }
    }
    end();
}
