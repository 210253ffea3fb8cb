/* A struct net with one stream that was accepted and one datagram socket; the target
 * is the other end of both. */
#pragma once
#include "fuzz.h"
#include "socket/net.h"

enum { FAKE_BYTES = 4096, FAKE_ROOM = 700 };

static struct {
    struct net      net;
    struct loop     loop;
    struct listener listener;
    struct stream   stream;
    struct dgram    dgram;
    bool            waiting, held;      /* the stream: to be accepted; the owner has it */
    bool            ended, shut, aborted;
    uint8_t         in[FAKE_BYTES], lent[FAKE_ROOM];
    size_t          n_in, n_lent;
    const uint8_t  *datagram;
    size_t          datagram_len;
    void          (*sent)(const uint8_t *bytes, size_t len);    /* what the owner sends, on either */
} fake;

static const struct endpoint fake_peer = { { .b = { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, 4000 };

static inline enum stream_state fake_state(const struct stream *s) { (void)s; return STREAM_OPEN; }
static inline uint8_t *fake_reserve(struct stream *s, size_t *room)
{
    (void)s;
    fake.n_lent = *room = fake.shut ? 0 : sizeof fake.lent;
    return fake.shut ? NULL : fake.lent;
}
static inline void fake_commit(struct stream *s, size_t n)
{
    (void)s;
    REQUIRE(n <= fake.n_lent);
    fake.n_lent = 0;
    fake.sent(fake.lent, n);
    loop_defer(&fake.loop, &fake.stream.watch);
}
static inline const uint8_t *fake_peek(struct stream *s, size_t *len) { (void)s; *len = fake.n_in; return fake.n_in ? fake.in : NULL; }
static inline void fake_consume(struct stream *s, size_t n)
{
    (void)s;
    REQUIRE(n <= fake.n_in);
    fake.n_in -= n;
    memmove(fake.in, fake.in + n, fake.n_in);
}
static inline bool fake_ended(const struct stream *s)   { (void)s; return fake.ended && fake.n_in == 0; }
static inline bool fake_drained(const struct stream *s) { (void)s; return true; }
static inline void fake_shutdown(struct stream *s)      { (void)s; fake.shut = true; }
static inline void fake_close(struct stream *s)
{
    loop_undefer(&s->watch);
    s->watch.fn = NULL;
    fake.held = false;
}
static inline void fake_abort(struct stream *s) { fake.aborted = true; fake_close(s); }
static inline struct endpoint fake_local(const struct stream *s)  { (void)s; return (struct endpoint){ addr4(0x0a000001), 80 }; }
static inline struct endpoint fake_remote(const struct stream *s) { (void)s; return fake_peer; }
static inline uint32_t fake_conn(const struct stream *s) { (void)s; return 1; }
static inline void fake_no_delay(struct stream *s, bool on) { (void)s; (void)on; }

static inline struct stream *fake_accept(struct listener *l)
{
    (void)l;
    if (!fake.waiting)
        return NULL;
    fake.waiting = false;
    fake.held = true;
    return &fake.stream;
}
static inline struct endpoint fake_at(const struct listener *l) { (void)l; return fake_local(NULL); }
static inline void fake_deaf(struct listener *l) { loop_undefer(&l->watch); }

static inline enum plumb_err fake_send(struct dgram *d, struct endpoint to, const void *bytes, size_t len)
{
    (void)d;
    REQUIRE(to.port != 0);
    fake.sent(bytes, len);
    return PLUMB_OK;
}
static inline bool fake_dgram_peek(struct dgram *d, struct dgram_in *out)
{
    (void)d;
    if (!fake.datagram)
        return false;
    *out = (struct dgram_in){ .from = fake_peer, .to = addr4(0x0a000001), .bytes = fake.datagram, .len = fake.datagram_len };
    return true;
}
static inline void fake_dgram_consume(struct dgram *d) { (void)d; fake.datagram = NULL; }
static inline enum plumb_err fake_error(struct dgram *d) { (void)d; return PLUMB_OK; }
static inline struct endpoint fake_dgram_local(const struct dgram *d) { (void)d; return fake_local(NULL); }
static inline void fake_dgram_close(struct dgram *d) { loop_undefer(&d->watch); }
static inline enum plumb_err fake_group(struct dgram *d, const struct group_opts *o) { (void)d; (void)o; return PLUMB_OK; }
static inline enum plumb_err fake_datagram(struct net *n, const struct dgram_opts *o, struct dgram **out)
{
    (void)n;
    (void)o;
    *out = &fake.dgram;
    return PLUMB_OK;
}
static inline uint64_t fake_random(struct net *n) { (void)n; return 0x0123456789abcdef; }

static inline void fake_begin(void (*sent)(const uint8_t *bytes, size_t len))
{
    static const struct stream_ops stream_ops = { fake_state, fake_reserve, fake_commit, fake_peek, fake_consume, fake_ended, fake_drained, fake_shutdown,
                                                  fake_close, fake_abort, fake_local, fake_remote, fake_conn, fake_no_delay, NULL };
    static const struct listener_ops listener_ops = { fake_accept, fake_at, fake_deaf };
    static const struct dgram_ops dgram_ops = { fake_send, fake_dgram_peek, fake_dgram_consume, fake_error, fake_dgram_local, fake_group, fake_dgram_close };
    static const struct net_ops ops = { .datagram = fake_datagram, .random = fake_random };
    memset(&fake, 0, sizeof fake);
    loop_init(&fake.loop, NS_PER_SEC, NS_PER_SEC);
    fake.net = (struct net){ .ops = &ops, .loop = &fake.loop };
    fake.stream = (struct stream){ .ops = &stream_ops, .loop = &fake.loop };
    fake.listener = (struct listener){ .ops = &listener_ops, .loop = &fake.loop };
    fake.dgram = (struct dgram){ .ops = &dgram_ops, .loop = &fake.loop };
    fake.sent = sent;
}

/* What is due runs, and what that makes due. */
static inline void fake_turn(void)
{
    for (int round = 0; loop_deadline(&fake.loop) <= fake.loop.now_ns; round++) {
        REQUIRE(round < 100000);
        loop_tick(&fake.loop, fake.loop.now_ns);
    }
}

static inline void fake_pass(int64_t ns)
{
    const int64_t until_ns = fake.loop.now_ns + ns;
    for (int64_t at; (at = loop_deadline(&fake.loop)) <= until_ns;) {
        fake.loop.now_ns = time_max(fake.loop.now_ns, at);
        fake_turn();
    }
    fake.loop.now_ns = until_ns;
}
