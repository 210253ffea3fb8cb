/* Small parts of a connection and of the instance, put together in conn.h, which names
 * their owners. */
#pragma once
#include "base/rng.h"
#include "base/seq.h"
#include "wire/ip.h"
#include <stdbool.h>
#include <stdint.h>

struct tcp_snd {                        /* RFC 9293 §3.3.1 */
    seq_t una, nxt;                     /* nxt never goes back: retransmission has its own pointer */
    seq_t wl1, wl2, iss;
    seq_t end;                          /* behind the last byte the user committed; the FIN's number */
    seq_t push;                         /* behind the last byte pushed */
    seq_t up;                           /* behind the urgent data */
    uint32_t wnd, max_wnd;
};

struct tcp_rcv {
    seq_t nxt, irs;
    seq_t edge;                         /* the largest RCV.NXT+RCV.WND ever offered */
    seq_t read;                         /* the next byte the user will consume */
    seq_t up;                           /* behind the urgent data */
    seq_t fin_at;                       /* where a FIN stands that came out of order */
    bool  urgent, fin, fin_held;        /* urgent data is announced; the peer's FIN was taken; fin_at is known */
};

struct tcp_rtt {
    int64_t srtt_ns, var_ns, rto_ns;
    int64_t min_ns, min_at_ns;          /* the least of the last minutes */
    seq_t   round;                      /* an ACK of it makes the next sample: one a round trip */
    uint8_t backoff;
};

struct tcp_fast_open {                  /* RFC 7413 */
    bool asks : 1, waits : 1;           /* our SYN is to carry the option; it waits for text */
    bool tried : 1, text_out : 1;       /* it left with it; and with text */
    bool grant : 1;                     /* our SYN-ACK brings a cookie */
    bool early : 1;                     /* text came under a good cookie: nobody need wait for the handshake */
    bool pending : 1;                   /* counts against its listener's limit */
    bool worked : 1;
};

/* Counts, and the time spent in each limit (info.c). */
enum tcp_limit { LIMIT_USER, LIMIT_NETWORK, LIMIT_WINDOW, LIMIT_BUFFER, TCP_LIMITS };
struct tcp_tally {
    uint64_t bytes_sent, bytes_resent, bytes_acked, bytes_received;
    uint32_t segs_in, segs_out, text_in, text_out;      /* as on the wire; text: those that carry some */
    int64_t  since_ns, begin_ns, limit_ns[TCP_LIMITS];
    uint8_t  limit;
};
struct tcp_tally_mark { seq_t una, nxt; bool opening; };

/* What size works and what does not; a probe under way (pmtud.c).  Sizes are those of IP packets. */
struct tcp_pmtu {
    uint16_t works, fails;              /* works 0: nothing was found out, the path's MTU holds */
    uint16_t probe;                     /* 0: none */
    seq_t    from, to;
    int64_t  next_ns;
};

/* Since when, and from where on, what the user reads is counted (window.c). */
struct tcp_reading { int64_t since_ns; seq_t from; };

struct tcp_reply {
    struct flow flow;
    seq_t    seq, ack;
    uint32_t ts_val, ts_ecr;
    uint16_t window;
    uint8_t  flags, wscale;
    bool     has_ts, has_wscale, sack_permitted;    /* the last two with SYN only */
};

/* Two secrets at a time, each for so long (cookie.c). */
struct tcp_cookies { struct sipkey key[2]; int64_t period; };
