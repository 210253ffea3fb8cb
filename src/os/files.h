/* A directory of the host as a tree of files.  Paths never lead out of it: symbolic links
 * within it are followed, those that leave it are refused (openat2, RESOLVE_BENEATH; a
 * kernel without it follows none). */
#pragma once
#include "base/tree.h"

struct files;
/* NULL: *err says NOT_FOUND, ACCESS or NO_MEMORY. */
struct files *files_open(const char *dir, enum plumb_err *err);
void files_close(struct files *f);      /* after every file opened in it; NULL is fine */
struct tree files_tree(struct files *f);
