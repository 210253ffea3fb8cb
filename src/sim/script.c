/* Runs a script: its events in order, the clock jumping from deadline to deadline. */
#include "sim/script_int.h"
#include "wire/ip4.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool script_fail(struct run *r, const char *format, ...)
{
    char text[SCRIPT_ERROR - 100];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(r->error, SCRIPT_ERROR, "%d: at %.6f s: %s", r->at ? r->at->line : 0, (double)r->now_ns / 1e9, text);
    return false;
}

static struct script_link *link_of(struct run *r, uint16_t remote_port)
{
    for (unsigned i = 0; i < r->n_links; i++)
        if (r->link[i].remote_port == remote_port)
            return &r->link[i];
    if (r->n_links == LINKS)
        return &r->link[0];
    struct script_link *l = &r->link[r->n_links];
    *l = (struct script_link){ .local_port = SERVER_PORT, .remote_port = remote_port };
    addr_parse(r->ip6 ? "2001:db8::1" : "192.168.0.1", &l->local);
    addr_parse(r->ip6 ? "2001:db8:1::1" : "192.0.2.1", &l->remote);
    return &r->link[r->n_links++];
}

/* The connection a script speaks of when it names no port: the one connected to, or the peer's usual port. */
static uint16_t default_port(const struct run *r)
{
    for (unsigned i = 0; i < SCRIPT_FDS; i++)
        if (r->fd[i].used && r->fd[i].listener)
            return PEER_PORT;
    return SERVER_PORT;
}

/* ------------------------------------------------------------------- time */

static bool drain(struct run *r)
{
    for (;;) {
        struct batch b = { .n = 0 };
        stack_output(r->st, r->iface, &b, r->now_ns);
        if (b.n == 0)
            return true;
        for (uint32_t i = 0; i < b.n; i++) {
            struct sent *s = &r->queue[(r->first + r->n) % SCRIPT_QUEUE];
            if (r->n == SCRIPT_QUEUE) {
                batch_free(&b);
                return script_fail(r, "more than %d packets left and nobody looked at them", SCRIPT_QUEUE);
            }
            *s = (struct sent){ .time_ns = r->now_ns, .len = pkt_total(b.pkt[i]) };
            s->bytes = malloc(s->len);
            if (!s->bytes) {
                batch_free(&b);
                return script_fail(r, "out of memory");
            }
            pkt_gather(b.pkt[i], s->bytes, s->len);
            r->n++;
        }
        batch_free(&b);
    }
}

/* Lets time pass until `to_ns`, or until something leaves when `stop_at_packet`. */
static bool advance(struct run *r, int64_t to_ns, bool stop_at_packet)
{
    if (!drain(r))
        return false;
    for (int spin = 0; !(stop_at_packet && r->n); spin++) {
        const int64_t next = stack_deadline(r->st);
        if (next > to_ns || spin > SPINS)
            break;
        if (next > r->now_ns)
            r->now_ns = next;
        stack_tick(r->st, r->now_ns);
        if (!drain(r))
            return false;
        if (spin == SPINS)
            return script_fail(r, "the stack's deadline never moves on");
    }
    if (!(stop_at_packet && r->n) && to_ns > r->now_ns)
        r->now_ns = to_ns;
    return true;
}

/* --------------------------------------------------------------- packets */

static bool one_in(struct run *r, const struct script_seg *s)
{
    struct script_link *l = link_of(r, s->src_port ? s->src_port : default_port(r));
    if (s->icmp_type < 0 && s->flags & SYN) {
        if (!(s->flags & ACK) && !seq_eq(l->remote_isn, seq(s->seq)))
            l->know_local = false;      /* a new connection: its SYN will have a number of its own */
        l->remote_isn = seq(s->seq);
    }
    struct pkt *k = script_build(l, s, stack_pools(r->st));
    if (!k)
        return script_fail(r, "no packet buffer");
    k->time_ns = r->now_ns;
    struct batch b = { .n = 0 };
    batch_add(&b, k);
    stack_input(r->st, r->iface, &b, r->now_ns);
    return s->burst || drain(r);
}

static bool packet_in(struct run *r, const struct script_seg *s)
{
    for (uint32_t i = 0; i < s->times; i++)
        if (!one_in(r, s))
            return false;
    return drain(r);
}

