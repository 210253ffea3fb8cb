/* The inside of tcp/: the instance, the connection in parts, and what the files
 * offer each other.  Each part has one owner file, the only one that writes it. */
#pragma once
#include "base/list.h"
#include "base/wheel.h"
#include "tcp/buf.h"
#include "tcp/cc.h"
#include "tcp/flight.h"
#include "tcp/parts.h"
#include "tcp/rate.h"
#include "tcp/seg.h"
#include "tcp/tcp.h"
#include <assert.h>
#include <string.h>

/* What the hash table knows of a connection or of a TIME-WAIT record. */
struct tcp_node {
    struct tcp_node *next;
    struct addr local, remote;
    uint32_t hash;
    uint16_t local_port, remote_port;
    bool in, is_timewait, reuse_addr;
};

/* Text that is sent from where its lender keeps it (loan.c). */
struct tcp_loan {
    struct tcp_loan *next;
    struct list over;                   /* in tcp.loans_over, once nobody needs it */
    const uint8_t *at;
    void  *lender;
    seq_t  from, to;
};

/* What exists only while something is unacknowledged, lent or out of order. */
struct tcp_flight {
    struct scoreboard board;            /* owner: sent.c */
    struct tcp_recover rec;             /* owner: recover.c newreno.c undo.c */
    struct tcp_rack_flight rack;        /* owner: rack.c */
    struct tcp_undo undo;               /* owner: undo.c recover.c */
    struct tcp_rate_flight rate;        /* owner: rate.c */
    struct reasm reasm;                 /* owner: window.c */
    struct tcp_sack_out sack;           /* owner: sack.c */
    struct tcp_loan *loans;             /* by their numbers; owner: loan.c */
    struct tcp_loan *loans_last;        /* owner: loan.c */
    const struct tcp_loan *loan_seen;   /* where the last look found its bytes, or NULL; owner: loan.c */
};

/* What few connections have: it exists once one of its members is not zero, until the connection is gone. */
struct tcp_rare {
    struct tcp_asked asked;             /* owner: conn.c user.c timer.c sent.c window.c */
    struct tcp_pmtu pmtu;               /* owner: pmtud.c */
    struct tcp_ecn_marked ecn;          /* owner: ecn.c */
    struct tcp_rack rack;               /* owner: rack.c tlp.c */
    struct tcp_tally_rare tally;        /* owner: info.c */
    struct addr next_hop;               /* owner: route.c */
    uint64_t lost;                      /* bytes; owner: rate.c */
    struct list queue;                  /* that of queued_in; owner: listen.c */
    uint32_t retransmits;               /* owner: recover.c */
    uint32_t last_repaired;             /* bytes of the ACK that ended a recovery, behind which nothing was sent yet; owner: recover.c */
    struct tcp_conn *conn;              /* the last: behind it nothing is compared */
};
_Static_assert(sizeof(struct tcp_rare) % 8 == 0, "compared as bytes");
extern const struct tcp_rare tcp_nothing_rare;

enum tcp_queue { QUEUE_NONE, QUEUE_SYN, QUEUE_HOLD, QUEUE_ACCEPT, QUEUE_STARVED, QUEUE_ORPHAN };

/* In the order in which a segment touches it: what every one does comes first. */
struct tcp_conn {
    struct tcp_node node;               /* owner: demux.c; first: a node is its connection */
    struct tcp *t;
    struct tcp_snd snd;                 /* owner: sent.c */
    struct tcp_rcv rcv;                 /* owner: window.c */
    uint8_t  state;                     /* owner: state.c */
    bool     passive : 1, attached : 1, orphan : 1, fin_queued : 1, no_delay : 1, cork : 1, keepalive : 1, linger_abort : 1;    /* CLOSE is ABORT */
    bool     hold : 1, want_write : 1, reserved : 1, urgent_out : 1, syn_resent : 1, was_connected : 1, dead : 1, unrouted : 1;
    bool     offered : 1, scaled : 1, no_sack : 1, sack : 1;    /* SACK: not offered; both sides have offered it */
    bool     timeout_due : 1;           /* the user timeout is owed to the peer */
    struct tcp_due due;                 /* owner: output.c fast_out.c */
    struct tcp_fast_open fast_open;     /* owner: fastopen.c */
    uint8_t  ready_bits;
    uint8_t  queued_in;                 /* enum tcp_queue: which list rare->queue is on */
    uint8_t  snd_scale, rcv_scale;
    uint8_t  error, soft_error;
    uint8_t  tos, ttl;
    uint16_t mss, peer_mss, rcv_mss;    /* text bytes per segment we send; what the peer takes; what it sends */
    struct tcp_owed owed;               /* owner: delack.c */
    struct tcp_buf sbuf;                /* owner: sent.c */
    struct tcp_buf rbuf;                /* owner: window.c */
    uint32_t send_buffer;               /* what it may queue now; owner: sent.c */
    uint32_t recv_buffer;               /* what it may offer now; owner: window.c */
    struct tcp_way way;                 /* owner: route.c */
    uint32_t serial;
    struct tcp_ecn ecn;                 /* owner: ecn.c */
    struct tcp_flight *flight;          /* NULL: at rest, as the next */
    struct tcp_timers *timer;           /* owner: timer.c */
    struct tcp_rare *rare;
    struct list ready, out;
    void *user;
    struct tcp_ts ts;                   /* owner: paws.c */
    int64_t  heard_ns, sent_ns;         /* last segment from the peer; last text or control to it */
    struct tcp_cc cc;                   /* owner: recover.c congestion.c */
    struct tcp_rtt rtt;                 /* owner: rtt.c */
    struct tcp_pace pace;               /* owner: pacer.c */
    struct tcp_rate rate;               /* owner: rate.c */
    struct tcp_tally tally;             /* owner: info.c */
    struct tcp_reading reading;         /* owner: window.c */
    union {
        struct tcp_listener *listener;  /* of which it was born, while that matters */
        struct tcp_timewait *tw;        /* in TIME-WAIT */
    };
};
_Static_assert(offsetof(struct tcp_conn, cc) <= 320, "what a segment without news touches is five cache lines");
_Static_assert(sizeof(struct tcp_conn) <= 488, "with its share of the hash table an idle connection fits 512 bytes");

