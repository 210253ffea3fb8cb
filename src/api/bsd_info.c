/* TCP_INFO: what tcp_status knows, in the form Linux gives it.  Its struct has grown over the
 * years, and callers pass the length of the one they know; what is not known here is 0. */
#include "api/bsd.h"

struct info_more {                      /* what follows glibc's struct tcp_info in linux/tcp.h */
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time;
    uint32_t accurate_ecn[8];
};
struct info { struct tcp_info i; struct info_more more; };

static uint8_t state_of(enum tcp_state s)
{
    static const uint8_t linux_state[TCP_STATES] = {
        [CLOSED] = 7, [LISTEN] = 10, [SYN_SENT] = 2, [SYN_RECEIVED] = 3, [ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5,
        [CLOSE_WAIT] = 8, [CLOSING] = 11, [LAST_ACK] = 9, [TIME_WAIT] = 6,
    };
    return linux_state[s];
}

static uint8_t options_of(const struct tcp_status *s)
{
    const bool ecn = s->ecn && strcmp(s->ecn, "off");
    return (uint8_t)((s->timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (s->sack ? TCPI_OPT_SACK : 0) | (s->wscale ? TCPI_OPT_WSCALE : 0) |
                     (ecn ? TCPI_OPT_ECN : 0));
}

static uint8_t ca_state_of(const struct tcp_status *s)
{
    if (s->recovery == STATUS_OPEN)
        return s->sacked ? TCP_CA_Disorder : TCP_CA_Open;
    return s->recovery == STATUS_LOSS ? TCP_CA_Loss : TCP_CA_Recovery;
}

static uint32_t us(int64_t ns) { return (uint32_t)(ns / NS_PER_US); }

static void fill(struct info *out, const struct tcp_status *s, const struct tcp_totals *y)
{
    const uint32_t mss = s->mss ? s->mss : 536, least = 1;
    const uint64_t forever = UINT64_MAX;
    struct tcp_info *i = &out->i;
    i->tcpi_state = state_of(s->state);
    i->tcpi_ca_state = ca_state_of(s);
    i->tcpi_sacked = s->sacked;
    i->tcpi_options = options_of(s);
    i->tcpi_snd_wscale = 0xfu & s->snd_scale;
    i->tcpi_rcv_wscale = 0xfu & s->rcv_scale;
    i->tcpi_rto = us(s->rto_ns);
    i->tcpi_ato = 40000;
    i->tcpi_snd_mss = mss;
    i->tcpi_rcv_mss = s->rcv_mss ? s->rcv_mss : 536;
    i->tcpi_unacked = (s->snd_unacked + mss - 1) / mss;
    i->tcpi_pmtu = s->path_mtu;
    i->tcpi_rtt = us(s->srtt_ns);
    i->tcpi_rttvar = us(s->rttvar_ns);
    i->tcpi_snd_cwnd = s->cwnd / mss ? s->cwnd / mss : least;
    i->tcpi_snd_ssthresh = s->ssthresh >= INT32_MAX / 2 ? INT32_MAX : s->ssthresh / mss;
    i->tcpi_advmss = (uint32_t)(s->path_mtu > 40 ? s->path_mtu - 40 : 536);
    i->tcpi_rcv_space = s->recv_buffer;
    i->tcpi_reordering = 3;
    i->tcpi_total_retrans = s->retransmits;
    out->more.pacing_rate = s->pacing ? s->pacing : forever;
    out->more.max_pacing_rate = forever;
    out->more.bytes_acked = y->bytes_acked;
    out->more.bytes_received = y->bytes_received;
    out->more.bytes_sent = y->bytes_sent;
    out->more.bytes_retrans = y->bytes_resent;
    out->more.segs_in = y->segs_in;
    out->more.segs_out = y->segs_out;
    out->more.data_segs_in = y->text_in;
    out->more.data_segs_out = y->text_out;
    out->more.delivered = (uint32_t)(y->delivered / mss);
    out->more.min_rtt = us(y->min_rtt_ns);
    out->more.busy_time = us(y->busy_ns);
    out->more.rwnd_limited = us(y->window_limited_ns);
    out->more.sndbuf_limited = us(y->buffer_limited_ns);
    out->more.notsent_bytes = s->snd_queued - s->snd_unacked;
    out->more.delivered_ce = s->ecn_marks;
    out->more.snd_wnd = s->snd_wnd;
    out->more.rcv_wnd = s->rcv_wnd;
}

int bsd_tcp_info(struct sock *s, void *value, socklen_t *len)
{
    struct info info = { .i.tcpi_state = state_of(s->phase == PHASE_LISTENING ? LISTEN : CLOSED) };
    struct tcp_status status;
    if (s->conn) {
        tcp_status(s->conn, &status);
        struct tcp_totals totals;
        tcp_info(s->conn, &totals, now_of(s));
        fill(&info, &status, &totals);
    }
    if (s->opt.tcp.mss_max && s->opt.tcp.mss_max < info.i.tcpi_advmss)
        info.i.tcpi_advmss = s->opt.tcp.mss_max;
    *len = *len < sizeof info ? *len : (socklen_t)sizeof info;
    memcpy(value, &info, *len);
    return 0;
}
