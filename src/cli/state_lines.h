/* What a stack knows, as JSON lines: what a running plumb answers, and what its commands print. */
#pragma once
#include "stack/stack.h"
#include <stdio.h>

/* `what` is addr, route, neigh or nat; false: nothing is called so. */
bool state_lines(const struct stack *st, const char *what, FILE *to);

/* A flat object of one line, as those are: the value of a key, a string's escapes undone, into `out` (cut to fit).
 * False: it is not there, null, or the line is no such object. */
bool line_value(const char *line, const char *key, char *out, size_t room);
