/* The public API: handles with a generation over struct net on one stack. */
#include "api/inner.h"
#include <stdlib.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* A handle: an index and, above it, a generation.  A slot that is free again is the last to be reused, and not before some
 * others wait with it, so that a stale handle is refused for long. */
enum { SLOT_BITS = 22, SLOTS_MAX = 1 << SLOT_BITS, GENERATIONS = 1 << (32 - SLOT_BITS), CHUNK = 256, RESTING = 64 };

enum kind { FREE, STREAM, LISTENER, DGRAM };

struct slot {
    plumb_stack *s;
    struct list ready;                  /* in plumb_stack.ready, or, free, in .free */
    uint32_t index;
    uint16_t generation;
    uint8_t kind;
    union { struct stream *stream; struct listener *listener; struct dgram *dgram; };
};

/* ----------------------------------------------------------------- handles */

static plumb_socket handle_of(const struct slot *x) { return (plumb_socket)x->generation << SLOT_BITS | x->index; }
static struct slot *slot_at(const plumb_stack *s, uint32_t i) { return &s->slot[i / CHUNK][i % CHUNK]; }

static struct slot *find(const plumb_stack *s, plumb_socket h, enum kind kind)
{
    const uint32_t i = h & (SLOTS_MAX - 1);
    struct slot *x = i < s->n_slots ? slot_at(s, i) : NULL;
    if (!x || x->generation != h >> SLOT_BITS || x->kind == FREE)
        return NULL;
    return kind == FREE || x->kind == kind ? x : NULL;
}

struct stream *plumb_stream_of(const plumb_stack *s, plumb_socket h)
{
    struct slot *x = find(s, h, STREAM);
    return x ? x->stream : NULL;
}

static void on_ready(void *arg)
{
    struct slot *x = arg;
    if (!list_linked(&x->ready))
        list_push(&x->s->ready, &x->ready);
}

static bool grow(plumb_stack *s)
{
    struct slot **more = s->n_slots < SLOTS_MAX ? realloc(s->slot, (s->n_slots / CHUNK + 1) * sizeof *more) : NULL;
    if (!more)
        return false;
    s->slot = more;
    struct slot *x = calloc(CHUNK, sizeof *x);
    if (!x)
        return false;
    s->slot[s->n_slots / CHUNK] = x;
    for (uint32_t i = 0; i < CHUNK; i++) {
        x[i] = (struct slot){ .s = s, .index = s->n_slots++ };
        list_push(&s->free, &x[i].ready);
    }
    s->n_free += CHUNK;
    return true;
}

static struct slot *take_slot(plumb_stack *s, enum kind kind)
{
    if (s->n_free <= RESTING)
        (void)grow(s);
    struct list *n = list_pop(&s->free);
    if (!n)
        return NULL;
    struct slot *x = list_entry(n, struct slot, ready);
    s->n_free--;
    x->generation = (uint16_t)(x->generation % (GENERATIONS - 1) + 1);  /* never 0, so that no handle is 0 */
    x->kind = (uint8_t)kind;
    return x;
}

static void free_slot(struct slot *x)
{
    list_remove(&x->ready);
    x->kind = FREE;
    list_push(&x->s->free, &x->ready);
    x->s->n_free++;
}

static bool address(const char *text, uint16_t port, struct endpoint *out)
{
    *out = (struct endpoint){ .port = port };
    return !text || addr_parse(text, &out->addr);
}

/* ------------------------------------------------------------------- stack */

plumb_stack *plumb_open_as(const struct stack_config *c, int64_t now_ns)
{
    plumb_stack *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    list_init(&s->ready);
    list_init(&s->free);
    list_init(&s->bytes);
    list_init(&s->buffers);
    list_init(&s->returned);
    loop_init(&s->loop, now_ns, 0);
    s->now_ns = now_ns;
    s->st = stack_new(c, now_ns);
    if (!s->st) {
        free(s);
        return NULL;
    }
    s->net = stack_net(s->st, &s->loop);
    return s;
}

plumb_stack *plumb_open(const struct plumb_options *given, int64_t now_ns)
{
    struct plumb_options o = { 0 };
    if (given)
        memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    const struct stack_config c = { .seed = o.seed, .forwarding = o.forwarding,
        .tcp = { .max_conns = o.max_connections, .send_buffer = o.send_buffer, .recv_buffer = o.recv_buffer } };
    return plumb_open_as(&c, now_ns);
}

