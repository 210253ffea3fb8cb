/* What applications are given: connect, listen, datagram and the loop.
 *
 * stack/ implements it on plumb's own stack, os/hostsock on the host's sockets;
 * TLS and proxies will wrap it.  HTTP, DNS and every service are written once on
 * these types and never know which they run on.
 *
 * Everything is non-blocking.  Readiness: an object's watch is deferred on the
 * loop whenever something about it may have changed (bytes arrived, room came,
 * peer closed, error, connection established, connection to accept).  The owner
 * then asks until told there is no more.  No call ever runs the owner's code. */
#pragma once
#include "base/addr_select.h"
#include "base/err.h"
#include "base/group.h"
#include "base/loop.h"
#include "trace/trace.h"
#include <stddef.h>

struct net; struct stream; struct listener; struct dgram;

/* --------------------------------------------------------------- stream */

enum stream_state { STREAM_CONNECTING, STREAM_OPEN, STREAM_FAILED };

/* A snapshot of a connection on plumb's stack; windows and thresholds in bytes. */
struct stream_info {
    uint32_t mss, cwnd, ssthresh, snd_wnd, rcv_wnd, retransmits, segs_in, segs_out;
    uint64_t bytes_sent, bytes_resent, bytes_acked, bytes_received, lost;
    int64_t  srtt_ns, rttvar_ns, min_rtt_ns, rto_ns;
    int64_t  busy_ns, window_limited_ns, buffer_limited_ns, user_limited_ns;   /* the two in the middle are part of the first */
    uint64_t pacing;                    /* bytes per second; 0: not paced */
    const char *congestion;
};

struct stream_ops {
    enum stream_state (*state)(const struct stream *);
    uint8_t *(*reserve)(struct stream *, size_t *room);
    void (*commit)(struct stream *, size_t n);
    const uint8_t *(*peek)(struct stream *, size_t *len);
    void (*consume)(struct stream *, size_t n);
    bool (*ended)(const struct stream *);
    bool (*drained)(const struct stream *);
    void (*shutdown)(struct stream *);
    void (*close)(struct stream *);
    void (*abort)(struct stream *);
    struct endpoint (*local)(const struct stream *);
    struct endpoint (*remote)(const struct stream *);
    uint32_t (*conn)(const struct stream *);
    void (*set_no_delay)(struct stream *, bool on);
    bool (*info)(const struct stream *, struct stream_info *out);      /* may be NULL */
};

struct stream {
    const struct stream_ops *ops;
    struct loop     *loop;
    struct loop_task watch;             /* fn NULL: nobody watches */
    enum plumb_err   error;             /* why it is STREAM_FAILED */
};

static inline void stream_watch(struct stream *s, loop_fn *fn, void *arg)
{
    loop_undefer(&s->watch);
    s->watch.fn = fn;
    s->watch.arg = arg;
}
static inline enum stream_state stream_state(const struct stream *s) { return s->ops->state(s); }
/* PLUMB_OK until STREAM_FAILED: REFUSED, RESET, TIMED_OUT, NO_ROUTE, UNREACHABLE, ABORTED ... */
static inline enum plumb_err stream_error(const struct stream *s)    { return s->error; }

/* Lends contiguous room in the send buffer; NULL (room 0): full, not open yet, or
 * shut down.  commit sends the first n bytes of what was lent; n <= room. */
static inline uint8_t *stream_reserve(struct stream *s, size_t *room) { return s->ops->reserve(s, room); }
static inline void stream_commit(struct stream *s, size_t n)          { s->ops->commit(s, n); }
/* Copies what fits now; returns how many bytes were taken. */
size_t stream_write(struct stream *s, const void *bytes, size_t len);

/* Lends contiguous received bytes; NULL (len 0): none now.  consume frees the
 * first n of what was lent.  Bytes that arrived before a failure stay readable. */
static inline const uint8_t *stream_peek(struct stream *s, size_t *len) { return s->ops->peek(s, len); }
static inline void stream_consume(struct stream *s, size_t n)           { s->ops->consume(s, n); }
size_t stream_read(struct stream *s, void *to, size_t max);

