#include "pair.h"

static void end_init(struct pair *p, struct end *e, const struct tcp_config *cfg, uint16_t node, const struct pair_config *pc)
{
    const struct addr ip[2] = { addr4(0x0a000001), addr4(0x0a000002) };
    trace_init(&e->trace, node);
    rng_seed(&e->rng, pc->seed * 2 + node);
    struct tcp_config own = *cfg;
    if (!own.congestion) {                                      /* these tests read RFC 5681 */
        own.congestion = TCP_CC_RENO;
        own.no_pacing = true;
        own.no_quick_acks = true;
        own.mtu_probing = MTU_PROBING_OFF;
        own.ecn = own.ecn ? own.ecn : TCP_ECN_OFF;
    }
    e->tcp = tcp_new(&own, &e->trace, &p->pools, &e->rng, p->now_ns);
    e->path = (struct path){ .local = ip[node], .remote = ip[!node], .next_hop = ip[!node], .generation = 1, .mtu = pc->mtu ? pc->mtu : 1500,
                             .gso_max = pc->gso, .tx_csum = pc->tx_csum };
    tcp_paths_changed(e->tcp, 1);
}

struct pair *pair_new(const struct pair_config *cfg)
{
    struct pair *p = calloc(1, sizeof *p);
    p->now_ns = 1000 * NS_PER_SEC;
    p->delay_ns = NS_PER_MS;
    rng_seed(&p->rng, cfg->seed);
    if (!pkt_pools_init(&p->pools, 8192, 256))
        abort();
    end_init(p, &p->a, &cfg->a, 0, cfg);
    end_init(p, &p->b, &cfg->b, 1, cfg);
    return p;
}

static void end_free(struct end *e)
{
    for (uint32_t i = 0; i < e->n_flying; i++)
        pkt_free(e->flying[i].pkt);
    if (e->listener)
        tcp_listener_close(e->listener, e->tcp->now_ns);
    tcp_free(e->tcp);
}

void pair_free(struct pair *p)
{
    end_free(&p->a);
    end_free(&p->b);
    assert_int_equal(p->pools.small.used, 0);
    assert_int_equal(p->pools.large.used, 0);
    pkt_pools_fini(&p->pools);
    free(p);
}

/* The IP header net/ would have written, as much as tcp_in reads of it. */
static void add_ip(struct pkt *k, struct addr src, struct addr dst)
{
    const uint32_t total = pkt_len(k) + 20;
    uint8_t *h = pkt_push(k, 20);
    memset(h, 0, 20);
    h[0] = 0x45;
    h[9] = 6;
    store_be16(h + 2, (uint16_t)total);
    memcpy(h + 12, &src.b[12], 4);
    memcpy(h + 16, &dst.b[12], 4);
    k->net_off = (uint16_t)k->head;
}

static void fly(struct pair *p, struct end *to, struct pkt *k, int64_t due_ns)
{
    assert_true(to->n_flying < FLYING_MAX);
    to->flying[to->n_flying++] = (struct flying){ k, due_ns, p->order++ };
}

static void leave(struct pair *p, struct end *from, struct end *to, struct pkt *k)
{
    const struct path *path = k->path;
    const struct addr src = path->local, dst = path->remote;
    const uint16_t gso = k->gso_size;
    k = pkt_own(&p->pools, k);
    assert_non_null(k);
    k->path = NULL;
    k->gso_size = gso;
    struct reader r = reader_of(pkt_l4(k), pkt_l4_len(k));
    struct tcp_header h;
    assert_true(tcp_header_read(&r, &h));
    const uint32_t text = pkt_l4_len(k) - h.header_len;
    from->sent++;
    if (p->watch && !p->watch(p, from, k, &h, text)) {
        pkt_free(k);
        return;
    }
    if (rng_unit(&p->rng) < p->loss) {
        pkt_free(k);
        return;
    }
    add_ip(k, src, dst);
    int64_t due = p->now_ns + p->delay_ns;
    if (rng_unit(&p->rng) < p->reorder)
        due += (int64_t)rng_below(&p->rng, 3000) * NS_PER_US;
    if (rng_unit(&p->rng) < p->duplicate)
        fly(p, to, pkt_copy(&p->pools, k), due + (int64_t)rng_below(&p->rng, 2000) * NS_PER_US);
    fly(p, to, k, due);
}

static void drain(struct pair *p, struct end *from, struct end *to)
{
    for (struct tcp_conn *c; (c = tcp_next_unrouted(from->tcp));)
        tcp_set_path(c, &from->path, p->now_ns);
    for (struct flow f; tcp_reply_flow(from->tcp, &f);) {
        struct pkt *k = tcp_reply_pop(from->tcp, &from->path);
        if (k)
            leave(p, from, to, k);
    }
    for (;;) {
        struct batch b = { .n = 0 };
        tcp_out(from->tcp, 0, &b, p->now_ns);
        if (b.n == 0)
            return;
        for (uint32_t i = 0; i < b.n; i++)
            leave(p, from, to, b.pkt[i]);
    }
}

static int64_t next_due(const struct end *e)
{
    int64_t due = DEADLINE_NEVER;
    for (uint32_t i = 0; i < e->n_flying; i++)
        due = time_min(due, e->flying[i].due_ns);
    return due;
}

