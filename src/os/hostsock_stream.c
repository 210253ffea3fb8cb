/* Streams on the host's TCP sockets.  What is committed goes to the kernel at the
 * end of the tick, so that small pieces leave together. */
#include "os/hostsock_int.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 65536, FLUSH_AT = BUFFER / 2 };

struct buffer { uint8_t *bytes; size_t from, to; };     /* bytes NULL: empty */

struct host_stream {
    struct stream     stream;           /* first */
    struct hostsock  *host;
    struct list       node;
    struct wait_fd    fd;
    struct loop_task  flush;
    enum stream_state state;
    struct buffer     in, out;
    bool in_ended;                      /* the peer's end was read */
    bool shut, shut_told;               /* no more commits; the kernel knows */
    bool owner_gone;
};

static struct host_stream *host(const struct stream *s) { return (struct host_stream *)(uintptr_t)s; }

static size_t held(const struct buffer *b) { return b->to - b->from; }
static bool buffer_open(struct buffer *b)
{
    if (!b->bytes) {
        b->bytes = malloc(BUFFER);
        b->from = b->to = 0;
    }
    return b->bytes != NULL;
}
static void buffer_drop(struct buffer *b)
{
    free(b->bytes);
    *b = (struct buffer){ 0 };
}

static void release(struct host_stream *s)
{
    if (s->owner_gone)
        s->host->closing--;
    wait_remove_fd(s->host->wait, &s->fd);
    close(s->fd.fd);
    loop_undefer(&s->flush);
    loop_undefer(&s->stream.watch);
    list_remove(&s->node);
    buffer_drop(&s->in);
    buffer_drop(&s->out);
    free(s);
}

static void notify(struct host_stream *s)
{
    if (s->stream.watch.fn)
        loop_defer(s->stream.loop, &s->stream.watch);
}

static void fail(struct host_stream *s, int error_number)
{
    s->state = STREAM_FAILED;
    s->stream.error = host_err(error_number);
    buffer_drop(&s->out);
    notify(s);
}

static void tell_shut(struct host_stream *s)
{
    if (s->shut && !s->shut_told && s->state == STREAM_OPEN && held(&s->out) == 0) {
        s->shut_told = true;
        (void)shutdown(s->fd.fd, SHUT_WR);
    }
}

/* Hands the kernel what it takes now. */
static void push(struct host_stream *s)
{
    while (s->state == STREAM_OPEN && held(&s->out) > 0) {
        const ssize_t n = send(s->fd.fd, s->out.bytes + s->out.from, held(&s->out), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN)
                fail(s, errno);
            return;
        }
        s->out.from += (size_t)n;
    }
    if (s->state == STREAM_OPEN)
        buffer_drop(&s->out);
    tell_shut(s);
}

/* After a failure too: what had arrived before it stays readable. */
static void fill(struct host_stream *s)
{
    if (held(&s->in) > 0 || s->in_ended || s->state == STREAM_CONNECTING)
        return;
    if (!buffer_open(&s->in)) {
        if (s->state == STREAM_OPEN)
            fail(s, ENOMEM);            /* the kernel would not say again that there is something to read */
        return;
    }
    ssize_t n;
    do
        n = recv(s->fd.fd, s->in.bytes, BUFFER, 0);
    while (n < 0 && errno == EINTR);
    s->in.from = 0;
    s->in.to = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return;
    const int error_number = errno;
    buffer_drop(&s->in);
    if (n == 0)
        s->in_ended = true;
    else if (error_number != EAGAIN && s->state == STREAM_OPEN)
        fail(s, error_number);
}

static void finish_connect(struct host_stream *s)
{
    int error_number = 0;
    socklen_t len = sizeof error_number;
    if (getsockopt(s->fd.fd, SOL_SOCKET, SO_ERROR, &error_number, &len) < 0)
        error_number = errno;
    if (error_number)
        fail(s, error_number);
    else if (host_remote(s->fd.fd).port)
        s->state = STREAM_OPEN;
}

static void on_ready(void *arg)
{
    struct host_stream *s = arg;
    if (s->state == STREAM_CONNECTING)
        finish_connect(s);
    push(s);
    if (s->owner_gone) {
        if (held(&s->out) == 0)
            release(s);
        return;
    }
    fill(s);
    notify(s);
}

static void on_flush(void *arg)
{
    struct host_stream *s = arg;
    push(s);
    if (s->owner_gone && held(&s->out) == 0)
        release(s);
}

static enum stream_state op_state(const struct stream *st) { return host(st)->state; }

static uint8_t *op_reserve(struct stream *st, size_t *room)
{
    struct host_stream *s = host(st);
    *room = 0;
    if (s->state != STREAM_OPEN || s->shut)
        return NULL;
    if (s->out.bytes && s->out.to == BUFFER) {
        push(s);
        if (s->state != STREAM_OPEN)
            return NULL;
        if (s->out.bytes && s->out.from >= FLUSH_AT) {
            memmove(s->out.bytes, s->out.bytes + s->out.from, held(&s->out));
            s->out.to -= s->out.from;
            s->out.from = 0;
        }
    }
    if (!buffer_open(&s->out)) {
        fail(s, ENOMEM);
        return NULL;
    }
    if (s->out.to == BUFFER)
        return NULL;
    *room = BUFFER - s->out.to;
    return s->out.bytes + s->out.to;
}

