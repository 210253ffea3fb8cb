/* The timers of a connection, one sentence each:
 *   retransmit  what was sent is not acknowledged, or no way leads to the peer: send it again, back off, give up at R2
 *   persist     text waits and nothing is in flight: probe the closed window, or send
 *               what silly-window avoidance held back
 *   pace        what may leave waits for its departure time (pacer.c)
 *   reordering  something sent later has arrived: is what was sent before lost? (rack.c)
 *   tail probe  no acknowledgment comes: ask for one by the last segment (tlp.c)
 *   delack      text was taken and not acknowledged yet: say so now
 *   keepalive   nothing was heard for long: ask whether the peer is there [MAY-5]
 *   FIN-WAIT-2  the user is gone and the peer does not close: give up
 * TIME-WAIT stands in timewait.c.  Callers report what happened; one intrusive timer
 * carries the earliest deadline and is armed again lazily. */
#include "tcp/conn.h"

enum { R1 = 3 };                                        /* [SHLD-10] */
static const int64_t OVERRIDE_NS = 200 * NS_PER_MS;     /* §3.8.6.2.1: 0.1 to 1 s; nothing waits for ever [MUST-60] */

/* Of a connection that waits for nothing; the same as one that has no such part. */
const struct tcp_timers tcp_no_timers = { .rto_ns = DEADLINE_NEVER, .reo_ns = DEADLINE_NEVER, .pto_ns = DEADLINE_NEVER,
                                          .delack_ns = DEADLINE_NEVER, .idle_ns = DEADLINE_NEVER };

static struct tcp_timers *need(struct tcp_conn *c)
{
    if (c->timer)
        return c->timer;
    c->timer = pool_get(&c->t->timers);         /* as many as connections: never NULL */
    assert(c->timer);
    *c->timer = tcp_no_timers;
    c->timer->conn = c;
    return c->timer;
}

static void give_back(struct tcp_conn *c)
{
    wheel_cancel(&c->t->wheel, &c->timer->wheel);
    pool_put(&c->t->timers, c->timer);
    c->timer = NULL;
}

static void arm(struct tcp_conn *c)
{
    struct tcp_timers *m = need(c);
    const int64_t earliest = time_min(time_min(time_min(m->rto_ns, tcp_pace_deadline(c)), time_min(m->delack_ns, m->idle_ns)),
                                      time_min(m->reo_ns, m->pto_ns));
    if (earliest != DEADLINE_NEVER) {
        if (!wheel_armed(&m->wheel) || earliest < m->wheel.deadline_ns)
            wheel_arm(&c->t->wheel, &m->wheel, earliest);
        return;
    }
    if (m->waiting_ns || m->retries || m->probes || m->held)
        wheel_cancel(&c->t->wheel, &m->wheel);
    else
        give_back(c);
}

/* One of the deadlines is another now.  Where it was put off or taken away the wheel's timer stays: it finds nothing
 * due then, which costs less than to move it with each segment.  Of many connections none keeps what it does not need. */
enum { FEW = 256 };
static void arm_at(struct tcp_conn *c, int64_t deadline_ns)
{
    struct wheel_timer *w = &c->timer->wheel;
    if (!wheel_armed(w) || (deadline_ns == DEADLINE_NEVER && c->t->timers.used > FEW))
        arm(c);
    else if (deadline_ns < w->deadline_ns)
        wheel_arm(&c->t->wheel, w, deadline_ns);
}

void tcp_timer_stop(struct tcp_conn *c)
{
    if (c->timer)
        give_back(c);
}

static uint32_t user_timeout_ms(const struct tcp_conn *c) { return tcp_rare(c)->asked.user_timeout_ms; }

/* A retransmission never comes later than the user's patience ends. */
static int64_t after_rto(const struct tcp_conn *c, int64_t now_ns)
{
    const int64_t at_ns = time_after(now_ns, tcp_rto(c));
    const int64_t since_ns = tcp_timers(c)->waiting_ns;
    if (!user_timeout_ms(c) || !since_ns)
        return at_ns;
    return time_max(now_ns, time_min(at_ns, since_ns + user_timeout_ms(c) * NS_PER_MS));
}

static bool out_of_patience(const struct tcp_conn *c, int64_t now_ns)
{
    const int64_t since_ns = tcp_timers(c)->waiting_ns;
    return user_timeout_ms(c) && since_ns && now_ns - since_ns >= user_timeout_ms(c) * NS_PER_MS;
}

