#include "view/pcap_file.h"
#include "base/time.h"
#include "wire/eth.h"

enum { MAGIC_US = (int)0xa1b2c3d4, MAGIC_NS = (int)0xa1b23c4d, BLOCK_SECTION = 0x0a0d0d0a, BLOCK_IFACE = 1, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6,
       ORDER = 0x1a2b3c4d, OPT_END = 0, OPT_COMMENT = 1, OPT_TSRESOL = 9, RAW_ALSO = 12, RAW_OPENBSD = 14 };

static uint32_t swap32(uint32_t v) { return __builtin_bswap32(v); }

/* Little-endian unless the file says otherwise: the reader's own order is the network's. */
static uint32_t get32(struct pcap_reader *p, struct reader *r)
{
    const uint32_t v = rd_u32(r);
    return p->swapped ? v : swap32(v);
}
static uint16_t get16(struct pcap_reader *p, struct reader *r)
{
    const uint16_t v = rd_u16(r);
    return p->swapped ? v : __builtin_bswap16(v);
}

static bool fail(struct pcap_reader *p, const char *why)
{
    snprintf(p->error, sizeof p->error, "%s", why);
    return false;
}

/* Some files have the number of the operating system where the registry's belongs. */
static uint32_t link_of(uint32_t link) { return link == RAW_ALSO || link == RAW_OPENBSD ? (uint32_t)PCAP_LINK_RAW : link; }

/* ------------------------------------------------------------------- pcap */

static bool begin_pcap(struct pcap_reader *p, uint32_t magic)
{
    p->nanoseconds = magic == (uint32_t)MAGIC_NS;
    rd_skip(&p->r, 4 + 16);
    p->link = link_of(get32(p, &p->r) & 0xffff);
    return p->r.bad ? fail(p, "the file ends within its header") : true;
}

static bool next_pcap(struct pcap_reader *p, struct pcap_packet *out)
{
    if (rd_left(&p->r) == 0)
        return false;
    const int64_t seconds = get32(p, &p->r), part = get32(p, &p->r);
    const uint32_t n = get32(p, &p->r), len = get32(p, &p->r);
    *out = (struct pcap_packet){ .time_ns = seconds * NS_PER_SEC + part * (p->nanoseconds ? 1 : 1000), .len = len, .link = p->link, .n_bytes = n };
    out->bytes = n <= PCAP_SNAP_MAX ? rd_bytes(&p->r, n) : NULL;
    return out->bytes || (fail(p, n <= PCAP_SNAP_MAX ? "the file ends within a packet" : "a packet of an impossible length"), false);
}

/* ----------------------------------------------------------------- pcapng */

/* Options from `r` on; the value of one, or a bad reader. */
static struct reader find_option(struct pcap_reader *p, struct reader r, uint16_t wanted)
{
    while (rd_left(&r) >= 4) {
        const uint16_t code = get16(p, &r), len = get16(p, &r);
        struct reader value = rd_sub(&r, len);
        rd_skip(&r, (4u - len % 4u) % 4u);
        if (code == OPT_END || value.bad)
            break;
        if (code == wanted)
            return value;
    }
    return (struct reader){ .bad = true };
}

static bool take_section(struct pcap_reader *p, struct reader *body)
{
    const uint32_t order = rd_u32(body);
    p->swapped = order == (uint32_t)ORDER;
    if (!p->swapped && order != swap32(ORDER))
        return fail(p, "a section of no known byte order");
    p->n_ifaces = 0;
    return true;
}

static bool take_iface(struct pcap_reader *p, struct reader *body)
{
    if (p->n_ifaces == PCAP_IFACES)
        return fail(p, "more interfaces than are known here");
    const uint16_t link = get16(p, body);
    rd_skip(body, 6);
    if (body->bad)
        return fail(p, "an interface cut short");
    struct reader option = find_option(p, *body, OPT_TSRESOL);
    const uint8_t resolution = option.bad ? 6 : rd_u8(&option);
    p->iface[p->n_ifaces].link = link_of(link);
    p->iface[p->n_ifaces].binary = resolution & 0x80;
    p->iface[p->n_ifaces++].exponent = resolution & 0x7f;
    return true;
}

