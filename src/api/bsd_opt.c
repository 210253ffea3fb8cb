/* Options, fcntl and ioctl.  What is not supported answers ENOPROTOOPT; nothing is
 * taken and then forgotten. */
#include "api/bsd.h"

enum { BUFFER_LEAST = 2304, BUFFER_MOST = 2 * 1024 * 1024, NAME_MAX_LEN = 16 };

/* An int option: where it stands and what it may be. */
enum what { FLAG, NUMBER, BUFFER_OUT, BUFFER_IN, TIME_IN, TIME_OUT, LINGER, READ_ONLY, NAME, INFO };
enum key {
    K_REUSEADDR, K_REUSEPORT, K_BROADCAST, K_OOBINLINE, K_KEEPALIVE, K_LINGER, K_SNDBUF, K_RCVBUF, K_RCVTIMEO, K_SNDTIMEO, K_RCVLOWAT, K_SNDLOWAT,
    K_ERROR, K_TYPE, K_ACCEPTCONN, K_DOMAIN, K_PROTOCOL,
    K_TOS, K_MTU_DISCOVER, K_TTL, K_V6ONLY, K_NODELAY, K_CORK, K_MAXSEG, K_KEEPIDLE, K_KEEPINTVL, K_KEEPCNT, K_CONGESTION,
    K_USER_TIMEOUT, K_INFO, K_NOTSENT, K_CC_INFO, K_MEMINFO, K_FAST_OPEN, K_FAST_CONNECT
};
struct option { int level, name; enum key key; enum what what; int least, most; bool stream_only; };

static const struct option table[] = {
    { SOL_SOCKET, SO_REUSEADDR, K_REUSEADDR, FLAG, 0, 0, false },
    { SOL_SOCKET, SO_REUSEPORT, K_REUSEPORT, FLAG, 0, 0, false },
    { SOL_SOCKET, SO_BROADCAST, K_BROADCAST, FLAG, 0, 0, false },
    { SOL_SOCKET, SO_OOBINLINE, K_OOBINLINE, FLAG, 0, 0, false },
    { SOL_SOCKET, SO_KEEPALIVE, K_KEEPALIVE, FLAG, 0, 0, false },
    { SOL_SOCKET, SO_LINGER, K_LINGER, LINGER, 0, 0, false },
    { SOL_SOCKET, SO_SNDBUF, K_SNDBUF, BUFFER_OUT, 0, 0, false },
    { SOL_SOCKET, SO_RCVBUF, K_RCVBUF, BUFFER_IN, 0, 0, false },
    { SOL_SOCKET, SO_RCVTIMEO, K_RCVTIMEO, TIME_IN, 0, 0, false },
    { SOL_SOCKET, SO_SNDTIMEO, K_SNDTIMEO, TIME_OUT, 0, 0, false },
    { SOL_SOCKET, SO_RCVLOWAT, K_RCVLOWAT, NUMBER, INT32_MIN, INT32_MAX, false },
    { SOL_SOCKET, SO_SNDLOWAT, K_SNDLOWAT, READ_ONLY, 0, 0, false },
    { SOL_SOCKET, SO_ERROR, K_ERROR, READ_ONLY, 0, 0, false },
    { SOL_SOCKET, SO_TYPE, K_TYPE, READ_ONLY, 0, 0, false },
    { SOL_SOCKET, SO_ACCEPTCONN, K_ACCEPTCONN, READ_ONLY, 0, 0, false },
    { SOL_SOCKET, SO_DOMAIN, K_DOMAIN, READ_ONLY, 0, 0, false },
    { SOL_SOCKET, SO_PROTOCOL, K_PROTOCOL, READ_ONLY, 0, 0, false },
    { IPPROTO_IP, IP_TOS, K_TOS, NUMBER, 0, 255, false },
    { IPPROTO_IP, IP_MTU_DISCOVER, K_MTU_DISCOVER, NUMBER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO, false },
    { IPPROTO_IPV6, IPV6_MTU_DISCOVER, K_MTU_DISCOVER, NUMBER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO, false },
    { IPPROTO_IP, IP_TTL, K_TTL, NUMBER, -1, 255, false },
    { IPPROTO_IPV6, IPV6_TCLASS, K_TOS, NUMBER, -1, 255, false },
    { IPPROTO_IPV6, IPV6_UNICAST_HOPS, K_TTL, NUMBER, -1, 255, false },
    { IPPROTO_IPV6, IPV6_V6ONLY, K_V6ONLY, FLAG, 0, 0, false },
    { IPPROTO_TCP, TCP_NODELAY, K_NODELAY, FLAG, 0, 0, true },
    { IPPROTO_TCP, TCP_CORK, K_CORK, FLAG, 0, 0, true },
    { IPPROTO_TCP, TCP_MAXSEG, K_MAXSEG, NUMBER, 88, 32767, true },
    { IPPROTO_TCP, TCP_KEEPIDLE, K_KEEPIDLE, NUMBER, 1, 32767, true },
    { IPPROTO_TCP, TCP_KEEPINTVL, K_KEEPINTVL, NUMBER, 1, 32767, true },
    { IPPROTO_TCP, TCP_KEEPCNT, K_KEEPCNT, NUMBER, 1, 127, true },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, K_USER_TIMEOUT, NUMBER, 0, INT32_MAX, true },
    { IPPROTO_TCP, TCP_CONGESTION, K_CONGESTION, NAME, 0, 0, true },
    { IPPROTO_TCP, TCP_INFO, K_INFO, INFO, 0, 0, true },
    { IPPROTO_TCP, TCP_CC_INFO, K_CC_INFO, INFO, 0, 0, true },
    { IPPROTO_TCP, TCP_NOTSENT_LOWAT, K_NOTSENT, NUMBER, INT32_MIN, INT32_MAX, true },
    { IPPROTO_TCP, TCP_FASTOPEN, K_FAST_OPEN, NUMBER, 0, INT32_MAX, true },
    { IPPROTO_TCP, TCP_FASTOPEN_CONNECT, K_FAST_CONNECT, FLAG, 0, 0, true },
    { SOL_SOCKET, SO_MEMINFO, K_MEMINFO, INFO, 0, 0, false },
};