void plumb_close(plumb_stack *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < IFACE_MAX; i++)
        for (; s->out[i].at < s->out[i].b.n; s->out[i].at++)
            pkt_free(s->out[i].b.pkt[s->out[i].at]);
    plumb_buffers_outlive(s);
    stack_free(s->st);
    for (uint32_t i = 0; i < s->n_slots; i += CHUNK)
        free(s->slot[i / CHUNK]);
    free(s->slot);
    free(s);
}

int plumb_add_interface(plumb_stack *s, const struct plumb_interface *given)
{
    struct plumb_interface i = { 0 };
    memcpy(&i, given, given->size < sizeof i ? given->size : sizeof i);
    struct iface_config c = { .kind = i.ip_only ? IFACE_IP : IFACE_ETHER, .mtu = i.mtu, .ip6 = i.ip6 && !i.ip_only };
    memcpy(c.mac.b, i.mac, 6);
    memcpy(c.name, i.name, sizeof c.name - 1);
    return stack_add_iface(s->st, &c, s->now_ns);
}

enum plumb_err plumb_add_address(plumb_stack *s, int iface, const char *text)
{
    struct prefix p;
    if (iface < 0 || !prefix_parse(text, &p))
        return PLUMB_INVALID;
    return stack_add_addr(s->st, (unsigned)iface, p, false, s->now_ns);
}

enum plumb_err plumb_add_route(plumb_stack *s, int iface, const char *prefix, const char *via)
{
    struct prefix p;
    struct endpoint hop;
    if (iface < 0 || !prefix_parse(prefix, &p) || !address(via, 0, &hop))
        return PLUMB_INVALID;
    return stack_add_route(s->st, p, hop.addr, (unsigned)iface, s->now_ns);
}

enum plumb_err plumb_dhcp(plumb_stack *s, int iface)
{
    if (iface < 0 || iface >= IFACE_MAX)
        return PLUMB_INVALID;
    stack_dhcp_start(s->st, (unsigned)iface, "plumb", s->now_ns);
    return PLUMB_OK;
}

bool plumb_address_at(plumb_stack *s, int iface, uint32_t n, char out[PLUMB_TEXT])
{
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(s->st, &cursor, &a);) {
        if (a.iface != iface || !a.ready || n-- != 0)
            continue;
        addr_text(a.addr.addr, out);
        return true;
    }
    return false;
}

bool plumb_address(plumb_stack *s, int iface, char out[PLUMB_TEXT])
{
    struct prefix p;
    if (iface < 0 || !stack_addr_ready(s->st, (unsigned)iface, &p))
        return false;
    addr_text(p.addr, out);
    return true;
}

/* ---------------------------------------------------------- the four calls */

enum plumb_err plumb_input(plumb_stack *s, int iface, const void *frame, size_t len, int64_t now_ns)
{
    if (iface < 0 || iface >= IFACE_MAX || len > UINT16_MAX)
        return PLUMB_INVALID;
    struct pkt *k = pkt_new(stack_pools(s->st), (uint32_t)len);
    if (!k)
        return PLUMB_NO_MEMORY;
    struct batch b;
    batch_init(&b);
    if (len)
        memcpy(pkt_append(k, (uint32_t)len), frame, len);
    k->time_ns = now_ns;
    batch_add(&b, k);
    stack_input(s->st, (unsigned)iface, &b, now_ns);
    plumb_pass_time(s, now_ns);
    return PLUMB_OK;
}

/* A frame may borrow from a send buffer only until the next call, so those that wait
 * here own their bytes. */
static bool refill(plumb_stack *s, unsigned iface, int64_t now_ns)
{
    struct batch *b = &s->out[iface].b;
    uint32_t kept = 0;
    batch_init(b);
    s->out[iface].at = 0;
    stack_output(s->st, iface, b, now_ns);
    for (uint32_t i = 0; i < b->n; i++) {
        struct pkt *k = pkt_own(stack_pools(s->st), b->pkt[i]);
        if (k)
            b->pkt[kept++] = k;
    }
    b->n = kept;
    return kept > 0;
}

