/* What window-based algorithms share: rounds, how much of the window was used
 * (RFC 7661), slow start and its exit by delay, HyStart++ (RFC 9406). */
#pragma once
#include "tcp/cc.h"

struct slow_start {                     /* all-zero: no round has begun */
    seq_t    round_end;                 /* windowEnd: a round is over when it is acknowledged */
    uint32_t used, used_before;         /* the most in flight in this round and in the one before */
    uint32_t last_min_us, current_min_us, baseline_us;  /* lastRoundMinRTT, currentRoundMinRTT, cssBaselineMinRtt; 0: infinity */
    uint8_t  samples;                   /* rttSampleCount */
    uint8_t  css_rounds;                /* conservative slow start: the rounds in it, this one too; 0: not in it */
    bool     begun;
};

/* Each ACK that advances, before anything grows. */
void slow_start_round(struct slow_start *s, const struct cc_ack *a);
/* Was the window what held the sender back?  Else it stays as it is [RFC9438-5.8]. */
bool slow_start_validated(const struct slow_start *s, uint32_t cwnd);
/* cwnd is below ssthresh.  `hystart`: leave by delay, in the first slow start only. */
void slow_start_grow(struct tcp_cc *cc, struct slow_start *s, const struct cc_ack *a);
/* The window of which a loss was the answer: no more than was in use. */
uint32_t slow_start_window(const struct slow_start *s, uint32_t cwnd, uint32_t in_flight);
