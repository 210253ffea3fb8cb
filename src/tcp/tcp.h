/* TCP: the machine of RFC 9293, driven by stack/ and used through socket/net.h.
 *
 * Arrive decides, output sends: tcp_in only notes what is owed; tcp_out is the
 * only exit and is idempotent.  Nothing here calls the user: readiness is a list
 * that stack/ drains between steps. */
#pragma once
#include "base/err.h"
#include "base/path.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "base/seq.h"
#include "tcp/state.h"
#include "trace/trace.h"
#include "wire/ip.h"
#include "wire/steer.h"

struct tcp; struct tcp_conn; struct tcp_listener;

/* Congestion control: CUBIC (RFC 9438) unless something else is asked for. */
enum tcp_cc_choice { TCP_CC_DEFAULT, TCP_CC_CUBIC, TCP_CC_RENO, TCP_CC_BBR, TCP_CC_COUNT };
const char *tcp_cc_name(const struct tcp *t, enum tcp_cc_choice choice);
enum tcp_cc_choice tcp_cc_named(const char *name);      /* "cubic", "reno", "bbr"; TCP_CC_DEFAULT: no such */

/* Explicit congestion notification: never; answered but not asked for; RFC 3168; RFC 9768,
 * with RFC 3168 for peers that know no more. */
enum tcp_ecn_choice { TCP_ECN_DEFAULT, TCP_ECN_OFF, TCP_ECN_CLASSIC, TCP_ECN_PASSIVE, TCP_ECN_ACCURATE };

/* All-zero gives the defaults in brackets. */
struct tcp_config {
    uint32_t max_conns;                 /* [4096] */
    uint32_t max_time_wait;             /* records of TIME-WAIT [max_conns]; beyond, the oldest goes early */
    uint16_t first_port, last_port;     /* ephemeral ports [32768, 65535] */
    uint32_t max_loans;                 /* pieces of text lent at once (tcp_lend) [4096] */
    uint32_t max_blocks;                /* buffer blocks of TCP_BLOCK bytes in the whole stack [16384] */
    /* Bytes per connection: fixed when set; else they begin with `start` and follow the path up to `most`. */
    uint32_t send_buffer, recv_buffer;
    uint32_t send_start, send_most;     /* [64 KiB, 6 MiB] */
    uint32_t recv_start, recv_most;     /* [64 KiB, 6 MiB]; the largest window and its scale follow from recv_most */
    uint32_t initial_window;            /* segments [10]; not used with rfc5681 */
    uint8_t  congestion;                /* enum tcp_cc_choice [CUBIC] */
    uint8_t  ecn;                       /* enum tcp_ecn_choice [ACCURATE] */
    uint8_t  fast_open;                 /* bits: 1 every OPEN asks for it and waits for text, 2 every listener takes it [0: who asks] */
    bool     fast_open_fixed;           /* cookies are made with fast_open_key, which several hosts may share, not with a secret of the stack */
    uint64_t fast_open_key[2];
    struct steer steer;                 /* one shard of several: an OPEN picks ports whose flows come home to it */
    bool     shared;                    /* all secrets follow from `secret`, which the shards have in common */
    uint64_t secret[2];
    int64_t  rto_min_ns;                /* [200 ms]; 1 s in the RFC-plain profile */
    int64_t  rto_initial_ns;            /* [1 s] */
    int64_t  delayed_ack_ns;            /* [40 ms]; at most 500 ms */
    int64_t  msl_ns;                    /* [30 s]; TIME-WAIT lasts twice this */
    int64_t  keepalive_idle_ns, keepalive_interval_ns;  /* [7200 s, 75 s] */
    uint8_t  keepalive_probes;          /* [9] */
    uint8_t  syn_retries, synack_retries, retries;      /* R2, counted [7, 5, 15]: 7 keep a SYN trying for 4 minutes [MUST-23] */
    uint8_t  wscale_least;              /* windows are scaled at least so much, though the buffer does not need it [0] */
    bool     no_timestamps, no_wscale, no_sack;     /* options not offered */
    enum { SYN_COOKIES_WHEN_FULL, SYN_COOKIES_NEVER, SYN_COOKIES_ALWAYS } syn_cookies;    /* [when a SYN queue is full] */
    enum { MTU_PROBING_BLACK_HOLE, MTU_PROBING_OFF, MTU_PROBING_ALWAYS } mtu_probing;    /* RFC 4821 [when large segments vanish] */
    bool     no_quick_acks;             /* the first segments are not acknowledged one by one */
    bool     time_wait_rst;             /* a RST ends TIME-WAIT (RFC 9293); else it is ignored (RFC 1337) */
    bool     no_time_wait_reuse;        /* an OPEN never takes the place of TIME-WAIT */
    bool     rfc5681;                   /* initial window of 2 to 4 segments; slow start by one segment an ACK */
    bool     no_pacing;                 /* the window leaves at once */
    bool     push_large;                /* PSH on what is larger than a segment, as Linux does: its receiver coalesces no further */
    bool     no_fast_path;              /* header prediction off: same bytes, by the slow path */
    bool     isn_fixed;                 /* simulation only: every initial sequence number is `isn` */
    uint32_t isn;
};