struct tcp_listener {
    struct list node, ready;
    struct list queue[QUEUE_STARVED];   /* by enum tcp_queue; QUEUE_NONE unused */
    uint32_t n[QUEUE_STARVED];
    struct tcp *t;
    struct endpoint local;
    struct tcp_user_opt opt;
    int64_t cookies_until_ns;           /* as long an ACK may bring back a cookie (cookie.c) */
    struct { uint32_t pending, resets, resets_before; int64_t minute; } fast_open;      /* fastopen.c */
    void *user;
};

/* A connection in TIME-WAIT: enough to answer for it (timewait.c). */
struct tcp_timewait {
    struct tcp_node node;               /* first */
    struct list list;                   /* oldest first: all wait equally long */
    int64_t  over_ns;
    struct tcp_conn *conn;              /* whose user has not closed yet; or NULL */
    seq_t    snd_nxt, rcv_nxt;
    uint32_t ts_recent, serial;
    uint16_t window;                    /* as on the wire */
    bool     ts_on;
};

/* The flow that was looked for last and has no connection: mostly it gets one now. */
struct tcp_missed { struct addr local, remote; uint32_t hash; uint16_t local_port, remote_port; };

/* What the acknowledgment that is looked at has delivered. */
struct rate_seen { uint64_t delivered, lost; struct rate_stamp stamp; int64_t sent_ns, time_ns; bool any; };

/* What is known of peers that were opened fast, or were to be (RFC 7413 §4.1.3). */
struct fast_open_peer {
    struct addr remote;                 /* none: free */
    int64_t  avoid_until_ns;            /* its path does not bear it */
    uint32_t used;                      /* the least was used longest ago */
    uint16_t mss;
    uint8_t  losses, n_cookie, cookie[TCP_COOKIE_MAX];
};

/* Gateways that ways name by number, until the routes change; and the paths lent to the packets of a batch. */
enum { HOPS = 64, HOP_NONE = 0, HOP_RARE = UINT16_MAX };
struct tcp_hops { uint32_t n; struct addr at[HOPS]; };
struct tcp_lent { const struct tcp_conn *last; uint32_t n; struct path path[BATCH_MAX]; };

/* Found ahead of their turn, by place in the batch; NULL: not found, or not looked for. */
struct tcp_ahead { struct tcp_node *node[BATCH_MAX]; };

enum { LISTEN_HASH = 64, REPLIES = 256, FAST_OPEN_PEERS = 64 };

/* A secret of this stack's own, or that which all shards of a host arrive at alike. */
enum tcp_secret { SECRET_HASH, SECRET_ISN, SECRET_PORT, SECRET_COOKIE };
struct sipkey tcp_secret(struct tcp *t, enum tcp_secret what, int64_t period);

struct tcp {
    struct tcp_config cfg;
    struct trace *trace;
    struct pkt_pools *pools;
    struct rng *rng;
    struct tcp_node **bucket;           /* demux.c */
    uint32_t bucket_mask, count, generation, serial, port_counter;
    struct tcp_node *last;              /* the one the last segment was for */
    struct tcp_missed missed;
    struct sipkey hash_key, isn_key, port_key;
    struct pool loans;                  /* loan.c */
    struct list loans_over;
    uint32_t taken;                     /* blocks that users have taken */
    struct pool conns, flights, timers, rares, ccs, blocks, timewaits, moments, sent;
    uint64_t *live;                     /* a bit per object of `conns` */
    uint32_t half_open;                 /* connections on any listener's QUEUE_SYN (listen.c) */
    struct tcp_cookies cookies;
    struct sipkey fast_open_key;
    struct fast_open_peer fast_open_peer[FAST_OPEN_PEERS];
    uint32_t fast_open_uses;
    struct list listeners[LISTEN_HASH], listeners_any;  /* by port; on any port */
    struct list out[IFACE_MAX], unrouted, ready, listeners_ready, starved, orphans, dead, timewait;
    struct tcp_hops hops;               /* route.c */
    struct tcp_lent lent;               /* route.c */
    struct tcp_ahead ahead;             /* ahead.c */
    struct wheel wheel;
    struct wheel_timer timewait_timer;
    struct tcp_reply reply[REPLIES];
    uint32_t reply_head, reply_tail;
    int64_t  challenge_second;
    uint32_t challenges;
    struct rate_seen rate;              /* rate.c */
    int64_t  now_ns;                    /* of the step under way */
};

