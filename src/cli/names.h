/* Names of addresses for people, looked up at most once each and waited for no longer than NAMES_PATIENCE_NS. */
#pragma once
#include "cli/network.h"

#define NAMES_PATIENCE_NS (3 * NS_PER_SEC)

struct names;
/* `task` is deferred when a name came, or will not.  NULL: no memory. */
struct names *names_new(struct network *n, struct loop_task *task);
void names_free(struct names *s);       /* NULL is fine */
/* True: *out is its name, NULL when it has none; false: it is still looked up, from now on. */
bool names_of(struct names *s, struct addr a, const char **out);
int64_t names_deadline(const struct names *s);
