/* ICMP errors about our segments [MUST-54]: RFC 9293 §3.9.2.2 as RFC 5461 and
 * RFC 5927 advise.  Source quench never reaches TCP [MUST-55]. */
#include "tcp/conn.h"

/* RFC 5927 §4.1: it must quote something that is in flight. */
static bool in_flight_now(const struct tcp_conn *c, const struct tcp_icmp *e)
{
    return e->has_seq && seq_le(c->snd.una, e->seq) && seq_lt(e->seq, c->snd.nxt);
}

bool tcp_icmp(struct tcp *t, const struct tcp_icmp *e, int64_t now_ns)
{
    t->now_ns = now_ns;
    struct tcp_node *n = demux_find(t, e->flow.local, e->flow.remote, e->flow.local_port, e->flow.remote_port);
    if (!n || n->is_timewait)
        return false;
    struct tcp_conn *c = (struct tcp_conn *)(void *)n;
    if (!in_flight_now(c, e))
        return false;
    if (e->kind == TCP_ICMP_TOO_BIG) {
        tcp_path_too_big(c, e->mtu);
        return true;
    }
    const bool opening = c->state == SYN_SENT || c->state == SYN_RECEIVED;
    if (e->kind == TCP_ICMP_HARD && opening) {          /* [SHLD-26]; once synchronized hard errors are soft (RFC 5461 §4) */
        tcp_end(c, e->err, WHY_ICMP_UNREACHABLE, now_ns);
        tcp_reap(t);
        return true;
    }
    c->soft_error = (uint8_t)e->err;                    /* not aborted [MUST-56], but told [SHLD-25] */
    tcp_ready(c, TCP_TROUBLE);
    return true;
}