/* The first byte in the send buffer.  Not max(una, iss + 1): numbers 2 GiB apart do not compare. */
static inline seq_t snd_first(const struct tcp_conn *c)
{
    return c->state == SYN_SENT || c->state == SYN_RECEIVED ? seq_add(c->snd.iss, 1) : c->snd.una;
}
static inline uint32_t snd_pos(const struct tcp_conn *c, seq_t s) { return s.n - c->snd.iss.n - 1; }
static inline uint32_t rcv_pos(const struct tcp_conn *c, seq_t s) { return s.n - c->rcv.irs.n - 1; }
static inline uint32_t in_flight(const struct tcp_conn *c) { return (uint32_t)seq_diff(c->snd.nxt, c->snd.una); }
static inline bool fin_sent(const struct tcp_conn *c)    { return c->fin_queued && seq_lt(c->snd.end, c->snd.nxt); }
/* Behind the last text byte in order: RCV.NXT without the FIN. */
static inline seq_t rcv_text_end(const struct tcp_conn *c) { return c->rcv.fin ? seq_sub(c->rcv.nxt, 1) : c->rcv.nxt; }
static inline uint32_t rcv_wnd(const struct tcp_conn *c)
{
    const int32_t w = seq_diff(c->rcv.edge, c->rcv.nxt);
    return w > 0 ? (uint32_t)w : 0;
}
static inline uint16_t tcp_syn_window(const struct tcp_conn *c) { return (uint16_t)(c->recv_buffer < UINT16_MAX ? c->recv_buffer : UINT16_MAX); }
/* Blocks that text to send, and text that is out of order, leave for what comes in
 * order: two ends whose blocks were all full of what the other cannot take would
 * wait for each other for ever.  And users and peers who do not read, or leave holes,
 * leave room for the others: the more one holds the more it leaves, so that who holds
 * nothing always finds some (docs/decisions/0005). */
static inline uint32_t tcp_spare_to_send(const struct tcp *t)    { return t->blocks.max / 8; }
static inline uint32_t tcp_spare_to_reorder(const struct tcp *t) { return t->blocks.max / 2; }
enum { LITTLE_BLOCKS = 2 };                             /* so many leave nothing for those who hold more */
static inline uint32_t tcp_spare_for_more(const struct tcp *t, uint32_t held)
{
    const uint32_t enough = 64, max = t->blocks.max;    /* who holds as much can wait for its peer */
    return max * 3 / 8 + max / 8 * (held < enough ? held : enough) / enough;
}
static inline bool state_in(const struct tcp_conn *c, unsigned set) { return set >> c->state & 1; }
#define IN(s) (1u << (s))
enum {
    CAN_RECEIVE = IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2),
    CAN_SEND    = IN(ESTABLISHED) | IN(CLOSE_WAIT),
    HAS_OUTPUT  = CAN_SEND | IN(FIN_WAIT_1) | IN(CLOSING) | IN(LAST_ACK)
};

/* conn.c: making and ending one */
struct tcp_conn *tcp_conn_new(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port, const struct tcp_user_opt *o);
/* Chooses the ISS; `above` (may be NULL): what an earlier incarnation has used (§3.6.1). */
void tcp_conn_start(struct tcp_conn *c, const seq_t *above, int64_t now_ns);
void tcp_conn_start_at(struct tcp_conn *c, seq_t iss, int64_t now_ns);       /* the ISS is chosen */
void tcp_established(struct tcp_conn *c, int64_t now_ns);
/* To CLOSED.  What the user can still read stays until it closes; without a user it is gone
 * at the end of the step. */
void tcp_end(struct tcp_conn *c, enum plumb_err err, enum why why, int64_t now_ns);
uint8_t tcp_own_scale(const struct tcp *t, const struct tcp_user_opt *o);       /* of our windows, from the receive buffer */
uint16_t tcp_first_window(const struct tcp *t, const struct tcp_user_opt *o);   /* on a SYN */
struct tcp_conn *tcp_conn_at(struct tcp *t, uint32_t index);    /* NULL: none lives there */
void tcp_leave_tables(struct tcp_conn *c);
void tcp_release(struct tcp_conn *c);
void tcp_reap(struct tcp *t);                                   /* the end of a step */
static inline const struct tcp_rare *tcp_rare(const struct tcp_conn *c) { return c->rare ? c->rare : &tcp_nothing_rare; }  /* to be looked at */
struct tcp_rare *tcp_rare_need(struct tcp_conn *c);             /* to be written */
void tcp_rare_rest(struct tcp_conn *c);                         /* gives it back when it says nothing */
void tcp_conn_asked(struct tcp_conn *c, const struct tcp_user_opt *o);
struct tcp_flight *tcp_flight_need(struct tcp_conn *c);
void tcp_flight_done(struct tcp_conn *c);                       /* gives it back when nothing needs it */

