/* Listening to an interface of the host without being a host on it: what passes there both ways, with the kernel's time stamps. */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { SNIFF_ERROR = 200, SNIFF_FRAME = 65536 + 128 };

struct sniff { int fd; uint32_t link; bool loopback; };         /* link: LINKTYPE_ of pcap files */
struct sniffed { const uint8_t *bytes; uint32_t len; int64_t time_ns; bool outgoing; };    /* time since 1970 */

enum plumb_err sniff_open(struct sniff *s, const char *iface, bool promiscuous, char error[SNIFF_ERROR]);
void sniff_close(struct sniff *s);
/* The next frame, into `room` (SNIFF_FRAME bytes).  0: none waits; -1: the interface is gone. */
int sniff_next(struct sniff *s, uint8_t *room, struct sniffed *out);
/* Until a frame waits (true) or SIGINT or SIGTERM came (false), which end only this from the first call on. */
bool sniff_wait(struct sniff *s);
/* Frames the kernel had no room for. */
unsigned sniff_missed(struct sniff *s);
