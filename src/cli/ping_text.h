/* What ping counts, and how it says it. */
#pragma once
#include "cli/json.h"

enum { PING_TIME = 24 };

struct ping_counts {
    long sent, received, duplicates, errors;
    long settled;                       /* requests that have an answer or an error */
    int64_t first_sent_ns, last_sent_ns;
    double sum_ms, sum2_ms, min_ms, max_ms;
};

void ping_count_rtt(struct ping_counts *c, int64_t rtt_ns);
/* "0.045", "1.23", "12.3", "123": milliseconds with three digits that count. */
const char *ping_time_text(int64_t rtt_ns, char out[PING_TIME]);
/* Bytes in hexadecimal; how many, 0: not 1 to `most`. */
unsigned ping_pattern(const char *text, uint8_t *out, unsigned most);
void ping_summary(const struct ping_counts *c, const char *host, int64_t took_ns, FILE *to);
void ping_summary_json(const struct ping_counts *c, int64_t took_ns, struct json *j);
