/* Challenge ACKs (RFC 5961 §3 to §5), rate-limited (§7) by a share that a stranger
 * cannot learn: the limit of a second is drawn anew each second. */
#include "tcp/conn.h"

enum { AT_LEAST = 500, UP_TO = 1000 };

bool tcp_challenge_allowed(struct tcp *t, int64_t now_ns) /* [RFC5961-7] */
{
    const int64_t second = now_ns / NS_PER_SEC;
    if (second != t->challenge_second) {
        t->challenge_second = second;
        t->challenges = AT_LEAST + rng_below(t->rng, UP_TO - AT_LEAST);
    }
    if (t->challenges == 0)
        return false;
    t->challenges--;
    return true;
}

seg_fate tcp_challenge(struct tcp_conn *c, struct tcp_seg *s, enum why why)
{
    if (!tcp_challenge_allowed(c->t, s->now_ns))
        return tcp_drop(c->t, s, WHY_CHALLENGE_LIMIT);
    tcp_owe_own_ack(c);
    return tcp_drop(c->t, s, why);
}