static bool one_out(struct run *r, const struct script_event *e, int64_t when_ns)
{
    const int64_t slack = r->s.tolerance_ns;
    const int64_t until = e->time_type == TIME_ANY ? r->last_ns + 4000 * NS_PER_SEC
                        : e->time_type == TIME_RANGE ? r->last_ns + e->end_ns + slack : when_ns + slack;
    char why[SCRIPT_ERROR];
    if (!advance(r, until, true))
        return false;
    if (r->n == 0)
        return script_fail(r, "a packet was wanted by %.6f s and none left", (double)when_ns / 1e9);
    struct sent s = r->queue[r->first];
    r->first = (r->first + 1) % SCRIPT_QUEUE;
    r->n--;
    struct script_link *l = link_of(r, e->seg.src_port ? e->seg.src_port : default_port(r));
    const bool same = s.bytes && script_match(l, &e->seg, s.bytes, s.len, why);
    free(s.bytes);
    if (!same)
        return script_fail(r, "%s", why);
    if (e->time_type == TIME_ANY)
        r->last_ns = s.time_ns;
    else if (s.time_ns < when_ns - slack || s.time_ns > until)
        return script_fail(r, "it left at %.6f s, wanted at %.6f s", (double)s.time_ns / 1e9, (double)when_ns / 1e9);
    return true;
}

static bool packet_out(struct run *r, const struct script_event *e, int64_t when_ns)
{
    for (uint32_t i = 0; i < e->seg.times || (i < e->seg.times_max && r->n); i++)
        if (!one_out(r, e, when_ns))
            return false;
    return true;
}

/* ----------------------------------------------------------------- calls */

static enum plumb_err conn_error(const struct tcp_conn *c, struct tcp_status *st)
{
    tcp_status(c, st);
    return st->error;
}

static long do_write(struct run *r, struct fd *f, uint32_t want, bool urgent, const char **error)
{
    struct tcp_status st;
    uint32_t done = 0;
    size_t room;
    for (uint8_t *to; done < want && (to = tcp_reserve(f->conn, &room));) {
        const uint32_t n = room < want - done ? (uint32_t)room : want - done;
        for (uint32_t i = 0; i < n; i++)
            to[i] = script_byte(1 + f->written + i);
        done += n;
        f->written += n;
        if (urgent)
            tcp_commit_urgent(f->conn, n, r->now_ns);
        else
            tcp_commit(f->conn, n, done == want, r->now_ns);
    }
    if (done || want == 0)
        return (long)done;
    const enum plumb_err e = conn_error(f->conn, &st);
    *error = script_errno(e != PLUMB_OK ? e : st.state == ESTABLISHED || st.state == CLOSE_WAIT || st.state < ESTABLISHED ? PLUMB_AGAIN : PLUMB_CLOSED);
    return -1;
}

static long do_read(struct run *r, struct fd *f, uint32_t want, const char **error)
{
    struct tcp_status st;
    uint32_t done = 0;
    size_t len;
    for (const uint8_t *from; done < want && (from = tcp_peek(f->conn, &len));) {
        const uint32_t n = len < want - done ? (uint32_t)len : want - done;
        for (uint32_t i = 0; i < n; i++) {
            if (from[i] != script_byte(1 + f->read + i)) {
                *error = "MISPLACED_DATA";
                return -1;
            }
        }
        tcp_consume(f->conn, n, r->now_ns);
        f->read += n;
        done += n;
    }
    if (done)
        return (long)done;
    const enum plumb_err e = conn_error(f->conn, &st);
    if (e == PLUMB_OK && st.peer_closed)
        return 0;
    *error = script_errno(e != PLUMB_OK ? e : PLUMB_AGAIN);
    return -1;
}

static long call_result(enum plumb_err e, const char **error)
{
    *error = script_errno(e);
    return e == PLUMB_OK ? 0 : -1;
}

static long do_socket(struct run *r)
{
    for (long n = 3; n < SCRIPT_FDS; n++) {
        if (r->fd[n].used)
            continue;
        r->fd[n] = (struct fd){ .used = true, .port = SERVER_PORT };
        return n;
    }
    return -1;
}

