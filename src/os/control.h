/* A running plumb answers questions about itself: a unix socket of an abstract name, so that nothing is left behind however
 * it ends, which answers its own user and root alone.  A question is a line, the answer lines, then the end. */
#pragma once
#include "os/wait.h"
#include <stdio.h>

struct control;
enum { CONTROL_QUESTION = 64, CONTROL_ERROR = 200 };

/* Writes the answer; false: the question is not known. */
typedef bool control_answer(void *arg, const char *question, FILE *to);
/* On the loop that `w` drives.  NULL: it cannot be; nobody can ask then. */
struct control *control_new(struct wait *w, struct loop *l, control_answer *answer, void *arg);
void control_free(struct control *c);   /* NULL is fine */

/* Asks the process `pid`, in its network namespace too when that is permitted.  The whole answer, to be freed; NULL: `error` holds one line. */
char *control_ask(long pid, const char *question, char error[CONTROL_ERROR]);
