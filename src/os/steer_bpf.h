/* wire/steer.h for the kernel: a BPF program that returns the shard a packet belongs to,
 * so that a TAP or a group of packet sockets puts it into that shard's queue.  What has no
 * flow (ARP, ICMP, fragments) goes to shard 0. */
#pragma once
#include "wire/steer.h"

int steer_bpf_load(const struct steer *s);      /* its descriptor; -1: no rights, or the kernel has no such thing */
/* What the program says of an Ethernet frame; -1: it cannot be asked. */
int steer_bpf_ask(int fd, const uint8_t *frame, uint32_t len);