/* state.c */
void tcp_state_listen(struct tcp_conn *c);                      /* born of a listener */
void tcp_set_state(struct tcp_conn *c, enum tcp_state to, enum why why, int64_t now_ns);

/* demux.c */
bool demux_init(struct tcp *t);
struct tcp_node *demux_find(struct tcp *t, struct addr local, struct addr remote, uint16_t local_port, uint16_t remote_port);
void demux_add(struct tcp *t, struct tcp_node *n);
void demux_add_for(struct tcp *t, struct tcp_node *n, const struct tcp_node *before);  /* of the same flow: its hash is known */
void demux_remove(struct tcp *t, struct tcp_node *n);
void demux_reusable(struct tcp_node *n, bool on);
struct tcp_listener *demux_listener(struct tcp *t, const struct flow *f);
bool demux_hash_of(const struct tcp *t, const struct pkt *k, uint32_t *hash);  /* false: not of a segment over IPv4 */

/* ahead.c; false: it would not help */
bool tcp_look_ahead(struct tcp *t, const struct batch *b);
void tcp_looked_ahead(struct tcp *t, uint32_t i);               /* the turn of the i-th has come */

/* ports.c */
enum plumb_err tcp_pick_port(struct tcp *t, const struct path *p, uint16_t remote_port, uint16_t *out, int64_t now_ns);
/* Whether an OPEN may have this port; *old (may be NULL): the record of TIME-WAIT whose place it takes. */
bool tcp_port_free(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port, struct tcp_timewait **old, int64_t now_ns);

/* route.c: which list a connection that owes output waits on */
void tcp_wake(struct tcp_conn *c);
void tcp_sleep(struct tcp_conn *c);
/* The path, until the batch under way has left. */
const struct path *tcp_lend_path(const struct tcp_conn *c);
void tcp_lend_again(struct tcp *t);                             /* a new batch */
void tcp_way_open(struct tcp_conn *c, const struct path *p);    /* it is new */
void tcp_route_lost(struct tcp_conn *c);                        /* asks for the path again */
void tcp_fit_mss(struct tcp_conn *c);                           /* after path, options or the peer's MSS changed */
void tcp_path_too_big(struct tcp_conn *c, uint16_t mtu);

/* arrive*.c */
seg_fate tcp_drop(struct tcp *t, struct tcp_seg *s, enum why why);
seg_fate tcp_drop_rst(struct tcp *t, struct tcp_seg *s, enum why why);      /* answered by a RST */
seg_fate tcp_arrive_closed(struct tcp *t, struct tcp_seg *s, enum why why);
seg_fate tcp_arrive_listen(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s, const seq_t *above);
seg_fate tcp_arrive_conn(struct tcp_conn *c, struct tcp_seg *s);              /* of any state */
seg_fate tcp_arrive_syn_sent(struct tcp_conn *c, struct tcp_seg *s);
seg_fate tcp_arrive_other(struct tcp_conn *c, struct tcp_seg *s);
seg_fate tcp_arrive_from_urg(struct tcp_conn *c, struct tcp_seg *s);        /* sixth step on */
void tcp_negotiate(struct tcp_conn *c, const struct tcp_seg *s);
/* LISTEN to SYN-RECEIVED by a SYN, on the listener's queue; `iss` NULL: chosen, `above` what an earlier incarnation
 * used.  NULL: the table is full. */
struct tcp_conn *tcp_listen_open(struct tcp *t, struct tcp_listener *l, const struct tcp_seg *syn, const seq_t *iss, const seq_t *above);

/* cookie.c */
seg_fate tcp_cookie_answer(struct tcp *t, struct tcp_listener *l, struct tcp_seg *syn, enum why full);
seg_fate tcp_cookie_arrive(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s);  /* an ACK for a listener */

/* ack.c */
void tcp_on_ack(struct tcp_conn *c, const struct tcp_seg *s);   /* SEG.ACK =< SND.NXT */
void tcp_on_syn_acked(struct tcp_conn *c, const struct tcp_seg *s);
static inline bool fin_acked(const struct tcp_conn *c) { return c->fin_queued && seq_lt(c->snd.end, c->snd.una); }

/* sent.c: SND variables and the send buffer */
void tcp_sent_open(struct tcp_conn *c, seq_t iss);
void tcp_sent_buffer(struct tcp_conn *c, uint32_t asked);      /* 0: as the stack has it */
void tcp_sent_tune(struct tcp_conn *c);                        /* the congestion window may have grown */
void tcp_sent_window(struct tcp_conn *c, seq_t seq, seq_t ack, uint32_t wnd);
void tcp_sent_queued(struct tcp_conn *c, uint32_t n, bool push, bool urgent);
void tcp_sent_pushed(struct tcp_conn *c);
void tcp_sent_advance(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns);
/* SND.UNA <- SEG.ACK. */
void tcp_sent_acked(struct tcp_conn *c, seq_t ack, struct tcp_news *n);
void tcp_sent_delivered(struct tcp_conn *c, const struct sent_seg *s, uint32_t bytes, struct tcp_news *n);
void tcp_sent_none(struct tcp_conn *c);                          /* a new flight */
void tcp_sent_syn_before(struct tcp_conn *c);                   /* our SYN left before there was a connection */
uint8_t *tcp_sent_room(struct tcp_conn *c, uint32_t *room);
const uint8_t *tcp_sent_at(const struct tcp_conn *c, seq_t at, uint32_t *len);
void tcp_sent_clear(struct tcp_conn *c);

