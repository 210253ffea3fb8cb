/* A tree of files in memory. */
#pragma once
#include "base/tree.h"

/* bytes NULL: `size` bytes of a pattern, memtree_pattern(offset). */
struct memfile { const char *path; const void *bytes; uint64_t size; };
struct memtree { const struct memfile *files; uint32_t count; int64_t modified_ns; };

/* The tree, the files and their bytes outlive it. */
struct tree memtree_tree(struct memtree *m);
/* A byte that no shift of the stream repeats soon. */
static inline uint8_t memtree_pattern(uint64_t offset) { return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16) * 3 + (offset >> 24)); }