/* NULL: errno. */
static const struct option *find(const struct sock *s, int level, int name)
{
    const bool known = level == SOL_SOCKET || level == IPPROTO_IP || (level == IPPROTO_IPV6 && s->family == AF_INET6) ||
                       (level == IPPROTO_TCP && s->fd.kind == FD_STREAM) || (level == IPPROTO_UDP && s->fd.kind == FD_DGRAM);
    for (size_t i = 0; known && i < sizeof table / sizeof table[0]; i++)
        if (table[i].level == level && table[i].name == name)
            return &table[i];
    errno = known || level == IPPROTO_IPV6 || s->family == AF_INET6 || s->fd.kind == FD_STREAM ? ENOPROTOOPT : EOPNOTSUPP;
    return NULL;
}

static bool *flag_of(struct sock *s, enum key k)
{
    struct sock_opt *o = &s->opt;
    switch (k) {
    case K_REUSEADDR: return &o->reuse_addr;
    case K_REUSEPORT: return &o->reuse_port;
    case K_BROADCAST: return &o->broadcast;
    case K_OOBINLINE: return &o->oob_inline;
    case K_KEEPALIVE: return &o->tcp.keepalive;
    case K_V6ONLY:    return &o->v6only;
    case K_NODELAY:   return &o->tcp.no_delay;
    case K_CORK:      return &o->tcp.cork;
    case K_FAST_CONNECT: return &o->tcp.fast_open_waits;
    default:          return NULL;
    }
}

/* The options reach what exists. */
static void apply(struct sock *s)
{
    s->opt.tcp.reuse_addr = s->opt.reuse_addr;
    if (s->conn && !s->over)
        tcp_set_opt(s->conn, &s->opt.tcp, now_of(s));
    if (s->listener)
        tcp_listener_set_opt(s->listener, &s->opt.tcp);
    bsd_dgram_tune(s);
}

/* ------------------------------------------------------------------- get */

static int socket_fact(struct sock *s, enum key k)
{
    switch (k) {
    case K_SNDLOWAT:   return 1;
    case K_ERROR:      return s->fd.kind == FD_STREAM ? bsd_stream_take_error(s) : (bsd_dgram_refresh(s), s->error);
    case K_TYPE:       return s->fd.kind == FD_STREAM ? SOCK_STREAM : SOCK_DGRAM;
    case K_ACCEPTCONN: return s->phase == PHASE_LISTENING;
    case K_DOMAIN:     return s->family;
    default:           return s->fd.kind == FD_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    }
}

