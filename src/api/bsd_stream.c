/* Bytes on a connection, as recv and send give and take them, and when it is ready. */
#include "api/bsd.h"

static struct tcp_status status_of(const struct sock *s)
{
    struct tcp_status status = { 0 };
    if (s->conn)
        tcp_status(s->conn, &status);
    return status;
}

enum tcp_state bsd_stream_state(const struct sock *s)
{
    const enum tcp_state state = status_of(s).state;
    return state == TIME_WAIT ? CLOSED : state;
}

/* An RST on a connection the peer had closed is a broken pipe. */
static int error_of(const struct sock *s, const struct tcp_status *status)
{
    if (status->error == PLUMB_RESET && status->peer_closed && !(s->shut & SHUT_OUT))
        return EPIPE;
    return bsd_errno(status->error);
}

void bsd_stream_refresh(struct sock *s)
{
    const struct tcp_status status = status_of(s);
    if (!s->conn || s->over || (status.state != CLOSED && status.state != TIME_WAIT))
        return;
    s->over = true;
    if (status.state == CLOSED && status.error != PLUMB_OK)
        s->error = error_of(s, &status);
    s->shut = SHUT_BOTH;
}

int bsd_stream_take_error(struct sock *s)
{
    bsd_stream_refresh(s);
    const int e = s->error;
    s->error = 0;
    return e;
}

/* ------------------------------------------------------------- readiness */

static bool urgent_unread(const struct sock *s, const struct tcp_status *status)
{
    const size_t left = s->conn ? tcp_urgent_left(s->conn) : 0;
    return left && status->rcv_queued >= left && !(s->oob_read && s->oob_at == status->urgent_at);
}

static uint32_t readable(const struct sock *s, const struct tcp_status *status)
{
    const size_t left = s->conn ? tcp_urgent_left(s->conn) : 0;
    if (s->opt.oob_inline || left == 0 || left > status->rcv_queued)
        return status->rcv_queued;
    return (uint32_t)left - 1;
}

uint32_t bsd_stream_readable(const struct sock *s)
{
    const struct tcp_status status = status_of(s);
    return readable(s, &status);
}

bool bsd_stream_at_mark(const struct sock *s) { return s->conn && tcp_urgent_left(s->conn) == 1; }

static uint32_t low_water(const struct sock *s, const struct tcp_status *status)
{
    const uint32_t low = s->opt.recv_low ? s->opt.recv_low : 1, most = status->recv_buffer / 2;
    return most && low > most ? most : low;
}

static bool few_unsent(const struct sock *s, const struct tcp_status *status)
{
    const bool few = !s->opt.unsent_low || status->snd_queued - status->snd_unacked < s->opt.unsent_low;
    if (!few)
        tcp_want_write(s->conn);        /* told as acknowledgments come */
    return few;
}

static uint32_t open_bits(struct sock *s, const struct tcp_status *status, uint8_t shut)
{
    uint32_t bits = 0;
    const uint32_t hidden = bsd_stream_at_mark(s) && !s->opt.oob_inline;    /* the urgent byte is not for reading */
    if (status->rcv_queued >= low_water(s, status) + hidden)
        bits |= EPOLLIN | EPOLLRDNORM;
    if (shut & SHUT_OUT || !s->conn || (tcp_writable(s->conn) && few_unsent(s, status)))
        bits |= EPOLLOUT | EPOLLWRNORM;
    if (urgent_unread(s, status))
        bits |= EPOLLPRI;
    return bits;
}

uint32_t bsd_stream_bits(struct sock *s)
{
    bsd_stream_refresh(s);
    const struct tcp_status status = status_of(s);
    const uint8_t shut = s->shut | (status.peer_closed ? SHUT_IN : 0);
    uint32_t bits = 0;
    if (s->listener)
        return tcp_listener_waiting(s->listener) ? EPOLLIN | EPOLLRDNORM : 0;
    if (shut == SHUT_BOTH || status.state == CLOSED || status.state == TIME_WAIT)
        bits |= EPOLLHUP;
    if (shut & SHUT_IN)
        bits |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if ((status.state != SYN_SENT && status.state != SYN_RECEIVED) || status.early)
        bits |= open_bits(s, &status, shut);
    return s->error ? bits | EPOLLERR : bits;
}

