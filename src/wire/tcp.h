/* The TCP header (RFC 9293 §3.1). */
#pragma once
#include "base/bytes.h"
#include "base/seq.h"

enum { TCP_HEADER = 20, TCP_HEADER_MAX = 60 };
enum tcp_flag { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

struct tcp_header {
    uint16_t src_port, dst_port;
    seq_t    seq, ack;
    uint8_t  header_len;                /* bytes, options included */
    uint8_t  flags;                     /* enum tcp_flag */
    uint8_t  ae;                        /* the AE (former NS) bit: 0 or 1 */
    uint16_t window;                    /* as on the wire, unscaled */
    uint16_t checksum;                  /* memory order */
    uint16_t urgent;
};

/* False: short, or a header length below 20 or beyond the bytes.  `r` then stands
 * at the options, header_len - 20 bytes long. */
bool tcp_header_read(struct reader *r, struct tcp_header *out);
/* Writes the fixed 20 bytes; header_len says what options follow. */
void tcp_header_write(struct writer *w, const struct tcp_header *h);