static int segment_size(const struct sock *s)
{
    struct tcp_status status;
    if (!s->conn)
        return s->opt.tcp.mss_max ? s->opt.tcp.mss_max : 536;
    tcp_status(s->conn, &status);
    return status.mss;
}

static int number(struct sock *s, enum key k)
{
    const struct tcp_user_opt *t = &s->opt.tcp;
    switch (k) {
    case K_RCVLOWAT:  return s->opt.recv_low ? (int)s->opt.recv_low : 1;
    case K_USER_TIMEOUT: return (int)t->user_timeout_ms;
    case K_NOTSENT:   return (int)s->opt.unsent_low;
    case K_TOS:       return t->tos;
    case K_MTU_DISCOVER: return (int)s->opt.size;
    case K_TTL:       return t->ttl ? t->ttl : 64;
    case K_MAXSEG:    return segment_size(s);
    case K_FAST_OPEN: return (int)s->opt.tcp.fast_open_queue;
    case K_KEEPIDLE:  return t->keep_idle_s ? t->keep_idle_s : 7200;
    case K_KEEPINTVL: return t->keep_interval_s ? t->keep_interval_s : 75;
    default:          return t->keep_probes ? t->keep_probes : 9;
    }
}

/* Twice what was asked for, as Linux has it, which counts overhead in.  That much may be queued to send; for
 * receiving, where Linux sets half aside, what was asked for is the window. */
static int buffer_size(const struct sock *s, bool out)
{
    const uint32_t asked = out ? s->opt.send_buffer : s->opt.recv_buffer;
    struct tcp_status status;
    if (asked)
        return (int)asked * 2;
    if (!s->conn)
        return 1 << 16;                 /* what a connection begins with; then they follow the path */
    tcp_status(s->conn, &status);
    return (int)(out ? status.send_buffer : status.recv_buffer);
}

static int give(void *value, socklen_t *len, const void *what, socklen_t n)
{
    *len = *len < n ? *len : n;
    memcpy(value, what, *len);
    return 0;
}

static int give_time(void *value, socklen_t *len, int64_t ns)
{
    const struct timeval t = { .tv_sec = ns / NS_PER_SEC, .tv_usec = ns % NS_PER_SEC / NS_PER_US };
    return give(value, len, &t, sizeof t);
}

static int give_congestion(struct sock *s, void *value, socklen_t *len)
{
    struct tcp_status status = { .congestion = tcp_cc_name(tcp_of(s), (enum tcp_cc_choice)s->opt.tcp.congestion) };
    char name[NAME_MAX_LEN] = { 0 };
    if (s->conn)
        tcp_status(s->conn, &status);
    memcpy(name, status.congestion, strlen(status.congestion));
    return give(value, len, name, sizeof name);
}

/* What is held and what may be, in the order of linux/sock_diag.h. */
static int give_memory(struct sock *s, void *value, socklen_t *len)
{
    struct tcp_status status = { 0 };
    if (s->conn)
        tcp_status(s->conn, &status);
    const uint32_t words[9] = { status.rcv_queued, (uint32_t)buffer_size(s, false), 0, (uint32_t)buffer_size(s, true), 0, status.snd_queued };
    return give(value, len, words, sizeof words);
}

static int give_info(struct sock *s, enum key k, void *value, socklen_t *len)
{
    if (k == K_MEMINFO)
        return give_memory(s, value, len);
    if (k == K_INFO)
        return bsd_tcp_info(s, value, len);
    *len = 0;                           /* the algorithm has nothing to tell */
    return 0;
}

static int get(struct sock *s, const struct option *o, void *value, socklen_t *len)
{
    int n;
    switch (o->what) {
    case LINGER:     return give(value, len, &s->opt.linger, sizeof s->opt.linger);
    case TIME_IN:    return give_time(value, len, s->opt.recv_timeout_ns);
    case TIME_OUT:   return give_time(value, len, s->opt.send_timeout_ns);
    case NAME:       return give_congestion(s, value, len);
    case INFO:       return give_info(s, o->key, value, len);
    case FLAG:       n = *flag_of(s, o->key); break;
    case BUFFER_OUT: n = buffer_size(s, true); break;
    case BUFFER_IN:  n = buffer_size(s, false); break;
    case READ_ONLY:  n = socket_fact(s, o->key); break;
    default:         n = number(s, o->key); break;
    }
    if (o->key == K_ERROR)
        s->error = 0;
    return give(value, len, &n, sizeof n);
}