/* What may hold anew, from what tcp told. */
void bsd_stream_told(void *sock)
{
    struct sock *s = sock;
    const uint8_t news = s->user.news;
    uint32_t bits = 0;
    s->user.news = 0;
    bsd_stream_refresh(s);
    if (news & TCP_READABLE)
        bits |= EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
    if (news & TCP_WRITABLE)
        bits |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (news & TCP_URGENT)
        bits |= EPOLLPRI;
    if (news & (TCP_CONNECTED | TCP_FAILED) || s->over || (s->conn && status_of(s).peer_closed))
        bits = ~0u;
    waitable_notify(&s->fd.ready, bits);
}

/* ------------------------------------------------------------------ send */

/* What fits now. */
static size_t write_some(struct sock *s, struct io *io, size_t most, bool push, bool urgent)
{
    size_t done = 0, room;
    for (uint8_t *to; done < most && (to = tcp_reserve(s->conn, &room));) {
        const size_t n = room < most - done ? room : most - done;
        const bool last = done + n == most;
        io_out(io, to, n);
        done += n;
        if (last && urgent)
            tcp_commit_urgent(s->conn, n, now_of(s));
        else
            tcp_commit(s->conn, n, last && push, now_of(s));
    }
    if (done && done < most)
        tcp_push(s->conn, now_of(s));   /* the buffer is full: what waits in it need not wait for more */
    return done;
}

/* The last byte of what is sent out of band is the urgent one. */
static size_t write_all(struct sock *s, struct io_call *x)
{
    const bool urgent = x->flags & MSG_OOB;
    size_t done = 0;
    if (urgent && x->io.left > 1)
        done = write_some(s, &x->io, x->io.left - 1, false, false);
    if (!urgent || x->io.left == 1)
        done += write_some(s, &x->io, x->io.left, !(x->flags & MSG_MORE), urgent);
    return done;
}

static bool nonblocking(const struct sock *s, const struct io_call *x) { return s->fd.nonblock || x->flags & MSG_DONTWAIT; }

/* 0, or why nothing can be sent now; EAGAIN: not yet. */
static int may_send(struct sock *s)
{
    const enum tcp_state state = bsd_stream_state(s);
    const bool early = status_of(s).early;
    bsd_stream_refresh(s);
    if (s->error)
        return bsd_stream_take_error(s);
    if ((state == SYN_SENT || state == SYN_RECEIVED) && !early)
        return EAGAIN;
    if (s->shut & SHUT_OUT || (state != ESTABLISHED && state != CLOSE_WAIT && !early))
        return EPIPE;
    return 0;
}

ssize_t bsd_stream_send(struct sock *s, struct io_call *x)
{
    const int64_t until_ns = nonblocking(s, x) ? 0 : bsd_until(s, s->opt.send_timeout_ns);
    ssize_t sent = 0;
    for (;;) {
        int e = may_send(s);
        if (!e) {
            sent += (ssize_t)write_all(s, x);
            if (x->io.left == 0)
                return sent;
            e = EAGAIN;
        }
        if (e == EAGAIN)
            e = bsd_wait(&s->fd, EPOLLOUT, false, until_ns);
        if (e)
            return sent ? sent : bsd_fail(e);
    }
}

/* MSG_FASTOPEN: connect and send in one.  To a peer that gave a cookie the bytes go with the SYN. */
ssize_t bsd_stream_open_send(struct sock *s, struct io_call *x)
{
    const bool waits = s->opt.tcp.fast_open_waits, knows = tcp_can_open_fast(tcp_of(s), x->to.addr), sleeps = !nonblocking(s, x);
    s->opt.tcp.fast_open = true;
    s->opt.tcp.fast_open_waits = false;
    int e = bsd_connect_start(s, x->to);
    s->opt.tcp.fast_open = false;
    s->opt.tcp.fast_open_waits = waits;
    if (e)
        return bsd_fail(e);
    const ssize_t sent = knows ? (ssize_t)write_all(s, x) : 0;
    if (!sleeps)
        return knows ? sent : bsd_fail(EINPROGRESS);
    e = bsd_connect_finish(s);
    if (e)
        return bsd_fail(e);
    const ssize_t rest = x->io.left ? bsd_stream_send(s, x) : 0;
    return rest < 0 && !sent ? rest : sent + (rest > 0 ? rest : 0);
}

/* --------------------------------------------------------------- receive */

struct reading { size_t peeked, done; };

