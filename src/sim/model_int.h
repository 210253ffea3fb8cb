/* What the parts of a seeded world share. */
#pragma once
#include "sim/model.h"
#include "sim/world.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"

enum { MODEL_CONNS = 3, MODEL_RTOS = 16, MODEL_BYTES = 400000 };

struct model;

/* One end of one connection, and the application that drives it. */
struct model_end {
    struct model    *m;
    int              side, index;
    struct tcp_conn *conn;              /* NULL: not open yet, or over */
    struct tcp_listener *listener;      /* where it will be accepted */
    struct tcp_user_opt opt;            /* of one that opens later, when the peer may have given a cookie */
    bool     opens_later;
    uint64_t to_write, written, read;
    uint32_t write_max, read_max;       /* largest piece of a step */
    int64_t  step_ns, stall_until_ns, abort_at_ns;
    uint32_t dozes;                     /* how often it still stops reading for a while, until the window is closed */
    bool     early_close;               /* closes without reading to the end */
    bool     finished, aborted, failed, saw_end, shut;
    enum plumb_err error;
    struct loop_timer timer;
};

/* What the wire shows of one direction of one connection. */
struct model_watch {
    uint16_t port;                      /* the sender's */
    bool     reset;                     /* a RST passed: a late SYN may begin it anew */
    bool     syn, scaled, peer_scaled;
    uint8_t  shift;                     /* of windows this side advertises */
    seq_t    isn, max_sent;             /* end of what it sent */
    bool     heard, acked;
    seq_t    right_edge;                /* furthest the peer allowed, as heard here */
    seq_t    own_edge, own_ack;         /* furthest this side allowed; its last ACK */
    bool     fin;
    seq_t    fin_end;                   /* behind its FIN */
    int64_t  owed_ns;                   /* since when text waits for its acknowledgment; 0: none does */
    uint32_t owed_pkt;                  /* which packet brought it */
};

/* Which bytes of one direction's stream have arrived. */
struct model_arrived { uint64_t bit[MODEL_BYTES / 64 + 1]; };

enum { MODEL_WORDS = MODEL_BYTES / 64 + 1 };
struct model_bits { uint64_t word[MODEL_WORDS]; };

/* What one end of a connection has in flight, as model_recovery.c sees it; places count
 * from the first byte of its text. */
struct model_flight {
    uint32_t conn;                      /* its serial; 0: none is open */
    int      side, index;
    int64_t  una, sent;                 /* acknowledged up to; left up to */
    uint32_t cwnd, ssthresh;            /* cwnd 0: not said yet */
    uint32_t pipe, recovery_pipe;       /* in the network when something left last; when fast recovery began */
    uint8_t  phase;
    bool     excuse, probing;           /* the next to be sent again, to leave, is a probe */
    uint32_t unexplained_seq;
    int64_t  unexplained;               /* when it was sent again; 0: all had a cause */
    uint64_t told, resent;              /* bytes sent again, as it said and as the wire showed */
    struct model_bits sacked, said, again;      /* the peer has it; the peer may have it; may be sent again */
    struct model_bits forgot;                   /* said before a timeout, which may prove spurious */
    seq_t    ack;                       /* of the last acknowledgment that arrived, and its blocks */
    unsigned n_sack;
    struct tcp_sack sack[TCP_SACK_MAX];
};

/* The last expiry of one connection's retransmission timer. */
struct model_rto { uint32_t conn, seq; int64_t rto_ns; uint8_t count; };

/* What stands between the two hosts. */
enum model_between { BETWEEN_NOTHING, BETWEEN_SWITCH, BETWEEN_ROUTER };

struct model {
    uint64_t seed;
    enum model_paths paths;
    bool verbose;
    struct world *w;
    struct rng rng;
    enum model_between between;
    struct stack *stack[2], *router;
    struct addr addr[2];
    unsigned iface[2];
    bool ip6;                           /* the hosts speak IPv6 */
    bool ether, simultaneous, large, fast_open;
    bool soft;                          /* the stacks cut and join packets for their devices */
    bool own_recovery;                  /* congestion control goes on by its own rules when something is lost */
    uint16_t mss;                       /* the most text in a segment */
    uint16_t black_hole;                /* links drop what is larger, and say nothing; 0: they do not */
    unsigned link_losses;
    bool neighbour_lost;                /* all that asked for a neighbour, or answered, was lost on the link */
    int n_conns;
    struct model_end end[2][MODEL_CONNS];
    struct model_watch watch[2][MODEL_CONNS];
    bool sack_asked[2][MODEL_CONNS];
    struct model_rto rto[2][MODEL_RTOS];
    struct model_arrived arrived[2][MODEL_CONNS];           /* at this side */
    struct model_flight flight[2][MODEL_CONNS];
    struct model_result *out;
};

static inline uint8_t model_byte(int side, int index, uint64_t at)
{
    return (uint8_t)(at * 167 + (at >> 8) * 13 + (at >> 16) + (uint64_t)(side * 101 + index * 41));
}

/* Notes the first breach; returns false. */
__attribute__((format(printf, 2, 3))) bool model_breach(struct model *m, const char *format, ...);
/* The text of a packet that arrived at `side`; the blocks that it says (model_sack.c). */
struct model_packet { struct tcp_header h; struct tcp_opt opt; struct reader data; struct addr src; };
void model_sack_arrived(struct model *m, int side, int index, const struct model_packet *p);
void model_sack_said(struct model *m, int side, int index, const struct model_packet *p);
/* What is sent again and how much at once (model_recovery.c): packets as the sender's side sees them, and its events. */
void model_recovery_in(struct model *m, int side, int index, const struct model_packet *p);
void model_recovery_out(struct model *m, int side, int index, const struct model_packet *p);
void model_recovery_event(struct model *m, int side, const struct event *e);
/* A trace_sink on both stacks: counts what was seen and holds packets to the rules. */
void model_watch_event(void *m, const struct event *e, const void *bytes, uint32_t n_bytes);
