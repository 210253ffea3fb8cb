/* A text file that lines are added to and that outlives a crash: a line is on the disk before journal_append says so,
 * and the whole is only ever replaced by another whole (written beside, synced, renamed).  One process has it at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct journal;
enum { JOURNAL_ERROR = 200 };

/* *text is what it holds, "" when it did not exist, to be freed.  NULL: `error` holds one line. */
struct journal *journal_open(const char *path, char **text, char error[JOURNAL_ERROR]);
void journal_close(struct journal *j);                  /* NULL is fine; the file stays */
/* False: it could not be written whole, and holds what it held before. */
bool journal_append(struct journal *j, const char *line);
bool journal_replace(struct journal *j, const char *text, size_t len);
/* Lines were added that are more than what it was replaced by: time to do that again. */
bool journal_is_long(const struct journal *j);
