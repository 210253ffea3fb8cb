/* Packets are held back a moment (HOLD of them at the most), because the reason of
 * a drop is known only after the packet's event. */
#include "view/pcapng.h"
#include "base/checksum.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include <stdlib.h>

enum { HOLD = 64, LINK_ETHERNET = 1, LINK_RAW = 101, OPT_END = 0, OPT_COMMENT = 1, OPT_NAME = 2, OPT_TSRESOL = 9, EPB_FLAGS = 2 };

struct held { int64_t time_ns; uint32_t id, len; uint8_t iface; bool out; enum why why; uint8_t *bytes; };

struct pcapng {
    FILE *file;
    uint16_t node;
    int64_t epoch_ns;
    int number[IFACE_MAX];              /* of the interface in the file, from 1; 0: not named yet */
    bool ether[IFACE_MAX];
    int count;
    bool incomplete;                    /* there was no memory to hold a packet */
    uint32_t first, n;                  /* ring of held packets */
    struct held held[HOLD];
};

static void put32(FILE *f, uint32_t v) { fwrite(&v, 4, 1, f); }
static void put16(FILE *f, uint16_t v) { fwrite(&v, 2, 1, f); }

static uint32_t padded(uint32_t n) { return (n + 3) & ~3u; }
static uint32_t option_len(uint32_t n) { return n ? 4 + padded(n) : 0; }

static void put_padded(FILE *f, const void *bytes, uint32_t len)
{
    static const uint8_t zero[4];
    fwrite(bytes, 1, len, f);
    fwrite(zero, 1, padded(len) - len, f);
}

static void put_option(FILE *f, uint16_t code, const void *bytes, uint32_t len)
{
    if (len == 0)
        return;
    put16(f, code);
    put16(f, (uint16_t)len);
    put_padded(f, bytes, len);
}

struct pcapng *pcapng_new(FILE *file, uint16_t node, int64_t epoch_ns)
{
    static const char app[] = "plumb";
    struct pcapng *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct pcapng){ .file = file, .node = node, .epoch_ns = epoch_ns };
    const uint32_t len = 28 + option_len(sizeof app - 1) + 4;
    put32(file, 0x0a0d0d0a);
    put32(file, len);
    put32(file, 0x1a2b3c4d);
    put16(file, 1);
    put16(file, 0);
    put32(file, 0xffffffff);            /* section length: not given */
    put32(file, 0xffffffff);
    put_option(file, 4, app, sizeof app - 1);
    put32(file, OPT_END);
    put32(file, len);
    return p;
}

void pcapng_iface(struct pcapng *p, unsigned iface, const char *name, bool ether)
{
    static const uint8_t nanoseconds = 9;
    const uint32_t name_len = (uint32_t)strlen(name), len = 20 + option_len(name_len) + option_len(1) + 4;
    if (iface >= IFACE_MAX || p->number[iface])
        return;
    p->number[iface] = ++p->count;
    p->ether[iface] = ether;
    put32(p->file, 1);
    put32(p->file, len);
    put16(p->file, ether ? LINK_ETHERNET : LINK_RAW);
    put16(p->file, 0);
    put32(p->file, 0);                  /* no snap length: large packets are written whole */
    put_option(p->file, OPT_NAME, name, name_len);
    put_option(p->file, OPT_TSRESOL, &nanoseconds, 1);
    put32(p->file, OPT_END);
    put32(p->file, len);
}

static void write_packet(struct pcapng *p, const struct held *h)
{
    char comment[300] = "";
    if (h->why != WHY_NONE) {
        const char *section = why_section(h->why);
        snprintf(comment, sizeof comment, *section ? "plumb dropped it: %s (%s; %s)" : "plumb dropped it: %s (%s)",
                 why_text(h->why), why_name(h->why), section);
    }
    const uint32_t flags = h->out ? 2 : 1, comment_len = (uint32_t)strlen(comment);
    const uint32_t len = 32 + padded(h->len) + option_len(4) + option_len(comment_len) + 4;
    const uint64_t stamp = (uint64_t)(p->epoch_ns + h->time_ns);
    put32(p->file, 6);
    put32(p->file, len);
    put32(p->file, (uint32_t)(p->number[h->iface] - 1));
    put32(p->file, (uint32_t)(stamp >> 32));
    put32(p->file, (uint32_t)stamp);
    put32(p->file, h->len);
    put32(p->file, h->len);
    put_padded(p->file, h->bytes, h->len);
    put_option(p->file, EPB_FLAGS, &flags, 4);
    put_option(p->file, OPT_COMMENT, comment, comment_len);
    put32(p->file, OPT_END);
    put32(p->file, len);
}