/* window.c: RCV variables and the receive buffer */
void tcp_rcv_open(struct tcp_conn *c, seq_t irs, uint32_t offered);  /* offered: by our SYN */
void tcp_rcv_buffer(struct tcp_conn *c, uint32_t asked);       /* 0: as the stack has it */
uint16_t tcp_rcv_offer(struct tcp_conn *c, bool syn);           /* the window field; may move the edge */
bool tcp_rcv_update_due(const struct tcp_conn *c);
/* WHY_NONE: taken, in or out of order; `advanced`: by how much RCV.NXT moved. */
enum why tcp_rcv_text(struct tcp_conn *c, seq_t seq, const uint8_t *text, uint32_t len, uint32_t *advanced);
void tcp_rcv_no_gaps(struct tcp_conn *c);                       /* a new flight */
void tcp_rcv_forget_gaps(struct tcp_conn *c);                   /* the connection is over */
void tcp_rcv_hold_fin(struct tcp_conn *c, seq_t at);            /* a FIN in the window, its turn may come later */
void tcp_rcv_fin(struct tcp_conn *c);
void tcp_rcv_urgent(struct tcp_conn *c, seq_t up);
void tcp_rcv_consume(struct tcp_conn *c, uint32_t n);
void tcp_rcv_clear(struct tcp_conn *c);
uint8_t *tcp_rcv_take_block(struct tcp_conn *c, uint32_t len);  /* that of the next `len` bytes to be read; NULL: no block for what is behind them */
static inline bool rcv_has_gap(const struct tcp_conn *c) { return c->flight && c->flight->reasm.count > 0; }

/* loan.c */
bool tcp_loans_init(struct tcp *t);
void tcp_loans_none(struct tcp_conn *c);                        /* a new flight */
void tcp_loans_acked(struct tcp_conn *c, seq_t una);
const uint8_t *tcp_loan_at(const struct tcp_conn *c, seq_t at, uint32_t *len);
uint32_t tcp_loan_reach(const struct tcp_conn *c, seq_t at, uint32_t n);
/* How many of `n` bytes from `at` on one packet can borrow. */
static inline uint32_t tcp_reach(const struct tcp_conn *c, seq_t at, uint32_t n) { return c->flight && c->flight->loans ? tcp_loan_reach(c, at, n) : n; }

/* delack.c */
void tcp_delack_init(struct tcp_conn *c);
void tcp_delack_on_text_sent(struct tcp_conn *c, int64_t now_ns);
void tcp_owe_text_ack(struct tcp_conn *c, uint32_t bytes, uint16_t part, int64_t now_ns);
void tcp_owe_ack_now(struct tcp_conn *c);
void tcp_owe_own_ack(struct tcp_conn *c);                       /* this segment owes one of its own */
void tcp_ack_sent(struct tcp_conn *c, bool own);
void tcp_delack_expired(struct tcp_conn *c);

/* sack.c: what the receiver says of text beyond a gap, or that came twice */
void tcp_sack_init(struct tcp_conn *c);                         /* a new flight */
void tcp_sack_took(struct tcp_conn *c, struct span s);
void tcp_sack_dup(struct tcp_conn *c, struct span s);
void tcp_sack_moment(struct tcp_conn *c, unsigned owed);
void tcp_sack_collapse(struct tcp_conn *c);
void tcp_sack_said(struct tcp_conn *c, bool own);               /* may give the flight back */
void tcp_sack_forget(struct tcp_conn *c);                       /* the connection is over */
uint16_t tcp_sack_room(const struct tcp_conn *c);
/* The most text in one segment that leaves now. */
static inline uint16_t tcp_seg_mss(const struct tcp_conn *c) { return c->sack && rcv_has_gap(c) ? (uint16_t)(c->mss - tcp_sack_room(c)) : c->mss; }
struct tcp_tx;
uint8_t tcp_sack_write(struct tcp_conn *c, uint8_t *at, const struct tcp_tx *x);

/* rtt.c */
void tcp_rtt_init(struct tcp_conn *c);
void tcp_rtt_sample(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns);  /* taken once a round trip */
void tcp_rtt_least(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns);
void tcp_rtt_spurious(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns);  /* RFC 4015 */
void tcp_rtt_back_off(struct tcp_conn *c);
void tcp_rtt_syn_was_lost(struct tcp_conn *c);
int64_t tcp_rto(const struct tcp_conn *c);                      /* backed off */

/* sacked.c: SACK blocks that arrive */
void tcp_sacked(struct tcp_conn *c, const struct tcp_seg *s, struct tcp_news *n);