void tcp_timer_user_timeout(struct tcp_conn *c, const struct tcp_user_opt *o)
{
    if (o->tell_user_timeout && o->user_timeout_ms && user_timeout_ms(c) != o->user_timeout_ms && state_in(c, CAN_SEND | CAN_RECEIVE))
        tcp_due_timeout(c);
    if (!o->user_timeout_ms && !c->rare)
        return;
    struct tcp_rare *r = tcp_rare_need(c);
    r->asked.user_timeout_ms = o->user_timeout_ms;
    r->asked.told_timeout_s = o->tell_user_timeout ? (o->user_timeout_ms + 999) / 1000 : 0;    /* whole seconds, rounded up */
}

/* USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)): the longer of the two, within 100 s and a day. */
void tcp_timer_on_peer_timeout(struct tcp_conn *c, uint32_t seconds)
{
    const uint32_t least_ms = 100 * 1000, most_ms = 86400 * 1000;
    const uint32_t theirs_ms = seconds < 86400 ? seconds * 1000 : most_ms;
    struct tcp_rare *r = tcp_rare_need(c);
    const uint32_t longer_ms = theirs_ms > r->asked.user_timeout_ms ? theirs_ms : r->asked.user_timeout_ms;
    r->asked.user_timeout_ms = longer_ms < least_ms ? least_ms : longer_ms > most_ms ? most_ms : longer_ms;
}

void tcp_timer_on_sending(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_timers *m = need(c);
    if (!in_flight(c) && !m->retries)
        m->waiting_ns = now_ns;
    if (in_flight(c) && m->rto_ns != DEADLINE_NEVER)    /* [RFC6298-5.1] */
        return;
    m->rto_ns = after_rto(c, now_ns);             /* RFC 6298 (5.1) [RFC6298-5a] */
    arm_at(c, c->timer->rto_ns);
}

/* In recovery nothing is sampled while SND.UNA stands, and one sample a round trip is far behind the queue that slow start
 * filled: what was delivered last shows how long a retransmission takes.  Never less than RFC 6298's. */
static int64_t patience(const struct tcp_conn *c)
{
    const int64_t rto_ns = tcp_rto(c);
    if (!c->flight || c->flight->rec.phase != REC_FAST)
        return rto_ns;
    return time_max(rto_ns, c->flight->rack.rtt_ns + 4 * c->rtt.var_ns);
}

void tcp_timer_on_progress(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_timers *m = need(c);
    m->retries = 0;
    m->waiting_ns = in_flight(c) ? now_ns : 0;
    m->rto_ns = in_flight(c) ? time_after(now_ns, patience(c)) : DEADLINE_NEVER;  /* (5.2), (5.3) [RFC6298-5.2] [RFC6298-5.3] */
    arm_at(c, c->timer->rto_ns);
}

/* Its round trip begins now; a timer from before would be too early. */
void tcp_timer_on_resent(struct tcp_conn *c, int64_t now_ns)
{
    need(c)->rto_ns = time_after(now_ns, patience(c));
    arm_at(c, c->timer->rto_ns);
}

void tcp_timer_on_reordered(struct tcp_conn *c, int64_t deadline_ns)
{
    if (tcp_timers(c)->reo_ns == deadline_ns)
        return;
    need(c)->reo_ns = deadline_ns;
    arm_at(c, c->timer->reo_ns);
}

/* Never later than the retransmission timer, whose place it then takes [RFC8985-7.2c]. */
void tcp_timer_on_probe_due(struct tcp_conn *c, int64_t deadline_ns)
{
    const int64_t pto_ns = deadline_ns == DEADLINE_NEVER ? deadline_ns : time_min(deadline_ns, tcp_timers(c)->rto_ns);
    if (tcp_timers(c)->pto_ns == pto_ns)
        return;
    need(c)->pto_ns = pto_ns;
    arm_at(c, c->timer->pto_ns);
}

void tcp_timer_on_probed(struct tcp_conn *c, int64_t now_ns)
{
    need(c)->pto_ns = DEADLINE_NEVER;
    c->timer->rto_ns = time_after(now_ns, tcp_rto(c));
    arm_at(c, c->timer->rto_ns);
}

void tcp_timer_on_heard(struct tcp_conn *c)
{
    if (!c->timer)
        return;
    c->timer->probes = 0;
    if (c->snd.wnd == 0 && !c->orphan)
        c->timer->retries = 0;                          /* the closed window may stay as long as it answers [MUST-37] */
}

void tcp_timer_on_blocked(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_timers *m = need(c);
    if (m->rto_ns != DEADLINE_NEVER)
        return;
    const bool closed = c->snd.wnd == 0;
    if (!m->waiting_ns)
        m->waiting_ns = now_ns;
    m->rto_ns = time_after(now_ns, closed ? tcp_rto(c) : OVERRIDE_NS);            /* [SHLD-29] */
    arm_at(c, c->timer->rto_ns);
}