static long do_connect(struct run *r, struct fd *f, const char *port, const char **error)
{
    struct path p;
    const long n = strtol(port, NULL, 10);
    const uint16_t remote = n > 0 ? (uint16_t)n : SERVER_PORT;
    enum plumb_err e = stack_route(r->st, ADDR_NONE, link_of(r, SERVER_PORT)->remote, &p);
    if (e == PLUMB_OK)
        e = tcp_connect(r->tcp, &p, f->bound ? f->port : 0, remote, &f->opt, &f->conn, r->now_ns);
    if (e == PLUMB_OK)
        e = PLUMB_AGAIN;
    *error = e == PLUMB_AGAIN ? "EINPROGRESS" : script_errno(e);
    return -1;
}

static long do_accept(struct run *r, struct fd *l, const char **error)
{
    struct tcp_conn *c = l->listener ? tcp_accept(l->listener) : NULL;
    if (!c) {
        *error = "EAGAIN";
        return -1;
    }
    const long n = do_socket(r);
    if (n >= 0)
        r->fd[n].conn = c;
    return n;
}

static long set_congestion(struct run *r, struct fd *f, const char *value, const char **error)
{
    char name[SCRIPT_WORD];
    value += *value == '"';
    snprintf(name, sizeof name, "%.*s", (int)strcspn(value, "\""), value);
    const enum tcp_cc_choice choice = tcp_cc_named(name);
    if (!choice) {
        *error = "ENOENT";
        return -1;
    }
    f->opt.congestion = (uint8_t)choice;
    if (f->conn)
        tcp_set_opt(f->conn, &f->opt, r->now_ns);
    return 0;
}

/* {onoff=1,linger=5} */
static uint16_t second_number(const char *value)
{
    static const char digits[] = "0123456789";
    value += strcspn(value, digits);
    value += strspn(value, digits);
    return (uint16_t)strtoul(value + strcspn(value, digits), NULL, 10);
}

static long do_setsockopt(struct run *r, struct fd *f, const char *name, const char *value, const char **error)
{
    const long v = strtol(value + strcspn(value, "0123456789"), NULL, 10);
    if (!strcmp(name, "TCP_NODELAY"))       f->opt.no_delay = v != 0;
    else if (!strcmp(name, "SO_KEEPALIVE")) f->opt.keepalive = v != 0;
    else if (!strcmp(name, "TCP_CORK"))     f->opt.cork = v != 0;
    else if (!strcmp(name, "SO_SNDBUF"))    f->opt.send_buffer = (uint32_t)v;
    else if (!strcmp(name, "SO_RCVBUF"))    f->opt.recv_buffer = (uint32_t)v;
    else if (!strcmp(name, "IP_TOS"))       f->opt.tos = (uint8_t)v;
    else if (!strcmp(name, "IP_TTL"))       f->opt.ttl = (uint8_t)v;
    else if (!strcmp(name, "TCP_CONGESTION")) return set_congestion(r, f, value, error);
    else if (!strcmp(name, "SO_LINGER"))    f->opt.linger = v != 0, f->opt.linger_s = second_number(value);
    else if (!strcmp(name, "TCP_USER_TIMEOUT")) f->opt.user_timeout_ms = (uint32_t)v;
    else if (!strcmp(name, "PLUMB_TELL_TIMEOUT")) f->opt.tell_user_timeout = v != 0;
    else if (!strcmp(name, "TCP_FASTOPEN")) f->opt.fast_open_queue = (uint32_t)v;
    else if (!strcmp(name, "TCP_FASTOPEN_CONNECT")) f->opt.fast_open = f->opt.fast_open_waits = v != 0;
    else if (!strcmp(name, "PLUMB_HOLD"))   f->opt.hold = v != 0;
    else if (strcmp(name, "SO_REUSEADDR"))  return -1;
    if (f->conn)
        tcp_set_opt(f->conn, &f->opt, r->now_ns);
    return 0;
}

static long do_close(struct run *r, struct fd *f, bool abort)
{
    if (f->listener)
        tcp_listener_close(f->listener, r->now_ns);
    if (f->conn && abort)
        tcp_abort(f->conn, r->now_ns);
    else if (f->conn)
        tcp_close(f->conn, r->now_ns);
    *f = (struct fd){ 0 };
    return 0;
}

