/* Initial sequence numbers: ISN = M + F(localip, localport, remoteip, remoteport,
 * secretkey), RFC 9293 §3.4.1 and RFC 6528.  M moves every 4 microseconds [MUST-8];
 * F is a keyed hash [SHLD-1] that nobody outside can compute [MUST-9]. */
#include "tcp/conn.h"

/* Its halves are for different uses: what one tells says nothing of the other. */
uint64_t tcp_flow_bits(const struct tcp *t, const struct flow *f)
{
    const uint64_t words[5] = { f->local.q[0], f->local.q[1], f->remote.q[0], f->remote.q[1], (uint64_t)f->local_port << 16 | f->remote_port };
    return siphash(&t->isn_key, words, sizeof words);
}

seq_t tcp_isn(const struct tcp *t, uint64_t flow_bits, int64_t now_ns)
{
    if (t->cfg.isn_fixed)
        return seq(t->cfg.isn);
    return seq((uint32_t)flow_bits + (uint32_t)(now_ns / (4 * NS_PER_US)));
}

/* The time stamp clock starts elsewhere for each pair of ends, but does not go back
 * between connections of the same pair (RFC 7323 §5.4, RFC 6191). */
uint32_t tcp_ts_offset(uint64_t flow_bits) { return (uint32_t)(flow_bits >> 32); } /* [RFC7323-5.4b] */
