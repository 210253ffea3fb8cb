/* A capture file as a fold over the event stream: pcapng with the packets of one
 * node, each drop as a comment on its packet
 * (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3). */
#pragma once
#include "trace/trace.h"
#include <stdio.h>

struct pcapng;

/* Writes to `file`, which stays the caller's.  `epoch_ns` is the civil time at
 * event time 0.  NULL: no memory. */
struct pcapng *pcapng_new(FILE *file, uint16_t node, int64_t epoch_ns);
/* An interface must be named before its packets come; ether false: packets begin with IP. */
void pcapng_iface(struct pcapng *p, unsigned iface, const char *name, bool ether);
/* A trace_sink for TRACE_WIRE | TRACE_DROP. */
void pcapng_event(void *p, const struct event *e, const void *bytes, uint32_t n_bytes);
/* Writes what is held back; false: the file could not be written whole, or memory was short for a packet.  NULL is fine. */
bool pcapng_free(struct pcapng *p);
