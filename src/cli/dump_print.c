#include "cli/dump_print.h"
#include "base/addr.h"
#include "base/checksum.h"
#include "base/time.h"
#include "view/packet_line.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include <inttypes.h>
#include <time.h>

enum { HEX_LINK = 2, HEX_TEXT = 4, HEX_ROW = 16 };

static void print_clock(int64_t ns, bool date, FILE *to)
{
    const time_t seconds = (time_t)(ns / NS_PER_SEC);
    struct tm t;
    char text[40] = "?";
    if (localtime_r(&seconds, &t))
        strftime(text, sizeof text, date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &t);
    fprintf(to, "%s.%06" PRId64 " ", text, ns % NS_PER_SEC / 1000);
}

static void print_span(int64_t ns, FILE *to)
{
    fprintf(to, "%s%" PRId64 ".%06" PRId64 " ", ns < 0 ? "-" : "", (ns < 0 ? -ns : ns) / NS_PER_SEC, (ns < 0 ? -ns : ns) % NS_PER_SEC / 1000);
}

static void print_time(const struct dump_style *s, struct dump_times *t, int64_t ns, FILE *to)
{
    if (!t->any)
        t->first_ns = t->last_ns = ns;
    t->any = true;
    switch (s->time) {
    case DUMP_CLOCK:       print_clock(ns, false, to); break;
    case DUMP_DATE:        print_clock(ns, true, to); break;
    case DUMP_EPOCH:       print_span(ns, to); break;
    case DUMP_SINCE_LAST:  print_span(ns - t->last_ns, to); break;
    case DUMP_SINCE_FIRST: print_span(ns - t->first_ns, to); break;
    case DUMP_NO_TIME:     break;
    }
    t->last_ns = ns;
}

static void print_link(const struct pcap_packet *k, FILE *to)
{
    char src[MAC_TEXT], dst[MAC_TEXT];
    struct reader r = reader_of(k->bytes, k->n_bytes);
    struct eth e;
    if (k->link == PCAP_LINK_ETHERNET && eth_read(&r, &e))
        fprintf(to, "%s > %s, type 0x%04x, length %u: ", mac_text(e.src, src), mac_text(e.dst, dst), e.type, k->len);
    else
        fprintf(to, "link type %u, length %u: ", k->link, k->len);
}

/* As packet_line wants it: an Ethernet frame, or what begins with IP. */
static const char *line_of(const struct pcap_packet *k, char out[PACKET_LINE])
{
    uint8_t framed[ETH_HEADER + 2048] = { 0 };
    uint32_t skip = 0;
    uint16_t type = 0;
    if (k->link == PCAP_LINK_ETHERNET)
        return packet_line(k->bytes, k->n_bytes, true, out);
    if (!pcap_network(k, &skip, &type) || skip > k->n_bytes) {
        snprintf(out, PACKET_LINE, "link type %u len %u", k->link, k->len);
        return out;
    }
    if (type == ETH_IP4 || type == ETH_IP6)
        return packet_line(k->bytes + skip, k->n_bytes - skip, false, out);
    const uint32_t n = k->n_bytes - skip < 2048 ? k->n_bytes - skip : 2048;
    store_be16(framed + 12, type);
    memcpy(framed + ETH_HEADER, k->bytes + skip, n);
    return packet_line(framed, ETH_HEADER + n, true, out);
}

static bool find_network(const struct pcap_packet *k, struct reader *out, uint16_t *type)
{
    uint32_t skip;
    *out = reader_of(k->bytes, k->n_bytes);
    if (!pcap_network(k, &skip, type))
        return false;
    rd_skip(out, skip);
    return !out->bad;
}

static void print_ip4(struct reader r, FILE *to)
{
    struct reader at = r;
    struct ip4 h;
    const enum why why = ip4_read(&at, &h);
    if (why == WHY_NONE)
        fprintf(to, "    IPv4 tos 0x%x, ttl %u, id %u, offset %u, flags [%s%s], proto %u, length %u, header checksum right\n", h.tos, h.ttl, h.id,
                h.frag_offset, h.dont_fragment ? "DF" : h.more_fragments ? "" : "none", h.more_fragments ? "+" : "", h.proto, h.total_len);
    else
        fprintf(to, "    IPv4: %s\n", why_text(why));
}

static void print_ip6(struct reader r, FILE *to)
{
    struct reader at = r;
    struct ip6 h;
    struct ip6_chain c;
    const enum why why = ip6_read(&at, &h);
    if (why != WHY_NONE) {
        fprintf(to, "    IPv6: %s\n", why_text(why));
        return;
    }
    fprintf(to, "    IPv6 class 0x%02x, flowlabel 0x%05x, hop limit %u, next header %u, payload length %u", h.traffic_class, h.flow_label, h.hop_limit, h.next,
            h.payload_len);
    if (h.next != IP_TCP && h.next != IP_UDP && h.next != IP_ICMP6 && ip6_chain_read(r, &c) == WHY_NONE)
        fprintf(to, ", upper layer %u at %u", c.proto, c.upper);
    putc('\n', to);
}

static void print_verbose(const struct pcap_packet *k, FILE *to)
{
    struct reader r;
    uint16_t type;
    if (!find_network(k, &r, &type))
        return;
    if (type == ETH_IP4)
        print_ip4(r, to);
    else if (type == ETH_IP6)
        print_ip6(r, to);
}

static void print_row(struct reader *r, unsigned at, bool text, FILE *to)
{
    char shown[HEX_ROW + 1] = "";
    unsigned n = 0;
    fprintf(to, "\t0x%04x: ", at);
    for (; n < HEX_ROW && rd_left(r); n++) {
        const uint8_t b = rd_u8(r);
        fprintf(to, n % 2 ? "%02x" : " %02x", b);
        shown[n] = b >= 0x20 && b < 0x7f ? (char)b : '.';
    }
    shown[n] = '\0';
    if (text)
        fprintf(to, "%*s%s", (int)(2 + (HEX_ROW - n) * 2 + (HEX_ROW - n) / 2), "", shown);
    putc('\n', to);
}

static void print_hex(const struct dump_style *s, const struct pcap_packet *k, FILE *to)
{
    uint16_t type;
    struct reader r;
    if (s->hex & HEX_LINK || !find_network(k, &r, &type))
        r = reader_of(k->bytes, k->n_bytes);
    for (unsigned at = 0; rd_left(&r); at += HEX_ROW)
        print_row(&r, at, s->hex & HEX_TEXT, to);
}

void dump_print(const struct dump_style *s, struct dump_times *t, const struct pcap_packet *k, FILE *to)
{
    char line[PACKET_LINE];
    print_time(s, t, k->time_ns, to);
    if (s->ether)
        print_link(k, to);
    fprintf(to, "%s\n", line_of(k, line));
    if (k->comment_len && s->verbose)
        fprintf(to, "    %.*s\n", (int)k->comment_len, k->comment);
    if (s->verbose)
        print_verbose(k, to);
    if (s->hex)
        print_hex(s, k, to);
}

void dump_json(struct json *j, const struct pcap_packet *k)
{
    char line[PACKET_LINE];
    json_open(j, NULL, '{');
    json_int(j, "time_ns", k->time_ns);
    json_int(j, "interface", k->iface);
    json_int(j, "length", k->len);
    json_int(j, "captured", k->n_bytes);
    json_text(j, "packet", line_of(k, line));
    json_close(j, '{');
}
