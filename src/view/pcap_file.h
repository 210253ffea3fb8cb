/* Captures as files: pcap, in microseconds or nanoseconds, and pcapng, of either byte order, read; both written. */
#pragma once
#include "base/bytes.h"
#include <stdio.h>

enum { PCAP_IFACES = 64, PCAP_ERROR = 120, PCAP_SNAP_MAX = 262144 };
enum pcap_link { PCAP_LINK_NULL = 0, PCAP_LINK_ETHERNET = 1, PCAP_LINK_RAW = 101, PCAP_LINK_LOOP = 108, PCAP_LINK_SLL = 113,
                 PCAP_LINK_IP4 = 228, PCAP_LINK_IP6 = 229, PCAP_LINK_SLL2 = 276 };

struct pcap_packet {
    int64_t  time_ns;                   /* since 1970; 0 when the file does not say */
    uint32_t len, link;                 /* bytes it had; enum pcap_link */
    unsigned iface;                     /* its number in the file */
    const uint8_t *bytes;               /* lent by the file */
    uint32_t n_bytes;
    const char *comment;                /* not terminated; NULL: none */
    uint32_t comment_len;
};

struct pcap_reader {
    struct reader r;
    bool ng, swapped, nanoseconds;
    uint32_t link;                      /* pcap's */
    unsigned n_ifaces;
    struct { uint32_t link; uint64_t units; bool binary; uint8_t exponent; } iface[PCAP_IFACES];
    char error[PCAP_ERROR];             /* "": none */
};

/* False: it is no capture (`error` says so). */
bool pcap_begin(struct pcap_reader *p, const void *bytes, size_t len);
/* False: no more; `error` is set when the file is cut short or malformed. */
bool pcap_next(struct pcap_reader *p, struct pcap_packet *out);

/* What begins at the network layer: how many bytes of a link's own stand before it, and the EtherType that it says.
 * False: a link not known here. */
bool pcap_network(const struct pcap_packet *k, uint32_t *skip, uint16_t *ether_type);

/* The beginning of a file of one interface, and a packet.  `n_bytes` of it are kept. */
void pcap_write_begin(FILE *to, bool ng, uint32_t link, const char *iface);
void pcap_write(FILE *to, bool ng, const struct pcap_packet *k);
