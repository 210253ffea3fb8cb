/* An abstract tree of files, read only: the host's directory (os/files) or one in memory
 * (service/memtree).  Paths are relative, segments with '/' between, "" is the root; whoever
 * calls has made sure that no segment is empty, "." or "..". */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tree_kind { TREE_FILE, TREE_DIR, TREE_OTHER };
struct tree_info { enum tree_kind kind; uint64_t size, version; int64_t modified_ns; };    /* version changes with the content */

enum { TREE_NAME = 256 };
struct tree_ops {
    /* *file is set for a TREE_FILE only.  NOT_FOUND, ACCESS, NO_MEMORY. */
    enum plumb_err (*open)(void *tree, const char *path, void **file, struct tree_info *info);
    /* Fewer than `max` only at the end or on failure. */
    size_t (*read)(void *file, uint64_t offset, uint8_t *to, size_t max);
    void   (*close)(void *file);
    /* The entries of a directory in any order; NULL: cannot be had. */
    void  *(*list)(void *tree, const char *path);
    bool   (*next)(void *list, char name[TREE_NAME], struct tree_info *info);
    void   (*end)(void *list);
};
struct tree { const struct tree_ops *ops; void *arg; };