/* Bytes there are at the place read from, up to the mark; skips the urgent byte that stands out of band. */
static const uint8_t *next_bytes(struct sock *s, struct io_call *x, struct reading *r, size_t *len)
{
    const size_t left = tcp_urgent_left(s->conn), left_here = left > r->peeked ? left - r->peeked : 0;
    const uint8_t *at = tcp_peek_at(s->conn, r->peeked, len);
    if (!at || left_here == 0)
        return at;
    if (left_here > 1) {
        *len = *len < left_here - 1 ? *len : left_here - 1;
        return at;
    }
    if (r->done)                        /* what was read ends at the mark */
        return NULL;
    if (s->opt.oob_inline)
        return at;
    if (x->flags & MSG_PEEK)
        r->peeked++;
    else
        tcp_consume(s->conn, 1, now_of(s));
    return tcp_peek_at(s->conn, r->peeked, len);
}

static void read_some(struct sock *s, struct io_call *x, struct reading *r)
{
    size_t len;
    if (!s->conn)
        return;
    for (const uint8_t *at; x->io.left && (at = next_bytes(s, x, r, &len));) {
        const size_t n = len < x->io.left ? len : x->io.left;
        if (x->flags & MSG_TRUNC)
            x->io.left -= n;            /* discarded */
        else
            io_in(&x->io, at, n);
        r->done += n;
        if (x->flags & MSG_PEEK)
            r->peeked += n;
        else
            tcp_consume(s->conn, n, now_of(s));
    }
}

/* Nothing to read: 0 the end, or an errno; EAGAIN: perhaps later. */
static int why_empty(struct sock *s)
{
    const struct tcp_status status = status_of(s);
    bsd_stream_refresh(s);
    if (status.peer_closed)
        return 0;
    if (s->error)
        return bsd_stream_take_error(s);
    if (s->shut & SHUT_IN)
        return 0;
    if (!s->conn)
        return ENOTCONN;
    return EAGAIN;
}

/* No more can come, so that what there is must do. */
static bool no_more(struct sock *s)
{
    bsd_stream_refresh(s);
    return s->error || s->shut & SHUT_IN || status_of(s).peer_closed;
}

static ssize_t receive_urgent(struct sock *s, struct io_call *x)
{
    const struct tcp_status status = status_of(s);
    const size_t left = s->conn ? tcp_urgent_left(s->conn) : 0;
    size_t len;
    if (s->opt.oob_inline || left == 0 || (s->oob_read && s->oob_at == status.urgent_at))
        return bsd_fail(EINVAL);
    const uint8_t *byte = tcp_peek_at(s->conn, left - 1, &len);
    if (!byte)
        return s->over || s->shut & SHUT_IN ? 0 : bsd_fail(EAGAIN);
    if (!(x->flags & MSG_PEEK)) {
        s->oob_read = true;
        s->oob_at = status.urgent_at;
    }
    x->out_flags |= MSG_OOB;
    if (x->io.left)
        io_in(&x->io, byte, 1);
    else
        x->out_flags |= MSG_TRUNC;
    return 1;
}

static size_t target(const struct sock *s, const struct io_call *x)
{
    const struct tcp_status status = status_of(s);
    const size_t low = x->flags & MSG_WAITALL ? x->io.left : low_water(s, &status);
    const size_t n = low < x->io.left ? low : x->io.left;
    return n ? n : 1;
}

ssize_t bsd_stream_recv(struct sock *s, struct io_call *x)
{
    if (s->phase == PHASE_LISTENING)
        return bsd_fail(ENOTCONN);
    if (x->flags & MSG_OOB)
        return receive_urgent(s, x);
    const int64_t until_ns = nonblocking(s, x) ? 0 : bsd_until(s, s->opt.recv_timeout_ns);
    const size_t enough = target(s, x);
    const bool nothing_asked = x->io.left == 0;
    struct reading r = { 0 };
    for (;;) {
        if (nothing_asked && bsd_stream_readable(s))
            return 0;
        read_some(s, x, &r);
        if (r.done >= enough || (r.done && (no_more(s) || bsd_stream_at_mark(s))))
            return (ssize_t)r.done;
        int e = r.done ? EAGAIN : why_empty(s);
        if (e == EAGAIN)
            e = bsd_wait(&s->fd, EPOLLIN | EPOLLRDHUP, false, until_ns);
        else if (e == 0)
            return 0;
        if (e)
            return r.done ? (ssize_t)r.done : bsd_fail(e);
    }
}