size_t plumb_output(plumb_stack *s, int iface, void *frame, size_t max, int64_t now_ns)
{
    if (iface < 0 || iface >= IFACE_MAX)
        return 0;
    plumb_pass_time(s, now_ns);
    if (s->out[iface].at == s->out[iface].b.n && !refill(s, (unsigned)iface, now_ns))
        return 0;
    struct pkt *k = s->out[iface].b.pkt[s->out[iface].at++];
    const size_t n = pkt_gather(k, frame, max < UINT32_MAX ? (uint32_t)max : UINT32_MAX);
    pkt_free(k);
    return n;
}

int64_t plumb_deadline(const plumb_stack *s)
{
    for (uint32_t i = 0; i < IFACE_MAX; i++)
        if (s->out[i].at < s->out[i].b.n)
            return s->now_ns;
    return time_min(stack_deadline(s->st), loop_deadline(&s->loop));
}

void plumb_tick(plumb_stack *s, int64_t now_ns)
{
    stack_tick(s->st, now_ns);
    plumb_pass_time(s, now_ns);
}

/* ----------------------------------------------------------------- sockets */

plumb_socket plumb_next_ready(plumb_stack *s)
{
    struct list *n = list_pop(&s->ready);
    return n ? handle_of(list_entry(n, struct slot, ready)) : 0;
}

enum plumb_state plumb_state(const plumb_stack *s, plumb_socket h)
{
    static const enum plumb_state of_stream[] = { [STREAM_CONNECTING] = PLUMB_CONNECTING, [STREAM_OPEN] = PLUMB_OPEN, [STREAM_FAILED] = PLUMB_FAILED };
    const struct slot *x = find(s, h, FREE);
    if (!x)
        return PLUMB_GONE;
    return x->kind == LISTENER ? PLUMB_LISTENING : x->kind == DGRAM ? PLUMB_DATAGRAM : of_stream[stream_state(x->stream)];
}

enum plumb_err plumb_failure(const plumb_stack *s, plumb_socket h)
{
    const struct slot *x = find(s, h, STREAM);
    return x ? stream_error(x->stream) : PLUMB_STALE;
}

static plumb_socket hold_stream(struct slot *x, struct stream *stream)
{
    x->stream = stream;
    stream_watch(stream, on_ready, x);
    on_ready(x);                        /* it may have bytes, or an end, already */
    return handle_of(x);
}

enum plumb_err plumb_connect(plumb_stack *s, const char *to, uint16_t port, plumb_socket *out)
{
    struct connect_opts o = { 0 };
    struct stream *stream;
    *out = 0;
    if (!to || !address(to, port, &o.remote))
        return PLUMB_INVALID;
    struct slot *x = take_slot(s, STREAM);
    if (!x)
        return PLUMB_NO_MEMORY;
    const enum plumb_err e = net_connect(s->net, &o, &stream);
    if (e == PLUMB_OK)
        *out = hold_stream(x, stream);
    else
        free_slot(x);
    return e;
}

enum plumb_err plumb_listen(plumb_stack *s, const char *on, uint16_t port, plumb_socket *out)
{
    struct listen_opts o = { 0 };
    *out = 0;
    if (!address(on, port, &o.local))
        return PLUMB_INVALID;
    struct slot *x = take_slot(s, LISTENER);
    if (!x)
        return PLUMB_NO_MEMORY;
    const enum plumb_err e = net_listen(s->net, &o, &x->listener);
    if (e != PLUMB_OK) {
        free_slot(x);
        return e;
    }
    listener_watch(x->listener, on_ready, x);
    *out = handle_of(x);
    return PLUMB_OK;
}

plumb_socket plumb_accept(plumb_stack *s, plumb_socket listener)
{
    struct slot *l = find(s, listener, LISTENER), *x = l ? take_slot(s, STREAM) : NULL;
    if (!x)
        return 0;
    struct stream *stream = listener_accept(l->listener);
    if (stream)
        return hold_stream(x, stream);
    free_slot(x);
    return 0;
}

enum plumb_err plumb_send(plumb_stack *s, plumb_socket h, const void *bytes, size_t len, size_t *taken)
{
    struct slot *x = find(s, h, STREAM);
    *taken = x ? stream_write(x->stream, bytes, len) : 0;
    if (!x)
        return PLUMB_STALE;
    if (*taken || len == 0)
        return PLUMB_OK;
    return stream_state(x->stream) == STREAM_FAILED ? stream_error(x->stream) : PLUMB_AGAIN;
}

