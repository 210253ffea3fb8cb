/* TCP_INFO: what tcp_status knows, in the form Linux gives it. */
#include "api/bsd.h"

static uint8_t state_of(enum tcp_state s)
{
    static const uint8_t linux_state[TCP_STATES] = {
        [CLOSED] = 7, [LISTEN] = 10, [SYN_SENT] = 2, [SYN_RECEIVED] = 3, [ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5,
        [CLOSE_WAIT] = 8, [CLOSING] = 11, [LAST_ACK] = 9, [TIME_WAIT] = 6,
    };
    return linux_state[s];
}

static void fill(struct tcp_info *i, const struct tcp_status *s)
{
    const uint32_t mss = s->mss ? s->mss : 536;
    i->tcpi_state = state_of(s->state);
    i->tcpi_options = (uint8_t)((s->timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (s->sack ? TCPI_OPT_SACK : 0) | (s->wscale ? TCPI_OPT_WSCALE : 0));
    i->tcpi_snd_wscale = 0xfu & s->snd_scale;
    i->tcpi_rcv_wscale = 0xfu & s->rcv_scale;
    i->tcpi_rto = (uint32_t)(s->rto_ns / NS_PER_US);
    i->tcpi_ato = 40000;
    i->tcpi_snd_mss = mss;
    i->tcpi_rcv_mss = s->rcv_mss ? s->rcv_mss : 536;
    i->tcpi_unacked = (s->snd_unacked + mss - 1) / mss;
    i->tcpi_pmtu = s->path_mtu;
    i->tcpi_rtt = (uint32_t)(s->srtt_ns / NS_PER_US);
    i->tcpi_rttvar = (uint32_t)(s->rttvar_ns / NS_PER_US);
    i->tcpi_snd_cwnd = s->cwnd / mss;
    i->tcpi_snd_ssthresh = s->ssthresh / mss;
    i->tcpi_advmss = (uint32_t)(s->path_mtu > 40 ? s->path_mtu - 40 : 536);
    i->tcpi_rcv_space = s->recv_buffer;
    i->tcpi_total_retrans = s->retransmits;
}

int bsd_tcp_info(struct sock *s, void *value, socklen_t *len)
{
    struct tcp_info info = { .tcpi_state = state_of(s->phase == PHASE_LISTENING ? LISTEN : CLOSED) };
    struct tcp_status status;
    if (s->conn) {
        tcp_status(s->conn, &status);
        fill(&info, &status);
    }
    *len = *len < sizeof info ? *len : (socklen_t)sizeof info;
    memcpy(value, &info, *len);
    return 0;
}
