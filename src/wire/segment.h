/* A large packet into wire-size packets (segmentation offload in software) and
 * back.  Both work on packets whose head is at the IP header and whose l4_off is set. */
#pragma once
#include "base/pkt.h"

/* Splits a packet with gso_size into wire-size packets, appended to `out`; takes
 * `k`.  Sequence numbers, IP ids, lengths and flags as RFC 9293 wants them: FIN
 * and PSH only on the last, CWR only on the first.  Checksums are complete
 * afterwards (CSUM_NONE).  A packet with gso_size 0 is passed on.  Returns false
 * when a buffer ran out: what fitted is in `out`. */
bool segment(struct pkt_pools *pools, struct pkt *k, struct pktq *out);

/* Joins runs of consecutive TCP packets of one flow in the batch into large ones:
 * never across a change of ECN, flags (PSH ends a run), options or a gap. */
void coalesce(struct pkt_pools *pools, struct batch *b);
