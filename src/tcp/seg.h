/* One arriving segment, in the RFC's names (RFC 9293 §3.3.1), and its fate. */
#pragma once
#include "base/pkt.h"
#include "base/seq.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"

/* Every segment has one fate.  Dropped segments were counted with their reason. */
typedef enum { SEG_TAKEN, SEG_DROPPED, SEG_GOES_ON } seg_fate;     /* the last between steps only */

struct tcp_seg {
    struct pkt    *pkt;                 /* NULL once dropped */
    const uint8_t *text;
    seq_t    seq, ack;                  /* SEG.SEQ, SEG.ACK */
    uint32_t len;                       /* SEG.LEN: text, SYN and FIN */
    uint32_t text_len;
    uint32_t wnd;                       /* SEG.WND, not yet scaled */
    uint16_t urgent;
    uint16_t part;                      /* text bytes per wire segment; a large packet holds several */
    uint8_t  flags;
    uint8_t  ecn, ace;                  /* codepoint of IP; AE, CWR and ECE as a number */
    bool     has_ts;
    uint32_t user_timeout_s;            /* RFC 5482; 0: not there */
    uint32_t ts_val, ts_ecr;
    uint16_t local_port, remote_port;
    struct addr local, remote;
    int64_t  time_ns;                   /* when it arrived */
    int64_t  now_ns;
    struct tcp_opt opt;                 /* of other segments than SYNs: SACK blocks and AccECN only */
};