enum plumb_err plumb_recv(plumb_stack *s, plumb_socket h, void *bytes, size_t max, size_t *got)
{
    struct slot *x = find(s, h, STREAM);
    *got = x ? stream_read(x->stream, bytes, max) : 0;
    if (!x)
        return PLUMB_STALE;
    if (*got || max == 0)
        return PLUMB_OK;
    if (stream_ended(x->stream))
        return PLUMB_CLOSED;
    return stream_state(x->stream) == STREAM_FAILED ? stream_error(x->stream) : PLUMB_AGAIN;
}

uint8_t *plumb_reserve(plumb_stack *s, plumb_socket h, size_t *room)
{
    struct slot *x = find(s, h, STREAM);
    *room = 0;
    return x ? stream_reserve(x->stream, room) : NULL;
}

enum plumb_err plumb_commit(plumb_stack *s, plumb_socket h, size_t n)
{
    struct slot *x = find(s, h, STREAM);
    if (x)
        stream_commit(x->stream, n);
    return x ? PLUMB_OK : PLUMB_STALE;
}

const uint8_t *plumb_peek(plumb_stack *s, plumb_socket h, size_t *len)
{
    struct slot *x = find(s, h, STREAM);
    *len = 0;
    return x ? stream_peek(x->stream, len) : NULL;
}

enum plumb_err plumb_consume(plumb_stack *s, plumb_socket h, size_t n)
{
    struct slot *x = find(s, h, STREAM);
    if (x)
        stream_consume(x->stream, n);
    return x ? PLUMB_OK : PLUMB_STALE;
}

bool plumb_ended(const plumb_stack *s, plumb_socket h)
{
    const struct slot *x = find(s, h, STREAM);
    return x && stream_ended(x->stream);
}

enum plumb_err plumb_shutdown(plumb_stack *s, plumb_socket h)
{
    struct slot *x = find(s, h, STREAM);
    if (x)
        stream_shutdown(x->stream);
    return x ? PLUMB_OK : PLUMB_STALE;
}

static enum plumb_err end_socket(plumb_stack *s, plumb_socket h, bool abort)
{
    struct slot *x = find(s, h, FREE);
    if (!x)
        return PLUMB_STALE;
    if (x->kind == LISTENER)
        listener_close(x->listener);
    else if (x->kind == DGRAM)
        dgram_close(x->dgram);
    else if (abort)
        stream_abort(x->stream);
    else
        stream_close(x->stream);
    free_slot(x);
    return PLUMB_OK;
}

enum plumb_err plumb_close_socket(plumb_stack *s, plumb_socket h) { return end_socket(s, h, false); }
enum plumb_err plumb_abort(plumb_stack *s, plumb_socket h)        { return end_socket(s, h, true); }

bool plumb_local(const plumb_stack *s, plumb_socket h, char out[PLUMB_TEXT])
{
    const struct slot *x = find(s, h, FREE);
    if (!x)
        return false;
    endpoint_text(x->kind == LISTENER ? listener_local(x->listener) : x->kind == DGRAM ? dgram_local(x->dgram) : stream_local(x->stream), out);
    return true;
}

bool plumb_remote(const plumb_stack *s, plumb_socket h, char out[PLUMB_TEXT])
{
    const struct slot *x = find(s, h, STREAM);
    if (x)
        endpoint_text(stream_remote(x->stream), out);
    return x != NULL;
}

enum plumb_err plumb_info(const plumb_stack *s, plumb_socket h, struct plumb_connection_info *out)
{
    const struct slot *x = find(s, h, STREAM);
    struct stream_info i;
    const size_t size = out ? out->size : 0;
    if (!x)
        return PLUMB_STALE;
    if (size < sizeof out->size || !stream_info(x->stream, &i))
        return PLUMB_INVALID;
    const struct plumb_connection_info whole = { .size = size, .mss = i.mss, .cwnd = i.cwnd, .ssthresh = i.ssthresh, .peer_window = i.snd_wnd,
        .window = i.rcv_wnd, .retransmits = i.retransmits, .segments_in = i.segs_in, .segments_out = i.segs_out, .bytes_sent = i.bytes_sent,
        .bytes_resent = i.bytes_resent, .bytes_acked = i.bytes_acked, .bytes_received = i.bytes_received, .bytes_lost = i.lost,
        .rtt_ns = i.srtt_ns, .rtt_variation_ns = i.rttvar_ns, .min_rtt_ns = i.min_rtt_ns, .rto_ns = i.rto_ns, .busy_ns = i.busy_ns,
        .window_limited_ns = i.window_limited_ns, .buffer_limited_ns = i.buffer_limited_ns, .user_limited_ns = i.user_limited_ns,
        .congestion = i.congestion };
    memcpy(out, &whole, size < sizeof whole ? size : sizeof whole);
    return PLUMB_OK;
}

