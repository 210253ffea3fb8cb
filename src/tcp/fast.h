/* Header prediction: the paths beside the usual one (fast_in.c, fast_out.c, fast.c), and what files that
 * own a part of the connection do for them. */
#pragma once
#include "base/checksum.h"
#include "tcp/conn.h"

/* fast_in.c: what is predicted, straight from the packet.  True: taken, and the packet with it; *r is a run that may go on. */
struct tcp_likeness { uint64_t addrs, ack_to_window, option; uint32_t ports, ecr; uint16_t version_tos; };
struct tcp_run {
    struct tcp_conn *c;                 /* NULL: none */
    uint32_t header_len;
    bool     more;                      /* packets follow in the batch */
    struct tcp_likeness like;
    struct tcp_seg s;
};
bool tcp_fast_in(struct tcp *t, struct tcp_run *r, struct pkt *k, int64_t now_ns);
/* True: it was the next of the run, and is taken.  Between its segments nothing else may happen to the connection. */
bool tcp_run_goes_on(struct tcp_run *r, struct pkt *k);
bool tcp_predicted(const struct tcp_conn *c, const struct tcp_seg *s);
/* fast.c: what is predicted but for its options.  True: taken. */
bool tcp_fast(struct tcp_conn *c, struct tcp_seg *s);

/* fast_out.c.  NOT: something is unusual; FULL: the batch is full and more is owed. */
enum fast_out { FAST_OUT_NOT, FAST_OUT_DONE, FAST_OUT_FULL };
enum fast_out tcp_fast_out(struct tcp_conn *c, struct batch *b, int64_t now_ns);

/* window.c: the next text, without a gap, copied behind RCV.NXT, and added to *sum at `offset` unless it is NULL.
 * False: no room.  Then it is taken, or its room is given back. */
bool tcp_rcv_place(struct tcp_conn *c, const uint8_t *text, uint32_t len, csum_t *sum, size_t offset);
void tcp_rcv_take(struct tcp_conn *c, uint32_t len);
void tcp_rcv_unplace(struct tcp_conn *c, uint32_t len);

/* sent.c: text behind SND.NXT leaves; there is a flight. */
void tcp_sent_new(struct tcp_conn *c, uint32_t len, int64_t now_ns);
/* pacer.c: `rate` is tcp_pacing_rate. */
void tcp_pace_sent_at(struct tcp_conn *c, uint64_t rate, uint32_t len, bool from_rest, int64_t now_ns);
/* info.c: the next text has arrived in one segment; new text leaves in `segs` segments. */
void tcp_tally_text_in(struct tcp_conn *c, uint32_t bytes);
void tcp_tally_text_out(struct tcp_conn *c, uint32_t segs, uint32_t bytes);
/* output.c: text in one packet; how much of `n` bytes, which one packet holds, fits the rules; `all`: no more is queued. */
uint32_t tcp_packet_max(const struct tcp_conn *c);
uint32_t tcp_worth_sending(const struct tcp_conn *c, seq_t next, uint32_t n, bool all);