enum { TCP_BLOCK = 4096 };

/* The RFC-plain profile: what RFC 9293, 6298 and 5681 say where our defaults are those
 * of today's hosts: an RTO of 1 s at least (RFC 6298 §2.4), their initial window and
 * slow start (RFC 5681 §3.1), an MSL of two minutes (RFC 9293 §3.4.2).  The delayed
 * ACK, which they leave open below 500 ms, stays. */
struct tcp_config tcp_rfc_plain(void);

/* A pointer of its own memory, so that the machine's inside stays in tcp/. */
struct tcp *tcp_new(const struct tcp_config *cfg, struct trace *trace, struct pkt_pools *pools, struct rng *rng, int64_t now_ns);
void tcp_free(struct tcp *t);           /* drops all connections without a word on the wire */

/* ----------------------------------------------- steps, called by stack/ */

/* Takes out every packet with proto 6; net_off, l4_off, proto set, IP validated, head..len trimmed to the IP packet. */
void tcp_in(struct tcp *t, struct batch *b, int64_t now_ns);
/* Appends what connections on this interface may send now, TCP header at the
 * head, path, proto, tos and csum set; stops when the batch is full (call again). */
void tcp_out(struct tcp *t, unsigned iface, struct batch *b, int64_t now_ns);
bool tcp_has_output(const struct tcp *t, unsigned iface);
/* A connection or a listener of ours is meant by this segment, which is valid as tcp_in wants it. */
bool tcp_serves(struct tcp *t, const struct pkt *k);
int64_t tcp_deadline(const struct tcp *t);      /* timers only */
void tcp_tick(struct tcp *t, int64_t now_ns);

/* Connections (and replies without one) that owe output but have no path of the
 * current generation.  stack/ resolves local and remote and answers with
 * tcp_set_path (path NULL: no route). */
bool tcp_wants_paths(const struct tcp *t);
struct tcp_conn *tcp_next_unrouted(struct tcp *t);
void tcp_flow(const struct tcp_conn *c, struct flow *out);
void tcp_set_path(struct tcp_conn *c, const struct path *p, int64_t now_ns);
void tcp_paths_changed(struct tcp *t, uint32_t generation);     /* older paths are resolved again */

/* How far a connection has got, and by which neighbour (RFC 4861 §7.3.1).  False: there is none. */
struct tcp_progress { seq_t acked, received; struct addr next_hop; uint8_t iface; };
bool tcp_progress(struct tcp *t, const struct flow *f, struct tcp_progress *out);

/* RSTs and such without a connection: a bounded queue of records.  Pops the oldest
 * as a packet for `path` (the caller resolved it by tcp_reply_flow). */
bool tcp_reply_flow(const struct tcp *t, struct flow *out);     /* false: none waits */
struct pkt *tcp_reply_pop(struct tcp *t, const struct path *p); /* p NULL drops it; NULL: dropped or no buffer */

/* An ICMP error about one of our segments (RFC 5461, RFC 5927 §4: seq must be in flight). */
struct tcp_icmp { struct flow flow; seq_t seq; bool has_seq; enum { TCP_ICMP_SOFT, TCP_ICMP_HARD, TCP_ICMP_TOO_BIG } kind; enum plumb_err err; uint16_t mtu; };
bool tcp_icmp(struct tcp *t, const struct tcp_icmp *e, int64_t now_ns);   /* false: not about anything in flight, not believed */