static void release_first(struct pcapng *p)
{
    struct held *h = &p->held[p->first];
    write_packet(p, h);
    free(h->bytes);
    p->first = (p->first + 1) % HOLD;
    p->n--;
}

/* Whose checksum it is: the addresses, and where the transport header stands in the packet. */
struct upper { struct addr src, dst; uint8_t proto; size_t at, len; };

static bool find_upper(struct reader r, struct upper *out)
{
    struct ip4 h4;
    struct ip6 h6;
    const struct reader packet = r;
    if (ip4_read(&r, &h4) == WHY_NONE) {
        *out = (struct upper){ h4.src, h4.dst, h4.proto, h4.header_len, (size_t)h4.total_len - h4.header_len };
        return true;
    }
    r = packet;
    if (ip6_read(&r, &h6) != WHY_NONE)
        return false;
    const struct ip6_upper u = ip6_find_upper(packet);
    const size_t total = (size_t)IP6_HEADER + h6.payload_len;
    *out = (struct upper){ h6.src, h6.dst, u.proto, u.at, total - u.at };
    return u.at <= total;
}

/* A checksum left to the device is completed in the copy, so that the file shows
 * what stands on the wire. */
static void complete_csum(uint8_t *frame, uint32_t len, bool ether)
{
    struct reader r = reader_of(frame, len);
    struct eth e = { .type = ETH_IP4 };
    struct upper u;
    if ((ether && !eth_read(&r, &e)) || (e.type != ETH_IP4 && e.type != ETH_IP6) || !find_upper(r, &u))
        return;
    const size_t at = len - rd_left(&r) + u.at, field = u.proto == IP_TCP ? 16 : 6;
    if ((u.proto != IP_TCP && u.proto != IP_UDP) || at + u.len > len || u.len < field + 2)
        return;
    memset(frame + at + field, 0, 2);
    csum_t c = csum_pseudo(u.src, u.dst, u.proto, (uint32_t)u.len);
    uint16_t sum = csum_finish(csum_add(c, frame + at, u.len));
    if (sum == 0 && u.proto == IP_UDP)
        sum = 0xffff;
    memcpy(frame + at + field, &sum, 2);
}

static void hold(struct pcapng *p, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    const struct ev_pkt_in *in = EVENT_BODY_OF(e, pkt_in);      /* pkt_out has the same fields */
    if (in->iface >= IFACE_MAX || !p->number[in->iface])
        return;
    if (p->n == HOLD)
        release_first(p);
    struct held *h = &p->held[(p->first + p->n) % HOLD];
    *h = (struct held){ .time_ns = e->time_ns, .id = in->pkt, .len = n_bytes, .iface = in->iface, .out = e->kind == EV_pkt_out };
    h->bytes = malloc(n_bytes ? n_bytes : 1);
    if (!h->bytes) {
        p->incomplete = true;
        return;
    }
    memcpy(h->bytes, bytes, n_bytes);
    if (in->csum == CSUM_PARTIAL)
        complete_csum(h->bytes, n_bytes, p->ether[in->iface]);
    p->n++;
}

void pcapng_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct pcapng *p = arg;
    if (e->node != p->node)
        return;
    if ((e->kind == EV_pkt_in || e->kind == EV_pkt_out) && bytes)
        hold(p, e, bytes, n_bytes);
    if (e->kind != EV_pkt_drop)
        return;
    const struct ev_pkt_drop *d = EVENT_BODY_OF(e, pkt_drop);
    for (uint32_t i = 0; d->pkt && i < p->n; i++) {
        struct held *h = &p->held[(p->first + i) % HOLD];
        if (h->id == d->pkt && h->why == WHY_NONE)
            h->why = d->why;
    }
}

bool pcapng_free(struct pcapng *p)
{
    if (!p)
        return true;
    while (p->n)
        release_first(p);
    const bool whole = fflush(p->file) == 0 && !ferror(p->file) && !p->incomplete;
    free(p);
    return whole;
}
