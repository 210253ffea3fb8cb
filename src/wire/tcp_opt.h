/* TCP options: MSS (RFC 9293 §3.7.1), window scale and time stamps (RFC 7323),
 * SACK (RFC 2018), AccECN (RFC 9768), fast open cookie (RFC 7413, kept as bytes). */
#pragma once
#include "base/bytes.h"
#include "base/seq.h"

enum { TCP_SACK_MAX = 4, TCP_WSCALE_MAX = 14, TCP_COOKIE_MIN = 4, TCP_COOKIE_MAX = 16 };
struct tcp_sack { seq_t from, to; };

struct tcp_opt {
    uint16_t mss;                       /* valid when has_mss */
    uint8_t  wscale;                    /* as sent; above 14 counts as 14 (RFC 7323 §2.3) when used */
    uint8_t  n_sack;
    bool     has_mss, has_wscale, has_ts, sack_permitted;
    uint32_t ts_val, ts_ecr;
    struct tcp_sack sack[TCP_SACK_MAX];
    uint32_t user_timeout_s;            /* RFC 5482; 0: not there */
    uint8_t  n_accecn;                  /* RFC 9768 §3.2.3: how many of these were there, in this order */
    uint32_t accecn[3];                 /* bytes that came with ECT(0), CE, ECT(1), modulo 2^24 */
    bool     has_cookie;                /* RFC 7413 §4.1.1 */
    uint8_t  n_cookie;                  /* 0: one is asked for */
    uint8_t  cookie[TCP_COOKIE_MAX];
};

/* Reads all options in `r`.  False: a length is impossible ([MUST-7]: the segment
 * is refused, nothing crashes).  Unknown options are skipped by their length
 * [MUST-6]; a known option of a wrong length is ignored.  Any segment may carry
 * them [MUST-5], at any alignment [MUST-64]. */
bool tcp_opt_read(struct reader *r, struct tcp_opt *out);
/* Writes options padded to a multiple of 4 with NOPs as Linux does: MSS, SACK
 * permitted, TS, window scale; AccECN, then SACK blocks that fit in 40 bytes. */
void tcp_opt_write(struct writer *w, const struct tcp_opt *o);