/* ------------------------------------- user calls (RFC 9293 §3.10.1 to .6) */

struct tcp_user_opt {
    bool     no_delay;                  /* Nagle off [MUST-17] */
    bool     keepalive;                 /* off by default [MUST-25] */
    bool     cork;
    uint32_t backlog;                   /* listeners: accept queue [128] */
    uint32_t send_buffer, recv_buffer;  /* fixed; 0: the stack's */
    bool     hold;                      /* listeners: report the SYN, answer it only after tcp_hold_accept */
    uint8_t  retries;                   /* R2 of this connection [MUST-21]; 0: the stack's, 255: without end */
    uint8_t  tos;                       /* Diffserv field, passed to IP unchanged [MUST-48] [SHLD-21] [SHLD-22] */
    uint8_t  ttl;                       /* 0: the stack's [MUST-49] */
    uint8_t  congestion;                /* enum tcp_cc_choice; TCP_CC_DEFAULT: the stack's */
    uint8_t  keep_probes;               /* keepalive; 0: the stack's, here and below */
    uint16_t keep_idle_s, keep_interval_s;
    uint16_t mss_max;                   /* TCP_MAXSEG: no segment has more text; 0: as the path allows */
    bool     reuse_addr;                /* its port may be bound again while it lives on without a user, TIME-WAIT included */
    bool     v6only;                    /* listeners on no address in particular: those of IPv6 alone */
    bool     reuse_port;                /* listeners: several may share an endpoint, each gets its part of the flows */
    bool     no_sack;                   /* SACK is not offered (RFC 2018) */
    uint32_t user_timeout_ms;           /* how long text may go unacknowledged, or unsent; in the place of R2; 0: none */
    bool     tell_user_timeout;         /* RFC 5482: the peer is told, and what it tells counts when it is longer */
    /* TCP Fast Open (RFC 7413).  Whoever sets it must bear a request that comes twice (§6.1). */
    bool     fast_open;                 /* OPEN: what is committed before the SYN leaves goes with it, once the peer has given a cookie */
    bool     fast_open_waits;           /* and the SYN waits for the first commit */
    uint32_t fast_open_queue;           /* listeners: so many at once may be open by a cookie alone; 0: none */
    bool     linger;                    /* CLOSE waits (socket/ and api/), or for linger_s 0 is ABORT */
    uint16_t linger_s;
};

/* OPEN, active.  remote and local addresses come in `path`; local_port 0 picks one
 * by RFC 6056.  NO_PORTS (one given, too, whose flow belongs to another shard), ADDR_IN_USE, NO_MEMORY. */
enum plumb_err tcp_connect(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port,
                           const struct tcp_user_opt *o, struct tcp_conn **out, int64_t now_ns);
/* Whether the peer has given a cookie, so that an OPEN with fast_open can take text along now. */
bool tcp_can_open_fast(const struct tcp *t, struct addr remote);
/* OPEN, passive.  local.addr none: any of either family; 0.0.0.0: any of IPv4. */
enum plumb_err tcp_listen(struct tcp *t, struct endpoint local, const struct tcp_user_opt *o, struct tcp_listener **out);
struct tcp_conn *tcp_accept(struct tcp_listener *l);            /* NULL: none */
void tcp_listener_close(struct tcp_listener *l, int64_t now_ns);/* resets what was not accepted */
struct endpoint tcp_listener_local(const struct tcp_listener *l);
void tcp_listener_backlog(struct tcp_listener *l, uint32_t backlog);
/* For connections whose SYN comes from now on; the backlog stays. */
void tcp_listener_set_opt(struct tcp_listener *l, const struct tcp_user_opt *o);
uint32_t tcp_listener_waiting(const struct tcp_listener *l);    /* to be accepted */
/* Whether a connection in any state, TIME-WAIT too, has this local port (and address, unless any); `but_reusable`:
 * one without reuse_addr.  Walks all. */
bool tcp_port_used(const struct tcp *t, struct endpoint local, bool but_reusable);