/* rack.c, tlp.c */
void tcp_rack_init(struct tcp_conn *c);                         /* a new flight */
void tcp_rack_delivered(struct tcp_conn *c, const struct sent_seg *s, const struct tcp_news *n);
void tcp_rack_on_dsack(struct tcp_conn *c);
void tcp_rack_reordered(struct tcp_conn *c);
void tcp_rack_recovered(struct tcp_conn *c);
uint32_t tcp_rack_detect(struct tcp_conn *c, int64_t now_ns);
bool tcp_rack_lost_at_rto(const struct tcp_conn *c, const struct sent_seg *s, int64_t now_ns);
void tcp_tlp_schedule(struct tcp_conn *c, int64_t now_ns);
void tcp_tlp_expired(struct tcp_conn *c, int64_t now_ns);
struct tcp_tx;
bool tcp_tlp_pick(const struct tcp_conn *c, struct tcp_tx *x);
void tcp_tlp_sent(struct tcp_conn *c, const struct tcp_tx *x, bool again, int64_t now_ns);
void tcp_tlp_forget(struct tcp_conn *c);
bool tcp_tlp_on_ack(struct tcp_conn *c, const struct tcp_news *n);

/* newreno.c */
bool tcp_newreno_on_dup_ack(struct tcp_conn *c, struct tcp_recover *r, int64_t now_ns);
void tcp_newreno_on_partial_ack(struct tcp_conn *c, struct tcp_recover *r, uint32_t bytes, int64_t now_ns);

/* undo.c */
enum undo_by { UNDO_NOT, UNDO_TIME_STAMP, UNDO_DSACK, UNDO_FRTO };
void tcp_undo_begin(struct tcp_conn *c, bool timeout);
void tcp_undo_sent(struct tcp_conn *c, seq_t to, uint32_t bytes, int64_t now_ns);
enum undo_by tcp_undo_found(struct tcp_conn *c, const struct tcp_news *n);
void tcp_undo_end(struct tcp_conn *c);
void tcp_frto_begin(struct tcp_conn *c, bool again);
bool tcp_frto_on_ack(struct tcp_conn *c, const struct tcp_news *n);
bool tcp_frto_new_only(const struct tcp_conn *c);

/* recover.c */
enum lost_by { LOST_NOT, LOST_RACK, LOST_DUPLICATES, LOST_TIMEOUT };    /* the first: to be sent again for another reason */
void tcp_recover_lose(struct tcp_conn *c, struct sent_seg *s, enum lost_by how, int64_t now_ns);
void tcp_recover_on_news(struct tcp_conn *c, struct tcp_news *n);
void tcp_recover_on_reordered(struct tcp_conn *c, int64_t now_ns);
uint32_t tcp_pipe(const struct tcp_conn *c);                    /* bytes believed to be in the network */
uint32_t tcp_recover_room(const struct tcp_conn *c);            /* bytes that congestion control lets leave now */
void tcp_recover_init(struct tcp_conn *c, struct tcp_flight *f);
void tcp_recover_rest(struct tcp_conn *c);                      /* nothing is in flight any more */
void tcp_recover_start(struct tcp_conn *c);                     /* established */
void tcp_recover_on_timeout(struct tcp_conn *c, int64_t now_ns);
void tcp_recover_resend_all(struct tcp_conn *c);                /* not by loss: window reopened, segment size fell */
void tcp_recover_sent(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns);
void tcp_recover_on_idle(struct tcp_conn *c);
uint32_t tcp_cwnd(const struct tcp_conn *c);                    /* in recovery what PRR allows */

/* congestion.c */
size_t tcp_cc_own_size(void);                                   /* of the largest algorithm */
void tcp_cc_init(struct tcp_conn *c, enum tcp_cc_choice choice);
void tcp_cc_established(struct tcp_conn *c);                    /* tells which it is */
void tcp_cc_need(struct tcp_conn *c);                           /* c->cc.own is there */
void tcp_cc_rest(struct tcp_conn *c);                           /* nothing is in flight */
void tcp_cc_end(struct tcp_conn *c);
void tcp_cc_on_ack(struct tcp_conn *c, const struct cc_ack *a);
void tcp_cc_on_loss(struct tcp_conn *c, const struct cc_loss *l);
void tcp_cc_switch(struct tcp_conn *c, enum tcp_cc_choice choice);

/* ecn.c */
void tcp_ecn_agree(struct tcp_conn *c, const struct tcp_seg *s);        /* the peer's SYN or SYN-ACK */
uint8_t tcp_ecn_send(struct tcp_conn *c, const struct tcp_tx *x, struct tcp_header *h);
bool tcp_ecn_forbids_large(const struct tcp_conn *c);
void tcp_ecn_arrived(struct tcp_conn *c, const struct tcp_seg *s);
uint8_t tcp_ecn_write(struct tcp_conn *c, uint8_t *at, unsigned used, const struct tcp_tx *x);
void tcp_ecn_heard(struct tcp_conn *c, const struct tcp_seg *s, bool advances);
/* What a mark is about is not acknowledged yet: the window does not grow [RFC3168-6.1.2d]. */
static inline bool tcp_ecn_holds(const struct tcp_conn *c) { return c->ecn.reduced && seq_lt(c->snd.una, tcp_rare(c)->ecn.reduced_to); }
const char *tcp_ecn_name(const struct tcp_conn *c);
void tcp_recover_on_ecn(struct tcp_conn *c, int64_t now_ns);            /* congestion.c: a mark, once in a window */