static long do_listen(struct run *r, struct fd *f, const char *backlog, const char **error)
{
    f->opt.backlog = (uint32_t)strtoul(backlog, NULL, 10);
    return call_result(tcp_listen(r->tcp, (struct endpoint){ ADDR_NONE, f->port }, &f->opt, &f->listener), error);
}

static long do_hold(struct run *r, struct fd *f, const char *verdict, const char **error)
{
    struct tcp_conn *c = f->listener ? tcp_hold_next(f->listener) : NULL;
    *error = "EAGAIN";
    if (!c)
        return -1;
    if (!strcmp(verdict, "accept"))
        tcp_hold_accept(c, r->now_ns);
    else
        tcp_hold_refuse(c, !strcmp(verdict, "refuse") ? PLUMB_REFUSED : PLUMB_UNREACHABLE, r->now_ns);
    return 0;
}

static long on_connection(struct run *r, const struct script_call *c, struct fd *f, const char **error)
{
    const uint32_t n = (uint32_t)strtoul(c->arg[2], NULL, 10);
    if (!f->conn) {
        *error = "ENOTCONN";
        return -1;
    }
    if (!strcmp(c->name, "write") || !strcmp(c->name, "send"))
        return do_write(r, f, n, strstr(c->arg[3], "MSG_OOB") != NULL, error);
    if (!strcmp(c->name, "read") || !strcmp(c->name, "recv"))
        return do_read(r, f, n, error);
    if (!strcmp(c->name, "urgent_left"))
        return (long)tcp_urgent_left(f->conn);
    if (!strcmp(c->name, "shutdown")) {
        tcp_shutdown(f->conn, r->now_ns);
        return 0;
    }
    *error = "ENOSYS";
    return -1;
}

static long perform(struct run *r, const struct script_call *c, const char **error)
{
    *error = "";
    if (!strcmp(c->name, "socket"))
        return do_socket(r);
    struct fd *f = c->n_args ? script_fd(r, c->arg[0]) : NULL;
    if (!f) {
        *error = "EBADF";
        return -1;
    }
    if (!strcmp(c->name, "bind")) {
        const long port = strtol(c->arg[1], NULL, 10);
        f->bound = true;
        f->port = port > 0 ? (uint16_t)port : SERVER_PORT;
        return 0;
    }
    if (!strcmp(c->name, "listen"))     return do_listen(r, f, c->arg[1], error);
    if (!strcmp(c->name, "accept"))     return do_accept(r, f, error);
    if (!strcmp(c->name, "connect"))    return do_connect(r, f, c->arg[1], error);
    if (!strcmp(c->name, "setsockopt")) return do_setsockopt(r, f, c->arg[2], c->arg[3], error);
    if (!strcmp(c->name, "fcntl"))      return strcmp(c->arg[1], "F_GETFL") ? 0 : 2;
    if (!strcmp(c->name, "close"))      return do_close(r, f, false);
    if (!strcmp(c->name, "abort"))      return do_close(r, f, true);
    if (!strcmp(c->name, "hold"))       return do_hold(r, f, c->arg[1], error);
    return on_connection(r, c, f, error);
}

static bool call(struct run *r, const struct script_event *e)
{
    const struct script_call *c = &e->call;
    const char *error = "";
    const bool connects = !strcmp(c->name, "connect");
    const int64_t end_ns = r->last_ns - (e->time_type == TIME_RELATIVE ? e->time_ns : r->last_ns) + e->end_ns;
    if (e->blocking && !connects && !advance(r, end_ns, false))
        return false;
    long got = perform(r, c, &error);
    if (!drain(r))
        return false;
    if (connects && e->blocking) {
        struct tcp_status st;
        struct fd *f = script_fd(r, c->arg[0]);
        if (!f || !f->conn)
            return script_fail(r, "connect: %s", error);
        f->bound = true;
        /* its result is looked at by the events that follow: a blocking connect
         * returns while packets come and go, so only the start is made here */
        got = conn_error(f->conn, &st) == PLUMB_OK ? c->result : -1;
    }
    if (c->any_result || (got == c->result && (got >= 0 || !*c->error || !strcmp(c->error, error))))
        return true;
    return script_fail(r, "%s returned %ld %s, wanted %ld %s", c->name, got, got < 0 ? error : "", c->result, c->error);
}