/* A holding listener: the oldest connection whose SYN waits for a verdict.  It is
 * lent: after tcp_hold_accept it comes out of tcp_accept when it is established;
 * when it failed before (TCP_FAILED, state CLOSED) tcp_close ends the loan. */
struct tcp_conn *tcp_hold_next(struct tcp_listener *l);
void tcp_hold_accept(struct tcp_conn *c, int64_t now_ns);       /* SYN-ACK goes out */
void tcp_hold_refuse(struct tcp_conn *c, enum plumb_err why, int64_t now_ns);   /* REFUSED: RST; UNREACHABLE: silence, ICMP is the caller's */

/* These are about to be used: with many connections, what they are is read from far memory side by side. */
void tcp_soon(struct tcp_conn *const *c, uint32_t n);

/* SEND and RECEIVE without copying: as stream_reserve ... in socket/net.h. */
uint8_t *tcp_reserve(struct tcp_conn *c, size_t *room);
void tcp_commit(struct tcp_conn *c, size_t n, bool push, int64_t now_ns);
const uint8_t *tcp_peek(struct tcp_conn *c, size_t *len);
void tcp_consume(struct tcp_conn *c, size_t n, int64_t now_ns);
/* Bytes `at` from the next to be read on, as tcp_peek lends those at 0. */
const uint8_t *tcp_peek_at(struct tcp_conn *c, size_t at, size_t *len);

/* SEND from where the bytes lie: they stay the lender's, may not change, and its loan comes out of tcp_loan_back
 * when they were acknowledged or the connection is over.  AGAIN: TCP_WRITABLE will be told; CLOSED; INVALID (none,
 * or more than 2^30).  What was reserved before is void. */
enum plumb_err tcp_lend(struct tcp_conn *c, const void *bytes, size_t len, void *lender, int64_t now_ns);
void *tcp_loan_back(struct tcp *t);     /* the lender of a loan that is over, each once; NULL: none */
/* RECEIVE by taking the block in which the next bytes lie, which is given back by tcp_put_back.  False: none, too few
 * to be worth it, or too many are taken: read them. */
struct tcp_taken { const uint8_t *bytes; size_t len; void *block; };
bool tcp_take(struct tcp_conn *c, struct tcp_taken *out, int64_t now_ns);
void tcp_put_back(struct tcp *t, void *block);
/* Before tcp_free, so that what was taken outlives the instance: the pool is the caller's, to pool_fini. */
struct pool tcp_keep_blocks(struct tcp *t);

/* A third of the send buffer is free; false: TCP_WRITABLE will be told. */
bool tcp_writable(struct tcp_conn *c);
void tcp_want_write(struct tcp_conn *c);        /* TCP_WRITABLE will be told with the next acknowledgment of text */
/* What was committed without a push need not wait for more. */
void tcp_push(struct tcp_conn *c, int64_t now_ns);
/* And leaves now, short as it may be. */
void tcp_flush(struct tcp_conn *c, int64_t now_ns);
void tcp_commit_urgent(struct tcp_conn *c, size_t n, int64_t now_ns);
/* Bytes from the next to be read up to and including the urgent byte; 0: none pending. */
size_t tcp_urgent_left(const struct tcp_conn *c);

void tcp_shutdown(struct tcp_conn *c, int64_t now_ns);          /* CLOSE: FIN after what was sent; receiving goes on */
/* The user is gone: CLOSE, and unread or later data resets (RFC 9293 §3.6.1, RFC 2525 §2.17).  The pointer is dead. */
void tcp_close(struct tcp_conn *c, int64_t now_ns);
void tcp_abort(struct tcp_conn *c, int64_t now_ns);             /* ABORT: RST.  The pointer is dead. */

/* Of a connection that exists; 0: as it is. */
void tcp_set_buffers(struct tcp_conn *c, uint32_t send, uint32_t recv);
void tcp_set_opt(struct tcp_conn *c, const struct tcp_user_opt *o, int64_t now_ns);