/* fastopen.c */
void tcp_fast_open_init(struct tcp *t);
void tcp_fast_open_asked(struct tcp_conn *c, const struct tcp_user_opt *o);     /* an active OPEN */
bool tcp_fast_open_waits(struct tcp_conn *c);                   /* once: its SYN waits for text, which is here now */
uint32_t tcp_fast_open_text(struct tcp_conn *c);        /* bytes of text that our SYN takes along */
void tcp_fast_open_option(const struct tcp_conn *c, struct tcp_opt *o); /* for a SYN or SYN-ACK */
void tcp_fast_open_answered(struct tcp_conn *c, const struct tcp_seg *s);       /* our SYN was acknowledged */
void tcp_fast_open_lost(struct tcp_conn *c, int64_t now_ns);
void tcp_fast_open_arrive(struct tcp_conn *c, const struct tcp_seg *syn);       /* to a listener */
void tcp_fast_open_settled(struct tcp_conn *c);                 /* the handshake is over, or the connection */
void tcp_fast_open_reset(struct tcp_conn *c, int64_t now_ns);   /* by a RST, which anybody's host may send */
/* Text may go both ways though the handshake is not over (§4.2.2). */
static inline bool tcp_is_early(const struct tcp_conn *c) { return c->fast_open.early && c->state == SYN_RECEIVED; }

/* pacer.c */
uint64_t tcp_pacing_rate(const struct tcp_conn *c);
uint32_t tcp_pace_quantum(const struct tcp_conn *c);
bool tcp_pace_may_send(struct tcp_conn *c, int64_t now_ns);
int64_t tcp_pace_deadline(const struct tcp_conn *c);
void tcp_pace_woken(struct tcp_conn *c);
void tcp_pace_sent(struct tcp_conn *c, uint32_t len, bool from_rest, int64_t now_ns);

/* rate.c */
void tcp_rate_on_sent(struct tcp_conn *c, struct rate_stamp *s, int64_t now_ns);   /* before SND.NXT moves */
void tcp_rate_on_delivered(struct tcp_conn *c, const struct sent_seg *s, uint32_t bytes, int64_t time_ns);
void tcp_rate_on_lost(struct tcp_conn *c, uint32_t bytes);
void tcp_rate_begin(struct tcp_conn *c);                        /* an acknowledgment begins to be looked at */
struct rate_sample tcp_rate_sample(struct tcp_conn *c, int64_t least_ns);       /* what it said; least_ns: a round trip takes */
void tcp_rate_passed(struct tcp_conn *c);
void tcp_rate_idle(struct tcp_conn *c);                         /* the application has nothing more to send */

/* timer.c */
void tcp_timer_user_timeout(struct tcp_conn *c, const struct tcp_user_opt *o);
void tcp_timer_on_peer_timeout(struct tcp_conn *c, uint32_t seconds);     /* RFC 5482 §3.1 */
void tcp_timer_on_sending(struct tcp_conn *c, int64_t now_ns);  /* something that wants an acknowledgment is about to leave */
void tcp_timer_on_progress(struct tcp_conn *c, int64_t now_ns); /* it was acknowledged, at least in part */
void tcp_timer_on_resent(struct tcp_conn *c, int64_t now_ns);   /* the segment at SND.UNA leaves again in fast recovery */
void tcp_timer_on_reordered(struct tcp_conn *c, int64_t deadline_ns);   /* DEADLINE_NEVER: nothing is waited for */
void tcp_timer_on_probe_due(struct tcp_conn *c, int64_t deadline_ns);
void tcp_timer_on_probed(struct tcp_conn *c, int64_t now_ns);   /* a tail probe is about to leave */
void tcp_timer_on_heard(struct tcp_conn *c);                    /* any acceptable ACK */
void tcp_timer_on_blocked(struct tcp_conn *c, int64_t now_ns);  /* text waits with nothing in flight */
void tcp_timer_on_no_path(struct tcp_conn *c, int64_t now_ns);  /* text waits and no way leads to the peer */
void tcp_timer_on_paced(struct tcp_conn *c);                    /* text waits for its departure time */
void tcp_timer_on_unblocked(struct tcp_conn *c);
void tcp_timer_on_ack_delayed(struct tcp_conn *c, int64_t now_ns);
void tcp_timer_on_ack_sent(struct tcp_conn *c);
void tcp_timer_on_established(struct tcp_conn *c, int64_t now_ns);
void tcp_timer_on_orphan_wait(struct tcp_conn *c, int64_t now_ns);
void tcp_timer_on_option(struct tcp_conn *c, int64_t now_ns);
void tcp_timer_stop(struct tcp_conn *c);
void tcp_timer_expired(struct tcp_timers *m, int64_t now_ns);
/* To be looked at only. */
static inline const struct tcp_timers *tcp_timers(const struct tcp_conn *c) { return c->timer ? c->timer : &tcp_no_timers; }

