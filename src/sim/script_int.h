/* A script's inside, shared by its parser, its packets and its runner. */
#pragma once
#include "sim/script.h"
#include "stack/stack.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"

/* ------------------------------------------------------------- the script */

enum { SCRIPT_ARGS = 6, SCRIPT_WORD = 64, SCRIPT_FDS = 16, SCRIPT_QUEUE = 2048 };

enum event_type { SCRIPT_IN, SCRIPT_OUT, SCRIPT_CALL, SCRIPT_ASSERT };
enum time_type  { TIME_RELATIVE, TIME_ABSOLUTE, TIME_ANY, TIME_RANGE };

struct script_seg {
    uint8_t  flags, ae;
    bool     any_flags;                 /* outgoing: not compared */
    uint32_t seq, end, len;
    bool     has_ack, has_win, has_urg, has_tos;
    uint32_t ack;
    uint16_t win, urg;
    bool     any_opt;                   /* <...> */
    struct tcp_opt opt;
    bool     bad_opt, bad_csum;         /* incoming: a malformed option list or checksum */
    uint8_t  ttl, tos;                  /* 0: the usual ones; outgoing: not compared */
    int      icmp_type, icmp_code;      /* icmp_type < 0: a TCP segment */
    uint16_t mtu;
    uint16_t src_port;                  /* 0: the script's usual ones */
    struct addr src, dst;               /* incoming; none: the script's usual ones */
    bool     bad_offset;                /* incoming: a data offset below the header's own length */
    uint32_t times, times_max;          /* so often; outgoing: at most so often, as many as left */
    bool     burst;                     /* incoming: all of them before anything leaves */
};

struct script_call {
    char name[SCRIPT_WORD];
    char arg[SCRIPT_ARGS][SCRIPT_WORD];
    unsigned n_args;
    long result;
    char error[SCRIPT_WORD];            /* "" or the errno's name */
    bool any_result;
};

struct script_assert { char name[SCRIPT_WORD], arg[SCRIPT_WORD], op[4], value[SCRIPT_WORD]; };

struct script_event {
    int line;
    enum event_type type;
    enum time_type time_type;
    int64_t time_ns, end_ns;            /* end: of a range, or of a blocking call */
    bool blocking;
    struct script_seg seg;
    struct script_call call;
    struct script_assert check;
    struct script_event *next;
};

struct script {
    struct script_event *first, **last;
    struct stack_config config;
    uint16_t mtu;                       /* of IPv4; that of IPv6 is larger by what its header is larger, so that segments are the same */
    uint8_t ip;                         /* 4, 6: the only family it can run over; 0: both */
    int64_t tolerance_ns;
    enum why reason[16];                /* each must have been counted at the end */
    unsigned n_reasons;
};

/* False: `error` holds the line and what is wrong. Free with script_free in either case. */
bool script_parse(const char *text, struct script *out, char error[SCRIPT_ERROR]);
void script_free(struct script *s);

/* ----------------------------------------------------------------- packets */

struct script_link {
    struct addr local, remote;
    uint16_t local_port, remote_port;
    bool     know_local;                /* local_isn learnt from the first SYN that left */
    seq_t    local_isn, remote_isn;
    bool     know_ts;                   /* the first time stamp value that left, here and in the script */
    uint32_t ts_live, ts_script;
};

/* The byte that stands at a relative sequence number of either direction, so that
 * misplaced data is seen. */
static inline uint8_t script_byte(uint32_t relative) { return (uint8_t)(relative * 7 + (relative >> 8) * 31 + (relative >> 16)); }

enum { SCRIPT_IP6_MORE = 20 };          /* bytes that IPv6's header has more than IPv4's */

/* Builds an incoming packet, head at the IP header; NULL: no buffer. */
struct pkt *script_build(const struct script_link *l, const struct script_seg *s, struct pkt_pools *pools);
/* Compares a packet that left with what the script wants; learns ISN and time stamps. */
bool script_match(struct script_link *l, const struct script_seg *want, const uint8_t *packet, uint32_t len, char error[SCRIPT_ERROR]);

/* --------------------------------------------------------------------- run */

enum { LINKS = 16, SERVER_PORT = 8080, PEER_PORT = 50000, SPINS = 10000 };

struct sent { int64_t time_ns; uint32_t len; uint8_t *bytes; };

struct fd { bool used, bound; uint16_t port; struct tcp_listener *listener; struct tcp_conn *conn; struct tcp_user_opt opt;
            uint32_t written, read; };

struct run {
    struct script s;
    bool ip6;
    struct stack *st;
    struct tcp *tcp;
    unsigned iface;
    int64_t now_ns, last_ns;            /* the clock; the time of the event before */
    struct script_link link[LINKS];
    unsigned n_links;
    struct sent queue[SCRIPT_QUEUE];    /* what left and was not looked at yet */
    unsigned first, n;
    struct fd fd[SCRIPT_FDS];
    uint32_t ended[WHY_COUNT];          /* why connections changed their state */
    const struct script_event *at;
    char *error;
};

/* Notes what went wrong, with the line and the time; returns false. */
__attribute__((format(printf, 2, 3))) bool script_fail(struct run *r, const char *format, ...);
struct fd *script_fd(struct run *r, const char *text);
const char *script_errno(enum plumb_err e);
/* script_check.c */
bool script_check(struct run *r, const struct script_assert *a);