int plumb_bsd_getsockopt(plumb_bsd *b, int fd, int level, int name, void *value, socklen_t *len)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        const bool group = bsd_group_option(s, level, name);
        const struct option *o = group ? &table[0] : find(s, level, name);
        r = !o ? -1 : !value || !len ? bsd_fail(EFAULT) : (int)*len < 0 ? bsd_fail(EINVAL) :
            group ? bsd_group_get(s, level, name, value, len) : get(s, o, value, len);
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

/* ------------------------------------------------------------------- set */

static int set_number(struct sock *s, const struct option *o, int n)
{
    struct tcp_user_opt *t = &s->opt.tcp;
    if (n < o->least || n > o->most || (o->key == K_TTL && n == 0))
        return EINVAL;
    switch (o->key) {
    case K_RCVLOWAT:  s->opt.recv_low = n < 0 ? INT32_MAX : (uint32_t)n; break;
    case K_USER_TIMEOUT: t->user_timeout_ms = (uint32_t)n; break;
    case K_NOTSENT:   s->opt.unsent_low = (uint32_t)n; break;
    case K_TOS:
        n = n < 0 ? 0 : n;
        t->tos = (uint8_t)(s->fd.kind == FD_STREAM ? (n & ~3) | (t->tos & 3) : n);     /* ECN is TCP's own */
        break;
    case K_MTU_DISCOVER:
        if (s->fd.kind == FD_STREAM)
            return n == IP_PMTUDISC_WANT ? 0 : ENOPROTOOPT;     /* TCP always looks for its path's MTU */
        s->opt.size = (enum dgram_size)n;
        break;
    case K_TTL:       t->ttl = n < 0 ? 0 : (uint8_t)n; break;
    case K_MAXSEG:    t->mss_max = (uint16_t)n; break;
    case K_FAST_OPEN: t->fast_open_queue = (uint32_t)n; break;
    case K_KEEPIDLE:  t->keep_idle_s = (uint16_t)n; break;
    case K_KEEPINTVL: t->keep_interval_s = (uint16_t)n; break;
    default:          t->keep_probes = (uint8_t)n; break;
    }
    return 0;
}

static int set_buffer(struct sock *s, bool out, int n)
{
    const uint32_t size = n < BUFFER_LEAST / 2 ? BUFFER_LEAST / 2 : n > BUFFER_MOST ? BUFFER_MOST : (uint32_t)n;
    if (out)
        s->opt.tcp.send_buffer = 2 * (s->opt.send_buffer = size);
    else
        s->opt.recv_buffer = s->opt.tcp.recv_buffer = size;
    if (s->conn && !s->over)
        tcp_set_buffers(s->conn, s->opt.tcp.send_buffer, s->opt.tcp.recv_buffer);
    return 0;
}

static int set_time(int64_t *out, const void *value, socklen_t len)
{
    struct timeval t;
    if (len < sizeof t)
        return EINVAL;
    memcpy(&t, value, sizeof t);
    if (t.tv_usec < 0 || t.tv_usec >= 1000000)
        return EDOM;
    if (t.tv_sec < 0 || t.tv_sec > DEADLINE_NEVER / NS_PER_SEC - 1)
        *out = t.tv_sec < 0 ? 1 : 0;    /* at once; without end */
    else
        *out = t.tv_sec * NS_PER_SEC + t.tv_usec * NS_PER_US;
    return 0;
}

static int set_congestion(struct sock *s, const void *value, socklen_t len)
{
    char name[NAME_MAX_LEN] = { 0 };
    memcpy(name, value, len < sizeof name ? len : sizeof name - 1);
    const enum tcp_cc_choice choice = tcp_cc_named(name);
    if (choice == TCP_CC_DEFAULT)
        return ENOENT;
    s->opt.tcp.congestion = (uint8_t)choice;
    return 0;
}

static int set_linger(struct sock *s, const void *value, socklen_t len)
{
    if (len < sizeof s->opt.linger)
        return EINVAL;
    memcpy(&s->opt.linger, value, sizeof s->opt.linger);
    s->opt.linger.l_onoff = s->opt.linger.l_onoff != 0;
    return 0;
}

