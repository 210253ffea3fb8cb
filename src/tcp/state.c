/* The only writer of a connection's state: RFC 9293 §3.3.2, figure 5.  Every
 * change is an event, and one the figure does not have is a bug. */
#include "tcp/conn.h"

static const uint16_t legal[TCP_STATES] = {
    [CLOSED]       = IN(LISTEN) | IN(SYN_SENT),
    [LISTEN]       = IN(SYN_RECEIVED) | IN(CLOSED),
    [SYN_SENT]     = IN(ESTABLISHED) | IN(SYN_RECEIVED) | IN(CLOSED),
    [SYN_RECEIVED] = IN(ESTABLISHED) | IN(LISTEN) | IN(CLOSED),
    [ESTABLISHED]  = IN(FIN_WAIT_1) | IN(CLOSE_WAIT) | IN(CLOSED),
    [FIN_WAIT_1]   = IN(FIN_WAIT_2) | IN(CLOSING) | IN(TIME_WAIT) | IN(CLOSED),
    [FIN_WAIT_2]   = IN(TIME_WAIT) | IN(CLOSED),
    [CLOSE_WAIT]   = IN(LAST_ACK) | IN(CLOSED),
    [CLOSING]      = IN(TIME_WAIT) | IN(CLOSED),
    [LAST_ACK]     = IN(CLOSED),
    [TIME_WAIT]    = IN(CLOSED),
};

void tcp_state_listen(struct tcp_conn *c) { c->state = LISTEN; }

void tcp_set_state(struct tcp_conn *c, enum tcp_state to, enum why why, int64_t now_ns)
{
    const uint8_t from = c->state;
    assert(legal[from] & IN(to));
    c->state = (uint8_t)to;
    TRACE(c->t->trace, now_ns, c->serial, tcp_state, .from = from, .to = (uint8_t)to, .why = (uint8_t)why);
}
