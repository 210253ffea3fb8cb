/* Small parts of a connection and of the instance, put together in conn.h, which names
 * their owners. */
#pragma once
#include "base/rng.h"
#include "base/seq.h"
#include "base/wheel.h"
#include "wire/ip.h"
#include <stdbool.h>
#include <stdint.h>

/* No holes: there are millions of connections. */
#define TIGHT __attribute__((packed, aligned(4)))

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
    bool  urgent : 1, fin : 1, fin_held : 1;    /* urgent data is announced; the peer's FIN was taken; fin_at is known */
};

struct tcp_rtt {
    int64_t srtt_ns, var_ns;
    int64_t min_ns, min_at_ns;          /* the least of the last minutes */
    seq_t   round;                      /* an ACK of it makes the next sample: one a round trip */
    uint8_t backoff;
} TIGHT;

struct tcp_fast_open {                  /* RFC 7413 */
    bool asks : 1, waits : 1;           /* our SYN is to carry the option; it waits for text */
    bool tried : 1, text_out : 1;       /* it left with it; and with text */
    bool grant : 1;                     /* our SYN-ACK brings a cookie */
    bool early : 1;                     /* text came under a good cookie: nobody need wait for the handshake */
    bool pending : 1;                   /* counts against its listener's limit */
    bool worked : 1;
};

/* Counts, and the time spent in each limit (info.c). */
enum tcp_limit { LIMIT_USER, LIMIT_NETWORK, LIMIT_WINDOW, LIMIT_BUFFER, TCP_LIMITS, LIMIT_RARE = LIMIT_WINDOW };
struct tcp_tally {
    uint32_t bytes_sent, bytes_acked, bytes_received;   /* what is above 32 bits is rare */
    uint32_t segs_in, segs_out, text_in, text_out;      /* as on the wire; text: those that carry some */
    int64_t  limit_ns[LIMIT_RARE];      /* less the moment when it began, while it lasts */
    uint8_t  limit;
    bool     begun;
} TIGHT;
struct tcp_tally_rare { uint64_t bytes_resent; int64_t limit_ns[TCP_LIMITS - LIMIT_RARE]; uint32_t sent_high, acked_high, received_high; };
struct tcp_tally_mark { seq_t una, nxt; bool opening; };

/* What size works and what does not; a probe under way (pmtud.c).  Sizes are those of IP packets. */
struct tcp_pmtu {
    uint16_t works, fails;              /* works 0: nothing was found out, the path's MTU holds */
    uint16_t probe;                     /* 0: none */
    seq_t    from, to;
    int64_t  next_ns;
};

/* What users seldom ask for; 0: the stack's (struct tcp_user_opt). */
struct tcp_asked {
    uint32_t user_timeout_ms;           /* 0: R2 counts instead */
    uint32_t told_timeout_s;            /* RFC 5482's ADV_UTO; 0: the peer is not told, nor listened to */
    uint32_t send_most, recv_most;      /* buffers: what it may queue and offer ever */
    uint16_t keep_idle_s, keep_interval_s, mss_max;
    uint8_t  keep_probes, retries_max;
};

/* Since when, and from where on, what the user reads is counted (window.c). */
struct tcp_reading { int64_t since_ns; seq_t from; } TIGHT;

/* How packets go to the peer: what of struct path (base/path.h) is not its addresses. */
struct tcp_way {
    uint32_t generation;                /* 0: never resolved */
    uint16_t mtu, gso_max;
    uint8_t  iface, tx_csum;
    uint16_t hop;                       /* HOP_NONE: the peer is on the link; HOP_RARE: rare->next_hop; else 1 + its number in tcp.hops */
};

struct tcp_owed {
    uint32_t bytes;                     /* of text not yet acknowledged */
    seq_t    last_ack;                  /* Last.ACK.sent (RFC 7323 §4.3) */
    uint8_t  parts;                     /* segments not yet acknowledged */
    uint8_t  each;                      /* segments that owe an ACK each */
    uint8_t  quick;                     /* segments still acknowledged one by one */
    bool     now : 1;                   /* one ACK is owed now */
    bool     pingpong : 1;              /* text goes both ways in turns */
    int64_t  heard_ns;                  /* the last text; 0: none yet */
} TIGHT;

struct tcp_pace {
    int64_t  next_ns;                   /* when what has left would have left at the rate */
    uint32_t free : 31;                 /* bytes that leave at once: nothing was in flight */
    uint32_t waits : 1;
} TIGHT;

enum tcp_ecn_mode { ECN_NONE, ECN_CLASSIC, ECN_ACCURATE };
struct tcp_ecn {
    uint8_t  mode;
    uint8_t  said;                      /* codepoint with which the peer's SYN came */
    bool     send_ect : 1;              /* our text is ECN-capable */
    bool     echo : 1, cwr_due : 1;     /* classic: ECE until CWR comes; we have reduced and are to say so */
    bool     answer_due : 1, heard : 1, skip : 1;   /* the ACK of the SYN-ACK; the first ACE; it was no counter */
    bool     last_ce : 1, to_tell : 1, tell_now : 1;
    bool     reduced : 1;               /* for a mark among what was sent before reduced_to */
    uint8_t  r_cep, s_cep, acks;        /* RFC 9768 §3.2.1, of which the low three bits are told; ACKs since the option */
    uint32_t r_e0b;
};
struct tcp_ecn_marked {                 /* bytes counted beside r_e0b; r_e1b counts from 0 here */
    uint32_t r_ceb, r_e1b, s_ceb, marks;
    seq_t    reduced_to;
};

struct tcp_due { bool syn : 1, probe : 1, keepalive : 1, force : 1, update : 1, tail : 1; };

struct tcp_ts { uint32_t recent, offset; int64_t recent_ns : 63; uint64_t on : 1; } TIGHT;

/* What exists only while a timer runs, or counts. */
struct tcp_timers {
    struct wheel_timer wheel;           /* the earliest of those below, or earlier */
    struct tcp_conn *conn;
    int64_t rto_ns;                     /* retransmit, or persist while nothing is in flight */
    int64_t reo_ns, pto_ns;             /* RACK's reordering timer; the tail loss probe */
    int64_t delack_ns;
    int64_t idle_ns;                    /* keepalive, or FIN-WAIT-2 of a user who is gone */
    int64_t waiting_ns;                 /* since when something waits for an acknowledgment, or for a window; 0: nothing does */
    uint8_t retries, probes;
    bool    held;                       /* one of them is expiring */
};
extern const struct tcp_timers tcp_no_timers;

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