static int set(struct sock *s, const struct option *o, const void *value, socklen_t len)
{
    int n;
    switch (o->what) {
    case READ_ONLY: return ENOPROTOOPT;
    case INFO:      return ENOPROTOOPT;
    case LINGER:    return set_linger(s, value, len);
    case TIME_IN:   return set_time(&s->opt.recv_timeout_ns, value, len);
    case TIME_OUT:  return set_time(&s->opt.send_timeout_ns, value, len);
    case NAME:      return set_congestion(s, value, len);
    default:        break;
    }
    if (len < sizeof n)
        return EINVAL;
    memcpy(&n, value, sizeof n);
    if (o->what == NUMBER)
        return set_number(s, o, n);
    if (o->what != FLAG)
        return set_buffer(s, o->what == BUFFER_OUT, n);
    if (o->key == K_V6ONLY && s->local.port)
        return EINVAL;
    *flag_of(s, o->key) = n != 0;
    if (o->key == K_NODELAY && n && s->conn)
        tcp_flush(s->conn, now_of(s));  /* each time it is said, whatever waits goes */
    return 0;
}

int plumb_bsd_setsockopt(plumb_bsd *b, int fd, int level, int name, const void *value, socklen_t len)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        const bool group = bsd_group_option(s, level, name);
        const struct option *o = group ? &table[0] : find(s, level, name);
        const int e = !o ? errno : (int)len < 0 ? EINVAL : !value ? EFAULT : group ? bsd_group_set(s, level, name, value, len) : set(s, o, value, len);
        if (!e)
            apply(s);
        r = e ? bsd_fail(e) : 0;
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

/* --------------------------------------------------------- fcntl, ioctl */

static int fcntl_on(struct fd *f, int cmd, long arg)
{
    switch (cmd) {
    case F_GETFL:
        return O_RDWR | (f->nonblock ? O_NONBLOCK : 0);
    case F_SETFL:
        f->nonblock = arg & O_NONBLOCK;
        return 0;
    case F_GETFD:
        return f->cloexec ? FD_CLOEXEC : 0;
    case F_SETFD:
        f->cloexec = arg & FD_CLOEXEC;
        return 0;
    default:
        return bsd_fail(EINVAL);
    }
}

int plumb_bsd_fcntl(plumb_bsd *b, int fd, int cmd, long arg)
{
    bsd_enter(b);
    struct fd *f = bsd_get(b, fd);
    int r = -1;
    if (f) {
        r = fcntl_on(f, cmd, arg);
        bsd_put(f);
    }
    bsd_leave(b);
    return r;
}

static int next_datagram(struct sock *s)
{
    struct dgram_in in;
    return s->dgram && dgram_peek(s->dgram, &in) ? (int)in.len : 0;
}

static int unsent(struct sock *s, bool not_sent)
{
    struct tcp_status status = { 0 };
    if (s->conn)
        tcp_status(s->conn, &status);
    return (int)(not_sent ? status.snd_queued - status.snd_unacked : status.snd_queued);
}

static int ioctl_on(struct sock *s, unsigned long request, int *arg)
{
    const bool stream = s->fd.kind == FD_STREAM;
    if (stream && s->phase == PHASE_LISTENING && request != FIONBIO)
        return bsd_fail(EINVAL);
    switch (request) {
    case FIONREAD:
        *arg = stream ? (int)bsd_stream_readable(s) : next_datagram(s);
        return 0;
    case SIOCOUTQ:
        *arg = stream ? unsent(s, false) : 0;
        return 0;
    case SIOCOUTQNSD:
        *arg = unsent(s, true);
        return stream ? 0 : bsd_fail(ENOTTY);
    case SIOCATMARK:
        *arg = bsd_stream_at_mark(s);
        return stream ? 0 : bsd_fail(ENOTTY);
    default:
        return bsd_fail(ENOTTY);
    }
}

int plumb_bsd_ioctl(plumb_bsd *b, int fd, unsigned long request, void *arg)
{
    bsd_enter(b);
    struct fd *f = bsd_get(b, fd);
    int r = -1;
    if (f) {
        if (!arg)
            errno = EFAULT;
        else if (request == FIONBIO)
            r = (f->nonblock = *(int *)arg != 0, 0);
        else if (f->kind == FD_EPOLL)
            errno = ENOTTY;
        else
            r = ioctl_on((struct sock *)(void *)f, request, arg);
        bsd_put(f);
    }
    bsd_leave(b);
    return r;
}