/* ------------------------------------------------------------------- run */

static bool step(struct run *r, const struct script_event *e)
{
    const int64_t when = e->time_type == TIME_ABSOLUTE ? e->time_ns : e->time_type == TIME_ANY ? r->last_ns : r->last_ns + e->time_ns;
    if (e->type == SCRIPT_OUT) {
        if (!packet_out(r, e, when))
            return false;
        if (e->time_type != TIME_ANY)
            r->last_ns = e->time_type == TIME_RANGE ? r->now_ns : when;
        return true;
    }
    if (!advance(r, when, false))
        return false;
    r->last_ns = when;
    switch (e->type) {
    case SCRIPT_IN:   return packet_in(r, &e->seg);
    case SCRIPT_CALL: return call(r, e);
    default:          return script_check(r, &e->check);
    }
}

static bool finish(struct run *r)
{
    char why[SCRIPT_ERROR];
    r->at = NULL;
    for (unsigned i = 0; i < r->s.n_reasons; i++) {
        const enum why w = r->s.reason[i];
        if (stack_trace(r->st)->drops[w] == 0 && r->ended[w] == 0)
            return script_fail(r, "the script names %s and it never happened", why_name(w));
    }
    if (r->n == 0)
        return true;
    const struct script_seg nothing = { .icmp_type = -1, .any_opt = true };
    script_match(link_of(r, default_port(r)), &nothing, r->queue[r->first].bytes, r->queue[r->first].len, why);
    return script_fail(r, "%u packets left that the script does not name, the first at %.6f s: %s", r->n, (double)r->queue[r->first].time_ns / 1e9, why);
}

static void on_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct run *r = arg;
    (void)bytes;
    (void)n_bytes;
    if (e->kind == EV_tcp_state)
        r->ended[EVENT_BODY_OF(e, tcp_state)->why]++;
}

static bool start(struct run *r)
{
    const struct iface_config ic = { .kind = IFACE_IP, .mtu = (uint16_t)(r->s.mtu + (r->ip6 ? SCRIPT_IP6_MORE : 0)), .name = "script" };
    struct prefix own, all;
    struct addr gateway;
    r->s.config.seed = 1;
    r->s.config.node = 1;
    r->st = stack_new(&r->s.config, 0);
    if (!r->st)
        return script_fail(r, "no memory for a stack");
    r->tcp = stack_tcp(r->st);
    trace_watch(stack_trace(r->st), TRACE_TCP, on_event, r);
    r->iface = (unsigned)stack_add_iface(r->st, &ic, 0);
    prefix_parse(r->ip6 ? "2001:db8::1/64" : "192.168.0.1/16", &own);
    prefix_parse(r->ip6 ? "::/0" : "0.0.0.0/0", &all);
    addr_parse(r->ip6 ? "2001:db8::2" : "192.168.0.2", &gateway);
    stack_add_addr(r->st, r->iface, own, false, 0);
    stack_add_route(r->st, all, gateway, r->iface, 0);
    return drain(r);
}

/* *only: the family it cannot do without. */
static bool run_over(const char *name, const char *text, bool ip6, uint8_t *only, char error[SCRIPT_ERROR])
{
    char inner[SCRIPT_ERROR] = "";
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return snprintf(error, SCRIPT_ERROR, "%s: out of memory", name), false;
    r->error = inner;
    bool good = script_parse(text, &r->s, inner);
    *only = r->s.ip;
    r->ip6 = r->s.ip == 6 || (ip6 && !r->s.ip);
    good = good && start(r);
    for (const struct script_event *e = r->s.first; good && e; e = e->next) {
        r->at = e;
        good = step(r, e);
    }
    good = good && finish(r);
    for (; r->n; r->n--, r->first = (r->first + 1) % SCRIPT_QUEUE)
        free(r->queue[r->first].bytes);
    stack_free(r->st);
    script_free(&r->s);
    free(r);
    if (!good)
        snprintf(error, SCRIPT_ERROR, "%.200s:%.360s%s", name, inner, ip6 ? " (over IPv6)" : "");
    return good;
}

bool script_run(const char *name, const char *text, char error[SCRIPT_ERROR])
{
    uint8_t only = 0;
    return run_over(name, text, false, &only, error) && (only || run_over(name, text, true, &only, error));
}
