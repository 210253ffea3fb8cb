/* A capture file of any bytes: packets lie within it, print, and are written so that they read the same again.
 * covers: src/view/pcap_file.c src/view/packet_line.c src/view/packet_icmp.c src/view/packet_upper.c */
#include "fuzz.h"
#include "view/packet_line.h"
#include "view/pcap_file.h"

static void again(const struct pcap_packet *k, bool ng)
{
    char *text = NULL;
    size_t len;
    struct pcap_reader p;
    struct pcap_packet back;
    FILE *f = open_memstream(&text, &len);
    REQUIRE(f);
    pcap_write_begin(f, ng, k->link & 0xffff, "x");
    pcap_write(f, ng, k);
    fclose(f);
    REQUIRE(pcap_begin(&p, text, len) && pcap_next(&p, &back));
    REQUIRE(back.n_bytes == k->n_bytes && back.len == k->len && memcmp(back.bytes, k->bytes, k->n_bytes) == 0);
    REQUIRE(k->time_ns / 1000000000 > UINT32_MAX || back.time_ns == k->time_ns);
    REQUIRE(!ng || back.comment_len == (k->comment_len & 0xffff));
    REQUIRE(!pcap_next(&p, &back) && !*p.error);
    free(text);
}

FUZZ(data, size)
{
    struct pcap_reader p;
    struct pcap_packet k;
    char line[PACKET_LINE];
    if (!pcap_begin(&p, data, size)) {
        REQUIRE(*p.error);
        return;
    }
    for (unsigned n = 0; n < 100 && pcap_next(&p, &k); n++) {
        uint32_t skip = 0;
        uint16_t type;
        REQUIRE(k.bytes >= data && k.bytes + k.n_bytes <= data + size && k.time_ns >= 0);
        REQUIRE(*packet_line(k.bytes, k.n_bytes, true, line));
        if (pcap_network(&k, &skip, &type) && skip <= k.n_bytes)
            REQUIRE(*packet_line(k.bytes + skip, k.n_bytes - skip, false, line));
        (void)packet_kind(k.bytes, k.n_bytes, true);
        again(&k, n % 2);
    }
}