static void op_commit(struct stream *st, size_t n)
{
    struct host_stream *s = host(st);
    if (!s->out.bytes || n > BUFFER - s->out.to)
        return;
    s->out.to += n;
    if (held(&s->out) >= FLUSH_AT)
        push(s);
    if (s->out.bytes)
        loop_defer(s->stream.loop, &s->flush);      /* also lets go of a buffer lent and not used */
}

static const uint8_t *op_peek(struct stream *st, size_t *len)
{
    struct host_stream *s = host(st);
    fill(s);
    *len = held(&s->in);
    return *len ? s->in.bytes + s->in.from : NULL;
}

static void op_consume(struct stream *st, size_t n)
{
    struct host_stream *s = host(st);
    s->in.from += n < held(&s->in) ? n : held(&s->in);
    if (held(&s->in) == 0)
        buffer_drop(&s->in);
}

static bool op_ended(const struct stream *st)   { return host(st)->in_ended && held(&host(st)->in) == 0; }
static bool op_drained(const struct stream *st) { return held(&host(st)->out) == 0; }

static void op_shutdown(struct stream *st)
{
    struct host_stream *s = host(st);
    s->shut = true;
    push(s);
}

static void op_close(struct stream *st)
{
    struct host_stream *s = host(st);
    stream_watch(st, NULL, NULL);
    push(s);
    s->owner_gone = true;
    s->host->closing++;
    if (s->state != STREAM_OPEN || held(&s->out) == 0)
        release(s);
}

static void op_abort(struct stream *st)
{
    struct host_stream *s = host(st);
    const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(s->fd.fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
    release(s);
}

static struct endpoint op_local(const struct stream *st)  { return host_local(host(st)->fd.fd); }
static struct endpoint op_remote(const struct stream *st) { return host_remote(host(st)->fd.fd); }
static uint32_t op_conn(const struct stream *st)          { (void)st; return 0; }
static void op_set_no_delay(struct stream *st, bool on)   { host_flag(host(st)->fd.fd, IPPROTO_TCP, TCP_NODELAY, on); }

static const struct stream_ops ops = {
    .state = op_state, .reserve = op_reserve, .commit = op_commit, .peek = op_peek, .consume = op_consume,
    .ended = op_ended, .drained = op_drained, .shutdown = op_shutdown, .close = op_close, .abort = op_abort,
    .local = op_local, .remote = op_remote, .conn = op_conn, .set_no_delay = op_set_no_delay,
};

static struct host_stream *stream_new(struct hostsock *h, int fd, enum stream_state state)
{
    struct host_stream *s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return NULL;
    }
    *s = (struct host_stream){ .stream = { .ops = &ops, .loop = h->net.loop }, .host = h, .state = state,
                               .fd = { .fd = fd, .task = { .fn = on_ready, .arg = s } },
                               .flush = { .fn = on_flush, .arg = s } };
    if (!wait_add_fd(h->wait, &s->fd)) {
        close(fd);
        free(s);
        return NULL;
    }
    list_push(&h->streams, &s->node);
    return s;
}

struct stream *host_stream_of(struct hostsock *h, int fd)
{
    struct host_stream *s = stream_new(h, fd, STREAM_OPEN);
    return s ? &s->stream : NULL;
}

enum plumb_err host_connect(struct net *n, const struct connect_opts *o, struct stream **out)
{
    struct hostsock *h = (struct hostsock *)n;
    const int family = host_family(o->remote.addr), fd = host_socket(family, SOCK_STREAM);
    if (fd < 0)
        return host_err(errno);
    enum plumb_err err = PLUMB_OK;
    if (!addr_is_none(o->local.addr) || o->local.port) {
        const struct host_name local = host_name_of(o->local, family);
        host_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (bind(fd, &local.u.sa, local.len) < 0)
            err = host_err(errno);
    }
    if (o->no_delay)
        host_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (err == PLUMB_OK && !host_congestion(fd, o->congestion))
        err = PLUMB_INVALID;
    const struct host_name remote = host_name_of(o->remote, family);
    if (err == PLUMB_OK && connect(fd, &remote.u.sa, remote.len) < 0 && errno != EINPROGRESS)
        err = errno == EADDRNOTAVAIL ? PLUMB_NO_PORTS : host_err(errno);
    if (err != PLUMB_OK) {
        close(fd);
        return err;
    }
    struct host_stream *s = stream_new(h, fd, STREAM_CONNECTING);
    if (!s)
        return PLUMB_NO_MEMORY;
    *out = &s->stream;
    return PLUMB_OK;
}

void host_free_streams(struct hostsock *h)
{
    while (!list_empty(&h->streams))
        release(list_entry(h->streams.next, struct host_stream, node));
}