/* The peer closed its half and everything was consumed. */
static inline bool stream_ended(const struct stream *s)   { return s->ops->ended(s); }
/* Everything committed was acknowledged (plumb) or taken by the kernel (host). */
static inline bool stream_drained(const struct stream *s) { return s->ops->drained(s); }

/* Half-close: what was committed is sent, then the end; reading goes on. */
static inline void stream_shutdown(struct stream *s) { s->ops->shutdown(s); }
/* The owner is done: committed bytes are still delivered.  The stream is gone for
 * the owner after either; NULL is fine. */
static inline void stream_close(struct stream *s)    { if (s) s->ops->close(s); }
static inline void stream_abort(struct stream *s)    { if (s) s->ops->abort(s); }    /* RST; nothing more is delivered */

static inline struct endpoint stream_local(const struct stream *s)  { return s->ops->local(s); }
static inline struct endpoint stream_remote(const struct stream *s) { return s->ops->remote(s); }
/* The serial that events carry in their `conn` field; 0 on host sockets. */
static inline uint32_t stream_conn(const struct stream *s)          { return s->ops->conn(s); }
static inline void stream_set_no_delay(struct stream *s, bool on)   { s->ops->set_no_delay(s, on); }

/* False: not known, as on host sockets. */
static inline bool stream_info(const struct stream *s, struct stream_info *out)
{
    return s->ops->info && s->ops->info(s, out);
}

/* ------------------------------------------------------------- listener */

struct listener_ops {
    struct stream *(*accept)(struct listener *);
    struct endpoint (*local)(const struct listener *);
    void (*close)(struct listener *);
};
struct listener { const struct listener_ops *ops; struct loop *loop; struct loop_task watch; };

static inline void listener_watch(struct listener *l, loop_fn *fn, void *arg)
{
    loop_undefer(&l->watch);
    l->watch.fn = fn;
    l->watch.arg = arg;
}
/* An established connection, owned by the caller; NULL: none waits. */
static inline struct stream *listener_accept(struct listener *l)        { return l->ops->accept(l); }
static inline struct endpoint listener_local(const struct listener *l)  { return l->ops->local(l); }
static inline void listener_close(struct listener *l)                   { if (l) l->ops->close(l); }

/* ---------------------------------------------------------------- dgram */

struct dgram_in { struct endpoint from; struct addr to; uint8_t iface; const uint8_t *bytes; size_t len; };

/* Membership of a multicast group; on plumb's stack told to the routers by IGMPv3 and MLDv2. */
struct group_opts {
    struct addr group;
    struct addr own;                    /* an address of the interface meant; none: the one that leads to the group */
    struct source_filter filter;         /* which sources; none wanted: the membership ends */
};

struct dgram_ops {
    enum plumb_err (*send)(struct dgram *, struct endpoint to, const void *bytes, size_t len);
    bool (*peek)(struct dgram *, struct dgram_in *out);
    void (*consume)(struct dgram *);
    enum plumb_err (*take_error)(struct dgram *);
    struct endpoint (*local)(const struct dgram *);
    enum plumb_err (*group)(struct dgram *, const struct group_opts *o);
    void (*close)(struct dgram *);
};
struct dgram { const struct dgram_ops *ops; struct loop *loop; struct loop_task watch; };

static inline void dgram_watch(struct dgram *d, loop_fn *fn, void *arg)
{
    loop_undefer(&d->watch);
    d->watch.fn = fn;
    d->watch.arg = arg;
}
/* PLUMB_AGAIN, NO_ROUTE, TOO_BIG, NO_MEMORY. */
static inline enum plumb_err dgram_send(struct dgram *d, struct endpoint to, const void *bytes, size_t len)
{
    return d->ops->send(d, to, bytes, len);
}
/* Lends the oldest datagram until dgram_consume; false: none waits. */
static inline bool dgram_peek(struct dgram *d, struct dgram_in *out) { return d->ops->peek(d, out); }
static inline void dgram_consume(struct dgram *d)                    { d->ops->consume(d); }
/* The oldest error ICMP brought (REFUSED, UNREACHABLE), taken; PLUMB_OK: none. */
static inline enum plumb_err dgram_take_error(struct dgram *d)       { return d->ops->take_error(d); }
static inline struct endpoint dgram_local(const struct dgram *d)     { return d->ops->local(d); }
/* Whatever was wished of that group there before is replaced.  INVALID (not a group), NO_ROUTE (no such interface), NOT_FOUND (an
 * end without a beginning), NO_MEMORY. */
