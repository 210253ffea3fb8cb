/* Capture filters in tcpdump's language, by libpcap; a build without it knows none. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct filter;
enum { FILTER_ERROR = 300 };

/* For packets of a link type (LINKTYPE_ of pcap files).  NULL: `error` holds one line. */
struct filter *filter_new(const char *expression, uint32_t link, char error[FILTER_ERROR]);
void filter_free(struct filter *f);     /* NULL is fine */
/* len: bytes the packet had, of which n_bytes are there. */
bool filter_takes(const struct filter *f, const uint8_t *bytes, uint32_t n_bytes, uint32_t len);
/* The program, an instruction a line, as tcpdump -d prints it: on stdout. */
void filter_print(const struct filter *f);
