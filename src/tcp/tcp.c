/* The instance: its configuration, its pools, its clockwork. */
#include "tcp/conn.h"
#include <stdlib.h>

enum { SEGMENTS_PER_BLOCK = 4 };                /* of text that was sent; smaller ones share a record when many are small */
enum { MOMENTS_AT_ONCE = 64 };                  /* connections that owe several ACKs within one step */

#define DEFAULT(field, value) do { if (!(field)) (field) = (value); } while (0)

static void defaults(struct tcp_config *c)
{
    DEFAULT(c->max_conns, 4096);
    DEFAULT(c->max_time_wait, c->max_conns);
    DEFAULT(c->first_port, 32768);
    DEFAULT(c->last_port, UINT16_MAX);
    DEFAULT(c->max_blocks, 16384);
    DEFAULT(c->max_loans, 4096);
    DEFAULT(c->send_start, 64 << 10);
    DEFAULT(c->send_most, 6 << 20);
    DEFAULT(c->recv_start, 64 << 10);
    DEFAULT(c->recv_most, 6 << 20);
    DEFAULT(c->initial_window, 10);                         /* RFC 6928 */
    DEFAULT(c->congestion, TCP_CC_CUBIC);
    DEFAULT(c->ecn, TCP_ECN_ACCURATE);
    DEFAULT(c->rto_min_ns, 200 * NS_PER_MS);
    DEFAULT(c->rto_initial_ns, NS_PER_SEC);                 /* RFC 6298 (2.1) */
    DEFAULT(c->delayed_ack_ns, 40 * NS_PER_MS);
    DEFAULT(c->msl_ns, 30 * NS_PER_SEC);
    DEFAULT(c->keepalive_idle_ns, 7200 * NS_PER_SEC);       /* [MUST-27] [MUST-28] */
    DEFAULT(c->keepalive_interval_ns, 75 * NS_PER_SEC);
    DEFAULT(c->keepalive_probes, 9);
    DEFAULT(c->syn_retries, 7);
    DEFAULT(c->synack_retries, 5);
    DEFAULT(c->retries, 15);                                /* R2, well above 100 s [SHLD-11] */
    if (c->delayed_ack_ns > 500 * NS_PER_MS)                /* [MUST-40] */
        c->delayed_ack_ns = 500 * NS_PER_MS - 1;
}

struct tcp_config tcp_rfc_plain(void)
{
    return (struct tcp_config){ .rto_min_ns = NS_PER_SEC, .rto_initial_ns = NS_PER_SEC, .msl_ns = 120 * NS_PER_SEC, .rfc5681 = true,
                                .time_wait_rst = true, .no_quick_acks = true, .mtu_probing = MTU_PROBING_OFF,
                                .congestion = TCP_CC_RENO, .ecn = TCP_ECN_OFF };
}

static bool make_pools(struct tcp *t)
{
    const struct tcp_config *c = &t->cfg;
    t->live = calloc((c->max_conns + 63) / 64, sizeof *t->live);
    return t->live && demux_init(t) &&
           pool_init(&t->conns, sizeof(struct tcp_conn), c->max_conns) &&
           pool_init(&t->flights, sizeof(struct tcp_flight), c->max_conns) &&
           pool_init(&t->timers, sizeof(struct tcp_timers), c->max_conns) &&
           pool_init(&t->rares, sizeof(struct tcp_rare), c->max_conns) &&
           pool_init(&t->ccs, tcp_cc_own_size(), c->max_conns) &&
           pool_init(&t->timewaits, sizeof(struct tcp_timewait), c->max_time_wait) &&
           pool_init(&t->moments, sizeof(struct sack_moments), c->max_conns < MOMENTS_AT_ONCE ? c->max_conns : MOMENTS_AT_ONCE) &&
           board_pool_init(&t->sent, c->max_conns, SEGMENTS_PER_BLOCK * c->max_blocks) &&
           pool_init(&t->blocks, TCP_BLOCK, c->max_blocks) && tcp_loans_init(t);
}

struct sipkey tcp_secret(struct tcp *t, enum tcp_secret what, int64_t period)
{
    if (!t->cfg.shared)
        return sipkey_from(t->rng);
    const struct sipkey root = { { t->cfg.secret[0], t->cfg.secret[1] } };
    const uint64_t words[2] = { what, (uint64_t)period };
    return (struct sipkey){ { siphash_words(&root, words, 2), siphash(&root, words, sizeof words) } };
}

struct tcp *tcp_new(const struct tcp_config *cfg, struct trace *trace, struct pkt_pools *pools, struct rng *rng, int64_t now_ns)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    if (cfg)
        t->cfg = *cfg;
    defaults(&t->cfg);
    t->trace = trace;
    t->pools = pools;
    t->rng = rng;
    t->now_ns = now_ns;
    t->challenge_second = -1;                               /* none has been counted yet */
    t->hash_key = tcp_secret(t, SECRET_HASH, 0);
    t->isn_key = tcp_secret(t, SECRET_ISN, 0);
    t->challenge_second = -1;                           /* no second has had its share yet */
    t->port_key = tcp_secret(t, SECRET_PORT, 0);
    t->cookies.key[0] = tcp_secret(t, SECRET_COOKIE, 0);
    t->cookies.key[1] = tcp_secret(t, SECRET_COOKIE, 1);
    tcp_fast_open_init(t);
    for (unsigned i = 0; i < LISTEN_HASH; i++)
        list_init(&t->listeners[i]);
    list_init(&t->listeners_any);
    for (unsigned i = 0; i < IFACE_MAX; i++)
        list_init(&t->out[i]);
    list_init(&t->unrouted);
    list_init(&t->ready);
    list_init(&t->listeners_ready);
    list_init(&t->starved);
    list_init(&t->orphans);
    list_init(&t->dead);
    list_init(&t->timewait);
    wheel_init(&t->wheel, now_ns);
    if (!make_pools(t)) {
        tcp_free(t);
        return NULL;
    }
    return t;
}

void tcp_free(struct tcp *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i <= LISTEN_HASH; i++) {
        struct list *head = i < LISTEN_HASH ? &t->listeners[i] : &t->listeners_any;
        for (struct list *n; (n = list_pop(head));)
            free(list_entry(n, struct tcp_listener, node));
    }
    pool_fini(&t->conns);
    pool_fini(&t->flights);
    pool_fini(&t->timers);
    pool_fini(&t->rares);
    pool_fini(&t->ccs);
    pool_fini(&t->timewaits);
    pool_fini(&t->moments);
    pool_fini(&t->sent);
    pool_fini(&t->loans);
    pool_fini(&t->blocks);
    free(t->live);
    free(t->bucket);
    free(t);
}

/* A slot that is sorted says the same as before. */
int64_t tcp_deadline(const struct tcp *t) { return wheel_deadline((struct wheel *)&t->wheel); }

void tcp_tick(struct tcp *t, int64_t now_ns)
{
    t->now_ns = now_ns;
    for (struct wheel_timer *w; (w = wheel_expire(&t->wheel, now_ns));) {
        if (w == &t->timewait_timer)
            tcp_timewait_tick(t, now_ns);
        else
            tcp_timer_expired(list_entry(w, struct tcp_timers, wheel), now_ns);
    }
    tcp_reap(t);
}

uint32_t tcp_count(const struct tcp *t) { return t->count; }
uint32_t tcp_blocks_used(const struct tcp *t) { return t->blocks.used; }