static int64_t time_of(const struct pcap_reader *p, unsigned iface, uint64_t units)
{
    const uint8_t exponent = p->iface[iface].exponent;
    uint64_t per_s = 1;
    if (p->iface[iface].binary)
        return exponent > 63 ? 0 : (int64_t)((units >> exponent) % (UINT64_C(1) << 32) * (uint64_t)NS_PER_SEC +
                                             (uint64_t)((double)(units & ((UINT64_C(1) << exponent) - 1)) / (double)(UINT64_C(1) << exponent) * 1e9));
    for (unsigned i = 0; i < exponent && i < 19; i++)
        per_s *= 10;
    const uint64_t seconds = units / per_s % (UINT64_C(1) << 32), part = units % per_s;
    return (int64_t)(seconds * (uint64_t)NS_PER_SEC + (exponent <= 9 ? part * ((uint64_t)NS_PER_SEC / per_s) : part / (per_s / (uint64_t)NS_PER_SEC)));
}

static bool take_packet(struct pcap_reader *p, struct reader *body, bool simple, struct pcap_packet *out)
{
    *out = (struct pcap_packet){ .iface = simple ? 0 : get32(p, body) };
    if (out->iface >= p->n_ifaces)
        return fail(p, "a packet of an interface that was not named");
    if (!simple) {
        const uint64_t high = get32(p, body), low = get32(p, body);
        out->time_ns = time_of(p, out->iface, high << 32 | low);
        out->n_bytes = get32(p, body);
    }
    out->len = get32(p, body);
    if (simple)
        out->n_bytes = out->len < rd_left(body) ? out->len : (uint32_t)rd_left(body);
    out->link = p->iface[out->iface].link;
    out->bytes = rd_bytes(body, out->n_bytes);
    if (!out->bytes)
        return fail(p, "a packet cut short");
    rd_skip(body, (4u - out->n_bytes % 4u) % 4u);
    struct reader comment = body->bad ? *body : find_option(p, *body, OPT_COMMENT);
    if (comment.bad)
        return true;
    out->comment = (const char *)comment.at;
    out->comment_len = (uint32_t)rd_left(&comment);
    return true;
}

static bool next_pcapng(struct pcap_reader *p, struct pcap_packet *out)
{
    while (rd_left(&p->r) > 0) {
        struct reader peek = p->r;
        const uint32_t type = get32(p, &peek), unordered = rd_u32(&peek);
        if (type == BLOCK_SECTION)      /* it may change the order of its own length */
            p->swapped = rd_u32(&peek) == (uint32_t)ORDER;
        const uint32_t len = p->swapped ? unordered : swap32(unordered);
        if (peek.bad || len < 12 || len % 4 || len > rd_left(&p->r))
            return fail(p, "the file ends within a block, or is none");
        rd_skip(&p->r, 8);
        struct reader body = rd_sub(&p->r, len - 12);
        rd_skip(&p->r, 4);
        if (type == BLOCK_PACKET || type == BLOCK_SIMPLE)
            return take_packet(p, &body, type == BLOCK_SIMPLE, out);
        if ((type == BLOCK_SECTION && !take_section(p, &body)) || (type == BLOCK_IFACE && !take_iface(p, &body)))
            return false;
    }
    return false;
}

bool pcap_begin(struct pcap_reader *p, const void *bytes, size_t len)
{
    *p = (struct pcap_reader){ .r = reader_of(bytes, len) };
    struct reader r = p->r;
    const uint32_t magic = rd_u32(&r);
    p->ng = magic == BLOCK_SECTION;
    p->swapped = magic == (uint32_t)MAGIC_US || magic == (uint32_t)MAGIC_NS;
    if (p->ng && !r.bad)
        return true;
    if (p->swapped || swap32(magic) == (uint32_t)MAGIC_US || swap32(magic) == (uint32_t)MAGIC_NS)
        return begin_pcap(p, p->swapped ? magic : swap32(magic));
    return fail(p, "it is neither a pcap nor a pcapng file");
}

bool pcap_next(struct pcap_reader *p, struct pcap_packet *out)
{
    if (*p->error)
        return false;
    return p->ng ? next_pcapng(p, out) : next_pcap(p, out);
}