/* As if it had left and was lost: tried again with back-off, given up at R2. */
void tcp_timer_on_no_path(struct tcp_conn *c, int64_t now_ns)
{
    if (tcp_timers(c)->rto_ns != DEADLINE_NEVER || !tcp_unsent(c))
        return;
    struct tcp_timers *m = need(c);
    if (m->retries < UINT8_MAX)
        m->retries++;
    tcp_rtt_back_off(c);
    m->rto_ns = time_after(now_ns, tcp_rto(c));
    arm_at(c, c->timer->rto_ns);
}

void tcp_timer_on_unblocked(struct tcp_conn *c)
{
    if (in_flight(c) || !c->timer)
        return;
    c->timer->rto_ns = DEADLINE_NEVER;
    c->timer->retries = 0;
    c->timer->waiting_ns = 0;
    arm_at(c, c->timer->rto_ns);
}

void tcp_timer_on_paced(struct tcp_conn *c) { arm(c); }

void tcp_timer_on_ack_delayed(struct tcp_conn *c, int64_t now_ns) /* [RFC5681-4.2a] */
{
    struct tcp_timers *m = need(c);
    if (m->delack_ns != DEADLINE_NEVER)
        return;
    m->delack_ns = time_after(now_ns, c->t->cfg.delayed_ack_ns);                  /* [MUST-40] */
    arm_at(c, c->timer->delack_ns);
}

void tcp_timer_on_ack_sent(struct tcp_conn *c)
{
    if (tcp_timers(c)->delack_ns == DEADLINE_NEVER)
        return;
    c->timer->delack_ns = DEADLINE_NEVER;
    arm_at(c, c->timer->delack_ns);
}

static int64_t keep_idle(const struct tcp_conn *c)
{
    return tcp_rare(c)->asked.keep_idle_s ? tcp_rare(c)->asked.keep_idle_s * NS_PER_SEC : c->t->cfg.keepalive_idle_ns;
}
static int64_t keep_interval(const struct tcp_conn *c)
{
    return tcp_rare(c)->asked.keep_interval_s ? tcp_rare(c)->asked.keep_interval_s * NS_PER_SEC : c->t->cfg.keepalive_interval_ns;
}
static uint8_t keep_probes(const struct tcp_conn *c)
{
    return tcp_rare(c)->asked.keep_probes ? tcp_rare(c)->asked.keep_probes : c->t->cfg.keepalive_probes;
}

void tcp_timer_on_option(struct tcp_conn *c, int64_t now_ns)
{
    if (c->orphan || !state_in(c, CAN_SEND | CAN_RECEIVE) || !(c->keepalive || c->timer))
        return;
    need(c)->idle_ns = c->keepalive ? time_after(time_max(c->heard_ns, now_ns), keep_idle(c)) : DEADLINE_NEVER;
    arm_at(c, c->timer->idle_ns);
}

void tcp_timer_on_established(struct tcp_conn *c, int64_t now_ns)
{
    if (c->timer)
        c->timer->retries = 0;
    tcp_timer_on_option(c, now_ns);
}

void tcp_timer_on_orphan_wait(struct tcp_conn *c, int64_t now_ns)
{
    need(c)->idle_ns = time_after(now_ns, 2 * c->t->cfg.msl_ns);
    arm_at(c, c->timer->idle_ns);
}

static void give_up(struct tcp_conn *c, enum why why, int64_t now_ns)
{
    if (c->state != SYN_SENT)
        tcp_reply_abort(c, now_ns);
    tcp_end(c, c->soft_error ? c->soft_error : PLUMB_TIMED_OUT, why, now_ns);
}

static uint8_t retries_max(const struct tcp_conn *c) { return tcp_rare(c)->asked.retries_max ? tcp_rare(c)->asked.retries_max : c->t->cfg.retries; }

/* R2 [MUST-20]; SYNs have their own [MUST-22] [MUST-23]. */
static bool too_many(struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_config *f = &c->t->cfg;
    const bool syn = c->state == SYN_SENT || c->state == SYN_RECEIVED;
    if (out_of_patience(c, now_ns)) {
        give_up(c, WHY_USER_TIMEOUT, now_ns);
        return true;
    }
    if (user_timeout_ms(c) && !syn)
        return false;
    const uint8_t limit = c->state == SYN_SENT ? f->syn_retries : c->state == SYN_RECEIVED ? f->synack_retries : retries_max(c);
    if (limit == UINT8_MAX || tcp_timers(c)->retries < limit)
        return false;
    give_up(c, syn ? WHY_SYN_LIMIT : WHY_RETRANSMIT_LIMIT, now_ns);
    return true;
}

/* R1: negative advice to IP, and word to the user [MUST-20] [SHLD-9]. */
static void trouble(struct tcp_conn *c)
{
    if (!c->soft_error)
        c->soft_error = PLUMB_TIMED_OUT;
    tcp_route_lost(c);
    tcp_ready(c, TCP_TROUBLE);
}