static struct pkt *take_due(struct end *e, int64_t now_ns)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < e->n_flying; i++) {
        const struct flying *f = &e->flying[i];
        if (f->due_ns <= now_ns && (best == UINT32_MAX || f->due_ns < e->flying[best].due_ns ||
                                    (f->due_ns == e->flying[best].due_ns && f->order < e->flying[best].order)))
            best = i;
    }
    if (best == UINT32_MAX)
        return NULL;
    struct pkt *k = e->flying[best].pkt;
    e->flying[best] = e->flying[--e->n_flying];
    return k;
}

static void arrive(struct pair *p, struct end *e)
{
    for (;;) {
        struct batch b = { .n = 0 };
        for (struct pkt *k; b.n < 16 && (k = take_due(e, p->now_ns));) {
            k->time_ns = p->now_ns;
            e->received++;
            batch_add(&b, k);
        }
        if (b.n == 0)
            return;
        tcp_in(e->tcp, &b, p->now_ns);
        assert_int_equal(b.n, 0);
    }
}

static void act(struct pair *p)
{
    arrive(p, &p->a);
    arrive(p, &p->b);
    tcp_tick(p->a.tcp, p->now_ns);
    tcp_tick(p->b.tcp, p->now_ns);
    drain(p, &p->a, &p->b);
    drain(p, &p->b, &p->a);
}

void pair_exchange(struct pair *p) { act(p); }

bool pair_step(struct pair *p, int64_t until_ns)
{
    act(p);
    const int64_t next = time_min(time_min(next_due(&p->a), next_due(&p->b)), time_min(tcp_deadline(p->a.tcp), tcp_deadline(p->b.tcp)));
    if (next > until_ns) {
        p->now_ns = until_ns;
        return next != DEADLINE_NEVER;
    }
    p->now_ns = time_max(p->now_ns, next);
    return true;
}

void pair_run(struct pair *p, int64_t for_ns)
{
    const int64_t until = p->now_ns + for_ns;
    while (p->now_ns < until && pair_step(p, until)) {
    }
    act(p);
}

void pair_listen(struct pair *p, const struct tcp_user_opt *o)
{
    const struct endpoint any = { .port = SERVER_PORT };
    assert_int_equal(tcp_listen(p->b.tcp, any, o, &p->b.listener), PLUMB_OK);
}

void pair_connect(struct pair *p, const struct tcp_user_opt *o)
{
    if (!p->b.listener)
        pair_listen(p, NULL);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, o, &p->a.conn, p->now_ns), PLUMB_OK);
    for (int i = 0; i < 10000 && !p->b.conn; i++) {
        pair_step(p, p->now_ns + 10 * NS_PER_SEC);
        p->b.conn = tcp_accept(p->b.listener);
    }
    assert_non_null(p->b.conn);
    assert_int_equal(state_of(p->a.conn), ESTABLISHED);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
}

enum tcp_state state_of(const struct tcp_conn *c)
{
    struct tcp_status s;
    tcp_status(c, &s);
    return s.state;
}

size_t put(struct end *e, const void *bytes, size_t len, int64_t now_ns)
{
    const uint8_t *from = bytes;
    size_t done = 0, room;
    for (uint8_t *at; done < len && (at = tcp_reserve(e->conn, &room));) {
        const size_t n = room < len - done ? room : len - done;
        memcpy(at, from + done, n);
        done += n;
        tcp_commit(e->conn, n, done == len, now_ns);
    }
    return done;
}

size_t get(struct end *e, void *to, size_t max, int64_t now_ns)
{
    uint8_t *into = to;
    size_t done = 0, len;
    for (const uint8_t *at; done < max && (at = tcp_peek(e->conn, &len));) {
        const size_t n = len < max - done ? len : max - done;
        memcpy(into + done, at, n);
        done += n;
        tcp_consume(e->conn, n, now_ns);
    }
    return done;
}

void inject(struct pair *p, struct end *to, const struct raw *r)
{
    struct pkt *k = pkt_new(&p->pools, 60 + r->text_len);
    const struct path *path = &to->path;
    struct tcp_header h = { .src_port = r->from_port, .dst_port = r->to_port, .seq = r->seq, .ack = r->ack, .flags = r->flags, .window = r->window,
                            .urgent = r->urgent, .header_len = (uint8_t)(20 + r->opt_len) };
    if (!h.src_port && to->conn) {
        h.src_port = to->conn->node.remote_port;
        h.dst_port = to->conn->node.local_port;
    }
    uint8_t *at = pkt_append(k, h.header_len + r->text_len);
    struct writer w = writer_of(at, h.header_len + r->text_len);
    tcp_header_write(&w, &h);
    wr_bytes(&w, r->opt, r->opt_len);
    wr_bytes(&w, r->text, r->text_len);
    k->l4_off = (uint16_t)k->head;
    k->proto = 6;
    uint16_t field = csum_finish(csum_add(csum_pseudo(path->remote, path->local, 6, k->len), at, k->len));
    if (r->bad_csum)
        field ^= 0x1234;
    memcpy(at + 16, &field, 2);
    add_ip(k, path->remote, path->local);
    struct batch b = { .n = 0 };
    k->time_ns = p->now_ns;
    batch_add(&b, k);
    tcp_in(to->tcp, &b, p->now_ns);
}
