/* An intrusive pairing heap of deadlines: earliest first, equal ones in the
 * order they were put in.  Allocates nothing. */
#pragma once
#include "base/time.h"
#include <stdbool.h>
#include <stddef.h>

struct heap_node { struct heap_node *child, *next, *prev; int64_t key; uint64_t order; bool in; };
struct heap      { struct heap_node *root; uint64_t order; };

void heap_put(struct heap *h, struct heap_node *n, int64_t key);    /* n must not be in */
void heap_remove(struct heap *h, struct heap_node *n);              /* harmless when not in */
static inline struct heap_node *heap_first(const struct heap *h) { return h->root; }
