/* Packet scripts (.pkt): packetdrill's dialect, run in-process against one stack
 * on a virtual clock.  What is spoken, and what is added to it, stands in
 * docs/scripts.md. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_ERROR = 600 };

/* Runs one script over IPv4 and over IPv6, unless it says what only one of them has.  False: `error` holds "NAME:LINE: what was wrong". */
bool script_run(const char *name, const char *text, char error[SCRIPT_ERROR]);
