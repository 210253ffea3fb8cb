/* A packet as a line of `plumb dump`, with what the options add. */
#pragma once
#include "cli/json.h"
#include "view/pcap_file.h"

enum dump_time { DUMP_CLOCK, DUMP_NO_TIME, DUMP_EPOCH, DUMP_SINCE_LAST, DUMP_DATE, DUMP_SINCE_FIRST };
struct dump_style { enum dump_time time; bool ether, verbose; unsigned hex; };      /* hex: 1 from IP on, 2 the link's header too; + 4: text beside */
struct dump_times { int64_t first_ns, last_ns; bool any; };

void dump_print(const struct dump_style *s, struct dump_times *t, const struct pcap_packet *k, FILE *to);
void dump_json(struct json *j, const struct pcap_packet *k);
