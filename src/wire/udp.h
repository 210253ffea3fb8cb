/* The UDP header (RFC 768). */
#pragma once
#include "base/bytes.h"

enum { UDP_HEADER = 8 };
struct udp_header { uint16_t src_port, dst_port, len, checksum; };      /* checksum in memory order; 0: none */
bool udp_read(struct reader *r, struct udp_header *out);                /* false: short, or len impossible */
void udp_write(struct writer *w, const struct udp_header *h);