struct tcp_status {                     /* STATUS */
    enum tcp_state state;
    enum plumb_err error;               /* why it is CLOSED */
    enum plumb_err soft_error;          /* trouble that did not end it: ICMP, or R1 retransmissions [SHLD-9] [SHLD-25] */
    struct endpoint local, remote;
    uint32_t serial;                    /* the `conn` of its events */
    uint32_t snd_queued, snd_unacked, rcv_queued, snd_wnd, rcv_wnd, cwnd, ssthresh;
    uint32_t retransmits;
    uint16_t mss, rcv_mss, path_mtu;
    uint8_t  snd_scale, rcv_scale;
    uint32_t send_buffer, recv_buffer;
    uint32_t snd_nxt, rcv_nxt, urgent_at;   /* sequence numbers; that behind the urgent byte */
    bool     peer_closed;               /* FIN received */
    bool     timestamps, wscale, sack;
    bool     fast_opened;               /* text went, or came, on the SYN and was taken */
    bool     early;                     /* the handshake is not over, or waits for text, and yet text may go */
    int64_t  srtt_ns, rttvar_ns, rto_ns;
    const char *congestion;             /* "cubic" ... */
    uint64_t pacing;                    /* bytes per second; 0: not paced */
    const char *ecn;                    /* what was agreed on: "off", "classic", "accurate" */
    enum { STATUS_OPEN, STATUS_RECOVERY, STATUS_LOSS } recovery;    /* RACK-TLP, or duplicate ACKs, found loss; a timeout did */
    uint8_t  sacked;                    /* segments in flight the peer has beyond a gap */
    uint32_t ecn_marks;                 /* packets of ours that arrived with CE, where the peer counts */
    const char *timer;                  /* "on (rto)", "keepalive", "timewait", "persist", "off" */
    int64_t  timer_deadline_ns;
};
void tcp_status(const struct tcp_conn *c, struct tcp_status *out);

struct tcp_totals {                     /* of its whole life */
    uint64_t bytes_sent, bytes_resent, bytes_acked, bytes_received;     /* of text */
    uint64_t delivered, lost;           /* bytes that were acknowledged or SACKed; that were taken for lost */
    uint32_t segs_in, segs_out, text_in, text_out;  /* as on the wire; text: those that carried some */
    int64_t  min_rtt_ns;                /* the least of the last minutes; 0: none sampled yet */
    int64_t  user_limited_ns;           /* its user had nothing to send */
    int64_t  busy_ns;                   /* something was to be sent or acknowledged; of that: */
    int64_t  window_limited_ns, buffer_limited_ns;  /* the peer's window held it back; the send buffer did */
    int64_t  text_sent_ns, heard_ns;    /* when text left last, and when a segment came */
};
void tcp_info(const struct tcp_conn *c, struct tcp_totals *out, int64_t now_ns);
/* Walks all connections and listeners; *cursor starts at 0; false at the end. */
bool tcp_walk(struct tcp *t, uint32_t *cursor, struct tcp_status *out);
uint32_t tcp_blocks_used(const struct tcp *t);  /* buffer blocks that hold bytes */
uint32_t tcp_count(const struct tcp *t);        /* connections of any state but CLOSED, TIME-WAIT included */

/* ------------------------------------------------------------- readiness */

/* Since it was last taken: bytes or end to read, room to write, connected, failed,
 * a connection to accept. */
enum tcp_ready { TCP_READABLE = 1, TCP_WRITABLE = 2, TCP_CONNECTED = 4, TCP_FAILED = 8,
                 TCP_URGENT = 16,       /* urgent data announced, or its end moved [MUST-32] */
                 TCP_TROUBLE = 32 };    /* soft_error was set [MUST-47] [SHLD-9] */

void  tcp_set_user(struct tcp_conn *c, void *user);
/* The user has looked: what happened so far is no news. */
void  tcp_looked(struct tcp_conn *c);
void *tcp_user(const struct tcp_conn *c);
void  tcp_listener_set_user(struct tcp_listener *l, void *user);
void *tcp_listener_user(const struct tcp_listener *l);
/* One readiness change: of a connection, or (conn NULL) of a listener with something
 * to accept or to judge.  Only objects with a user are reported. */
struct tcp_event { struct tcp_conn *conn; struct tcp_listener *listener; uint8_t ready; };
bool  tcp_has_events(const struct tcp *t);
bool  tcp_next_event(struct tcp *t, struct tcp_event *out);