static inline enum plumb_err dgram_group(struct dgram *d, const struct group_opts *o) { return d->ops->group(d, o); }
static inline enum plumb_err dgram_join(struct dgram *d, struct addr group)
{
    return dgram_group(d, &(struct group_opts){ .group = group, .filter.exclude = true });
}
static inline void dgram_close(struct dgram *d)                      { if (d) d->ops->close(d); }

/* ------------------------------------------------------------------ net */

struct connect_opts {
    struct endpoint remote;
    struct endpoint local;              /* all-zero: chosen */
    bool no_delay;                      /* Nagle off */
    const char *congestion;             /* "cubic", "reno" ...; NULL: the default.  INVALID: no such */
    /* RFC 7413, on plumb's stack: a peer that is known from before is STREAM_OPEN at once, its SYN
     * waits for the first bytes and takes them along; what goes wrong is told later.  For owners
     * who speak first, and whose first words may come twice. */
    bool fast_open;
};
struct listen_opts {
    struct endpoint local;              /* addr none: any address; port 0: chosen */
    uint32_t backlog;                   /* connections waiting to be accepted; 0: 128 */
    bool no_delay;
    const char *congestion;             /* of the connections accepted */
    uint32_t fast_open;                 /* RFC 7413: so many at once may be accepted before their handshake is over; 0: none */
};
/* What becomes of a datagram larger than the path takes: it is cut, here or (IPv4) by a router on the way; cut here, and what fits
 * goes as one, so that ICMP tells of a path that is narrower (RFC 1191, RFC 8201); refused with TOO_BIG. */
enum dgram_size { DGRAM_CUT, DGRAM_CUT_HERE, DGRAM_WHOLE };
struct dgram_opts {
    struct endpoint local;              /* addr none: any; port 0: an unpredictable ephemeral port */
    struct endpoint remote;             /* port not 0: connected, takes datagrams and errors of this peer only */
    bool broadcast;                     /* may send to broadcast addresses */
    bool shared;                        /* others that say so too may have the port; each hears what comes to a group */
    uint8_t group_ttl;                  /* of what is sent to groups [1: it stays on the link] */
    bool group_silent;                  /* what is sent to groups is not heard here */
    enum dgram_size size;
};

struct net_ops {
    enum plumb_err (*connect)(struct net *, const struct connect_opts *, struct stream **out);
    enum plumb_err (*listen)(struct net *, const struct listen_opts *, struct listener **out);
    enum plumb_err (*datagram)(struct net *, const struct dgram_opts *, struct dgram **out);
    bool (*source)(struct net *, struct addr remote, struct addr_source *out);
    bool (*settling)(struct net *);     /* may be NULL */
    uint64_t (*random)(struct net *);
};
struct net { const struct net_ops *ops; struct loop *loop; struct trace *trace; };

/* *out is set only on PLUMB_OK; a connection then is STREAM_CONNECTING (or already
 * open or failed) and tells by its watch. */
static inline enum plumb_err net_connect(struct net *n, const struct connect_opts *o, struct stream **out)  { return n->ops->connect(n, o, out); }
static inline enum plumb_err net_listen(struct net *n, const struct listen_opts *o, struct listener **out)  { return n->ops->listen(n, o, out); }
static inline enum plumb_err net_datagram(struct net *n, const struct dgram_opts *o, struct dgram **out)    { return n->ops->datagram(n, o, out); }
/* The address that what is sent there would come from; false: there is no way there. */
static inline bool net_source(struct net *n, struct addr remote, struct addr_source *out)                  { return n->ops->source(n, remote, out); }
/* Own addresses are still being made: what cannot be reached now may soon be. */
static inline bool net_settling(struct net *n)                                                             { return n->ops->settling && n->ops->settling(n); }
/* Unpredictable bits (DNS ids, boundaries); in a lab they come from its seed. */
static inline uint64_t net_random(struct net *n)                                                           { return n->ops->random(n); }
