/* The threads that drive the shards of one host (stack/shard.h), one each: who gives
 * another something wakes it when it sleeps, and all can be told to end.  This and the
 * rings are all that they have in common. */
#pragma once
#include "os/wait.h"
#include "stack/shard.h"

struct cores;

struct cores *cores_new(unsigned n);            /* NULL: no memory, or no descriptors */
void cores_free(struct cores *c);               /* after all have stood up; NULL is fine */

/* The calling thread, which runs `w`, drives shard `number`.  To be called after the
 * stack's own source was added (os/drive.h), so that what it gave is seen. */
bool cores_sit(struct cores *c, unsigned number, struct stack *st, struct wait *w);
void cores_stand(struct cores *c, unsigned number);
/* Ends wait_run of every other core as a signal does. */
void cores_end(struct cores *c, unsigned but);
