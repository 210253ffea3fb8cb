/* The flight recorder for people: the last events that say why something went
 * wrong, as sentences.  What goes well is not told. */
#pragma once
#include "trace/trace.h"
#include <stdio.h>

enum { FLIGHT_LINE = 240, FLIGHT_LINES_MAX = 32 };

/* One event as a sentence, in `out`; NULL: an event of no news. */
const char *flight_line(const struct event *e, char out[FLIGHT_LINE]);

/* The last `max` (at most FLIGHT_LINES_MAX) events of news, oldest first, each with its time since
 * zero_ns; what happened several times in a row stands once, with its last time.  `heading`
 * comes before them; nothing is printed when there is no news.  Returns the number of lines below the heading. */
unsigned flight_print(const struct trace *t, int64_t zero_ns, unsigned max, const char *heading, FILE *to);