/* --------------------------------------------------------------- datagrams */

enum plumb_err plumb_udp(plumb_stack *s, const char *on, uint16_t port, plumb_socket *out)
{
    struct dgram_opts o = { 0 };
    *out = 0;
    if (!address(on, port, &o.local))
        return PLUMB_INVALID;
    struct slot *x = take_slot(s, DGRAM);
    if (!x)
        return PLUMB_NO_MEMORY;
    const enum plumb_err e = net_datagram(s->net, &o, &x->dgram);
    if (e != PLUMB_OK) {
        free_slot(x);
        return e;
    }
    dgram_watch(x->dgram, on_ready, x);
    *out = handle_of(x);
    return PLUMB_OK;
}

static const struct group_member *member_of(struct slot *x, unsigned iface, struct addr group)
{
    const struct group_member *m = *stack_dgram_groups(x->dgram);
    while (m && (m->iface != iface || !addr_eq(m->group, group)))
        m = m->next;
    return m;
}

enum plumb_err plumb_join(plumb_stack *s, plumb_socket h, int iface, const char *group, const char *source)
{
    struct slot *x = find(s, h, DGRAM);
    struct endpoint g, from;
    if (!x)
        return PLUMB_STALE;
    if (iface < 0 || !group || !address(group, 0, &g) || !address(source, 0, &from))
        return PLUMB_INVALID;
    const struct group_member *m = member_of(x, (unsigned)iface, g.addr);
    struct source_filter f = m && source ? m->filter : (struct source_filter){ .exclude = !source };
    if (f.exclude && source)
        return PLUMB_INVALID;           /* it hears everybody */
    if (source && source_filter_names(&f, from.addr))
        return PLUMB_OK;
    if (source && f.n == GROUP_SOURCES)
        return PLUMB_NO_MEMORY;
    if (source)
        f.source[f.n++] = from.addr;
    return stack_group_set(s->st, stack_dgram_groups(x->dgram), (unsigned)iface, g.addr, &f, s->now_ns);
}

enum plumb_err plumb_leave(plumb_stack *s, plumb_socket h, int iface, const char *group)
{
    struct slot *x = find(s, h, DGRAM);
    struct endpoint g;
    if (!x)
        return PLUMB_STALE;
    if (iface < 0 || !group || !address(group, 0, &g))
        return PLUMB_INVALID;
    return stack_group_set(s->st, stack_dgram_groups(x->dgram), (unsigned)iface, g.addr, &(struct source_filter){ 0 }, s->now_ns);
}

enum plumb_err plumb_send_to(plumb_stack *s, plumb_socket h, const char *to, uint16_t port, const void *bytes, size_t len)
{
    struct slot *x = find(s, h, DGRAM);
    struct endpoint e;
    if (!x)
        return PLUMB_STALE;
    return to && address(to, port, &e) ? dgram_send(x->dgram, e, bytes, len) : PLUMB_INVALID;
}

enum plumb_err plumb_recv_from(plumb_stack *s, plumb_socket h, void *bytes, size_t max, size_t *got, char from[PLUMB_TEXT])
{
    struct slot *x = find(s, h, DGRAM);
    struct dgram_in in;
    *got = 0;
    if (!x)
        return PLUMB_STALE;
    const enum plumb_err e = dgram_take_error(x->dgram);
    if (e != PLUMB_OK)
        return e;
    if (!dgram_peek(x->dgram, &in))
        return PLUMB_AGAIN;
    *got = in.len < max ? in.len : max;
    if (*got)
        memcpy(bytes, in.bytes, *got);
    endpoint_text(in.from, from);
    dgram_consume(x->dgram);
    return PLUMB_OK;
}