/* ------------------------------------------------------------------ links */

bool pcap_network(const struct pcap_packet *k, uint32_t *skip, uint16_t *ether_type)
{
    struct reader r = reader_of(k->bytes, k->n_bytes);
    switch (k->link) {
    case PCAP_LINK_ETHERNET: *skip = ETH_HEADER; rd_skip(&r, 12); *ether_type = rd_u16(&r); return true;
    case PCAP_LINK_SLL:      *skip = 16; rd_skip(&r, 14); *ether_type = rd_u16(&r); return true;
    case PCAP_LINK_SLL2:     *skip = 20; *ether_type = rd_u16(&r); return true;
    case PCAP_LINK_NULL: case PCAP_LINK_LOOP: *skip = 4; rd_skip(&r, 4); break;
    case PCAP_LINK_RAW: case PCAP_LINK_IP4: case PCAP_LINK_IP6: *skip = 0; break;
    default: return false;
    }
    *ether_type = rd_left(&r) && *r.at >> 4 == 6 ? ETH_IP6 : ETH_IP4;
    return true;
}

/* ---------------------------------------------------------------- writing */

static void put32(FILE *f, uint32_t v) { fwrite(&v, 4, 1, f); }
static void put16(FILE *f, uint16_t v) { fwrite(&v, 2, 1, f); }

static void put_padded(FILE *f, const void *bytes, uint32_t len)
{
    static const uint8_t zero[4];
    fwrite(bytes, 1, len, f);
    fwrite(zero, 1, (4 - len % 4) % 4, f);
}

static uint32_t padded(uint32_t n) { return (n + 3) & ~3u; }

void pcap_write_begin(FILE *to, bool ng, uint32_t link, const char *iface)
{
    static const uint8_t nanoseconds = 9;
    const uint32_t name_len = (uint32_t)strlen(iface), len = 20 + 4 + padded(name_len) + 8 + 4;
    if (!ng) {
        put32(to, (uint32_t)MAGIC_NS);
        put16(to, 2);
        put16(to, 4);
        put32(to, 0);
        put32(to, 0);
        put32(to, PCAP_SNAP_MAX);
        put32(to, link);
        return;
    }
    put32(to, BLOCK_SECTION);
    put32(to, 28);
    put32(to, ORDER);
    put16(to, 1);
    put16(to, 0);
    put32(to, UINT32_MAX);              /* the section's length: not given */
    put32(to, UINT32_MAX);
    put32(to, 28);
    put32(to, BLOCK_IFACE);
    put32(to, len);
    put16(to, (uint16_t)link);
    put16(to, 0);
    put32(to, PCAP_SNAP_MAX);
    put16(to, 2);                       /* its name */
    put16(to, (uint16_t)name_len);
    put_padded(to, iface, name_len);
    put16(to, OPT_TSRESOL);
    put16(to, 1);
    put_padded(to, &nanoseconds, 1);
    put32(to, OPT_END);
    put32(to, len);
}

void pcap_write(FILE *to, bool ng, const struct pcap_packet *k)
{
    if (!ng) {
        put32(to, (uint32_t)(k->time_ns / NS_PER_SEC));
        put32(to, (uint32_t)(k->time_ns % NS_PER_SEC));
        put32(to, k->n_bytes);
        put32(to, k->len);
        fwrite(k->bytes, 1, k->n_bytes, to);
        return;
    }
    const uint32_t comment = k->comment_len ? 4 + padded(k->comment_len) + 4 : 0, len = 32 + padded(k->n_bytes) + comment;
    put32(to, BLOCK_PACKET);
    put32(to, len);
    put32(to, 0);
    put32(to, (uint32_t)((uint64_t)k->time_ns >> 32));
    put32(to, (uint32_t)k->time_ns);
    put32(to, k->n_bytes);
    put32(to, k->len);
    put_padded(to, k->bytes, k->n_bytes);
    if (comment) {
        put16(to, OPT_COMMENT);
        put16(to, (uint16_t)k->comment_len);
        put_padded(to, k->comment, k->comment_len);
        put32(to, OPT_END);
    }
    put32(to, len);
}
