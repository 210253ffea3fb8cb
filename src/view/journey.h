/* The way from a typed URL to a page, in eight steps, as a fold over one node's
 * events: when each step began and ended, what it found, how many packets it took. */
#pragma once
#include "trace/trace.h"
#include <stdio.h>

enum journey_step { STEP_URL, STEP_ADDRESS, STEP_NAME, STEP_ROUTE, STEP_CONNECT, STEP_SECURE, STEP_REQUEST, STEP_PAGE, STEP_COUNT };
enum step_state { STEP_UNUSED, STEP_DONE, STEP_FAILED };

enum { STEP_DETAIL = 240 };

struct step {
    int64_t  start_ns, end_ns;
    uint32_t packets;                   /* on this node's interfaces, both ways */
    uint8_t  state;
    bool     begun, ended;
    char     detail[STEP_DETAIL];       /* UTF-8, one line */
};

struct journey {
    uint16_t    node;
    int         current;                /* -1: none has begun */
    uint32_t    drops, retransmits, in, out;
    struct step step[STEP_COUNT];
};

void journey_init(struct journey *j, uint16_t node);
/* A trace_sink for TRACE_STEP | TRACE_WIRE | TRACE_DROP | TRACE_LOSS. */
void journey_event(void *j, const struct event *e, const void *bytes, uint32_t n_bytes);

/* Makes all times count from the beginning of the first step. */
void journey_from_zero(struct journey *j);

const char *journey_step_name(enum journey_step s);     /* "url" ... "page" */
const char *journey_layer(enum journey_step s);
const char *journey_state(uint8_t state);               /* "done" "unused" "failed" */

/* For a terminal of 80 columns. */
void journey_print(const struct journey *j, FILE *to, bool color);
/* "steps":[...] without braces around it. */
void journey_json(const struct journey *j, FILE *to);
/* A JSON string with its quotes; what is not UTF-8 becomes U+FFFD (RFC 8259 §8.1). */
void json_string(FILE *to, const char *text);