/* info.c */
struct tcp_tx;
void tcp_tally_out(struct tcp_conn *c, const struct tcp_tx *x); /* before SND.NXT moves */
struct tcp_tally_mark tcp_tally_before(struct tcp_conn *c, const struct tcp_seg *s);
void tcp_tally_syn_text(struct tcp_conn *c, uint32_t bytes);
void tcp_tally_after(struct tcp_conn *c, const struct tcp_tally_mark *m, int64_t now_ns);
void tcp_tally_limits(struct tcp_conn *c, int64_t now_ns);
void tcp_tally_end(struct tcp_conn *c, int64_t now_ns);

/* pmtud.c */
uint16_t tcp_pmtu_limit(const struct tcp_conn *c);              /* largest IP packet to send now */
void tcp_pmtu_on_established(struct tcp_conn *c, int64_t now_ns);
bool tcp_pmtu_on_timeout(struct tcp_conn *c, int64_t now_ns);   /* after the timer's count */
struct tcp_tx;
bool tcp_pmtu_probe(const struct tcp_conn *c, struct tcp_tx *x, int64_t now_ns);
void tcp_pmtu_probe_sent(struct tcp_conn *c, const struct tcp_tx *x);
void tcp_pmtu_on_ack(struct tcp_conn *c, int64_t now_ns);
void tcp_pmtu_on_resent(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns);

/* output.c, build.c */
struct tcp_tx { seq_t seq; uint32_t len; uint8_t flags; bool own, probe; };   /* own: the ACK that one segment owed by itself; probe: pmtud.c */
void tcp_due_syn(struct tcp_conn *c);
void tcp_due_probe(struct tcp_conn *c);
void tcp_due_keepalive(struct tcp_conn *c);
void tcp_due_force(struct tcp_conn *c);
void tcp_due_tail(struct tcp_conn *c);
void tcp_due_update(struct tcp_conn *c);
void tcp_due_timeout(struct tcp_conn *c);                       /* the user timeout changed: tell the peer */
void tcp_due_nothing(struct tcp_conn *c);
bool tcp_unsent(const struct tcp_conn *c);                      /* text or a FIN not sent yet */
bool tcp_owes(const struct tcp_conn *c);                        /* a quick guess; tcp_out decides */
struct pkt *tcp_build(struct tcp_conn *c, const struct tcp_tx *x, int64_t now_ns);
uint16_t tcp_header_bytes(const struct tcp_conn *c);            /* TCP header of a segment without SYN */

/* isn.c */
uint64_t tcp_flow_bits(const struct tcp *t, const struct flow *f);      /* hashed once for both that follow */
seq_t tcp_isn(const struct tcp *t, uint64_t flow_bits, int64_t now_ns);
uint32_t tcp_ts_offset(uint64_t flow_bits);

/* challenge.c */
bool tcp_challenge_allowed(struct tcp *t, int64_t now_ns);
seg_fate tcp_challenge(struct tcp_conn *c, struct tcp_seg *s, enum why why);

/* paws.c */
uint32_t tcp_ts_clock(uint32_t offset, int64_t now_ns);
int64_t tcp_ts_age_ns(const struct tcp_conn *c, uint32_t ts, int64_t now_ns);   /* since we sent it; -1: in the future */
void tcp_ts_open(struct tcp_conn *c, uint64_t flow_bits);
void tcp_ts_agreed(struct tcp_conn *c, const struct tcp_seg *s);
bool tcp_paws_old(const struct tcp_conn *c, const struct tcp_seg *s);
void tcp_ts_update(struct tcp_conn *c, const struct tcp_seg *s);

/* timewait.c */
void tcp_timewait_enter(struct tcp_conn *c, enum why why, int64_t now_ns);
seg_fate tcp_arrive_timewait(struct tcp *t, struct tcp_timewait *w, struct tcp_seg *s);
void tcp_timewait_end(struct tcp *t, struct tcp_timewait *w, enum why why, int64_t now_ns);
/* An OPEN may take its place by time stamps; `iss` must then lie above *above. */
bool tcp_timewait_reusable(const struct tcp *t, const struct tcp_timewait *w, int64_t now_ns);
void tcp_timewait_tick(struct tcp *t, int64_t now_ns);

/* reply.c */
void tcp_reply_push(struct tcp *t, const struct tcp_reply *r, int64_t now_ns);
void tcp_reply_rst(struct tcp *t, const struct tcp_seg *s);     /* §3.10.7.1's form */
void tcp_reply_abort(struct tcp_conn *c, int64_t now_ns);       /* <SEQ=SND.NXT><CTL=RST,ACK> */

/* listen.c */
void listen_queue(struct tcp_conn *c, enum tcp_queue to);       /* from the list it is on to another */
void listen_leave(struct tcp_conn *c);
void tcp_starved(struct tcp_conn *c);
void tcp_orphaned(struct tcp_conn *c);                          /* its user is gone */
void tcp_shed_orphan(struct tcp *t, int64_t now_ns);            /* the table is full: the oldest orphan is reset */
void tcp_feed_starved(struct tcp *t);

/* ready.c: what the user is told */
void tcp_ready(struct tcp_conn *c, unsigned bits);
void tcp_listener_ready(struct tcp_listener *l);
