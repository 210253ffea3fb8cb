/* Ports of TCP by number and by name, and lists of them as people write them: 22,80,1000-2000,http,ssh-smtp,-100,60000-. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PORTS_ERROR = 160 };

/* A set; bit n of word n / 64. */
struct port_set { uint64_t word[1024]; };
static inline bool port_set_has(const struct port_set *s, unsigned port) { return s->word[port / 64] >> port % 64 & 1; }

/* Port 0 is no port.  False: `error` holds one line. */
bool ports_parse(const char *text, struct port_set *out, char error[PORTS_ERROR]);
/* Those that have a name here. */
void ports_named(struct port_set *out);
unsigned ports_count(const struct port_set *s);
const char *port_name(uint16_t port);           /* NULL: it has none here */
uint16_t port_of_name(const char *name, size_t len);    /* 0: unknown */