static void retransmit(struct tcp_conn *c, int64_t now_ns)
{
    if (c->timer->retries < UINT8_MAX)
        c->timer->retries++;
    TRACE(c->t->trace, now_ns, c->serial, tcp_rto, .seq = c->snd.una.n, .rto_ns = tcp_rto(c), .count = c->timer->retries);
    tcp_rtt_back_off(c);                                /* (5.5) */
    c->timer->rto_ns = after_rto(c, now_ns);             /* (5.6) [RFC6298-5.6] */
    if (c->timer->retries == R1)
        trouble(c);
    if (c->state == SYN_SENT || c->state == SYN_RECEIVED) {
        tcp_fast_open_lost(c, now_ns);
        c->syn_resent = true;
        tcp_due_syn(c);
        return;
    }
    if (tcp_rare(c)->pmtu.works || c->t->cfg.mtu_probing != MTU_PROBING_OFF)
        (void)tcp_pmtu_on_timeout(c, now_ns);
    tcp_recover_on_timeout(c, now_ns);                  /* (5.4) [RFC6298-5.4] */
}

/* Zero-window probing [MUST-35] [MUST-36], ever more rarely [SHLD-30]; or the override of §3.8.6.2.1. [RFC7323-2.4b] */
static void persist(struct tcp_conn *c, int64_t now_ns)
{
    if (c->snd.wnd > 0) {
        c->timer->rto_ns = DEADLINE_NEVER;
        tcp_due_force(c);
        return;
    }
    c->timer->retries++;
    tcp_rtt_back_off(c);
    c->timer->rto_ns = after_rto(c, now_ns);
    tcp_due_probe(c);
}

static void rto_expired(struct tcp_conn *c, int64_t now_ns)
{
    const bool synchronized = state_in(c, HAS_OUTPUT);
    c->timer->rto_ns = DEADLINE_NEVER;
    if (!in_flight(c) && !tcp_unsent(c))
        return;
    if (too_many(c, now_ns))
        return;
    if (synchronized && (c->snd.wnd == 0 || !in_flight(c)))     /* no timeout for what the window forbids [SHLD-17] */
        persist(c, now_ns);
    else
        retransmit(c, now_ns);
    tcp_wake(c);
}

/* [MUST-26]: only when idle, by what was heard last. */
static void idle_expired(struct tcp_conn *c, int64_t now_ns)
{
    c->timer->idle_ns = DEADLINE_NEVER;
    if (c->orphan && c->state == FIN_WAIT_2) {
        tcp_end(c, PLUMB_TIMED_OUT, WHY_FIN_WAIT_2_LIMIT, now_ns);
        return;
    }
    if (c->orphan || !c->keepalive)
        return;
    const int64_t idle_at = time_after(c->heard_ns, keep_idle(c));
    if (c->timer->probes == 0 && now_ns < idle_at) {
        c->timer->idle_ns = idle_at;
        return;
    }
    if (in_flight(c) || tcp_unsent(c)) {
        c->timer->idle_ns = time_after(now_ns, keep_idle(c));
        return;
    }
    if ((c->timer->probes && user_timeout_ms(c) && now_ns - c->heard_ns >= user_timeout_ms(c) * NS_PER_MS) ||
        c->timer->probes >= keep_probes(c)) {       /* never for one probe unanswered [MUST-29] */
        give_up(c, WHY_KEEPALIVE_LIMIT, now_ns);
        return;
    }
    c->timer->probes++;
    c->timer->idle_ns = time_after(now_ns, keep_interval(c));
    tcp_due_keepalive(c);
    tcp_wake(c);
}

void tcp_timer_expired(struct tcp_timers *m, int64_t now_ns)
{
    struct tcp_conn *c = m->conn;
    m->held = true;                                     /* what is called may arm, and end the connection */
    if (m->delack_ns <= now_ns) {
        m->delack_ns = DEADLINE_NEVER;
        tcp_delack_expired(c);
        tcp_wake(c);
    }
    if (tcp_pace_deadline(c) <= now_ns) {
        tcp_pace_woken(c);
        tcp_wake(c);
    }
    if (tcp_timers(c)->reo_ns <= now_ns) {
        c->timer->reo_ns = DEADLINE_NEVER;
        tcp_recover_on_reordered(c, now_ns);
    }
    if (tcp_timers(c)->pto_ns <= now_ns) {
        c->timer->pto_ns = DEADLINE_NEVER;
        tcp_tlp_expired(c, now_ns);
    }
    if (tcp_timers(c)->rto_ns <= now_ns)
        rto_expired(c, now_ns);
    if (tcp_timers(c)->idle_ns <= now_ns && c->state != CLOSED)
        idle_expired(c, now_ns);
    if (!c->timer || c->state == CLOSED)
        return;
    c->timer->held = false;
    arm(c);
}
