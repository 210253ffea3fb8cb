/* Timers for millions: a hierarchical wheel of six levels of 64 slots.  Arming
 * and cancelling cost the same however many there are.  Deadlines are exact; the
 * slots only sort them coarsely, and a slot is sorted when its turn comes. */
#pragma once
#include "base/list.h"
#include "base/time.h"

enum { WHEEL_LEVELS = 6, WHEEL_SLOTS = 64, WHEEL_SHIFT = 18 };     /* a slot of level 0 is 2^18 ns, 0.26 ms */

struct wheel_timer { struct list node; int64_t deadline_ns; uint8_t level, slot; };

struct wheel {
    uint64_t    tick;                               /* everything before it has been handed out */
    uint64_t    occupied[WHEEL_LEVELS];
    uint64_t    unsorted;                           /* slots of level 0 */
    bool        due_unsorted;
    uint32_t    count;
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list due;                                /* deadlines in ticks already passed */
};

void wheel_init(struct wheel *w, int64_t now_ns);
/* Arms, or re-arms; DEADLINE_NEVER cancels. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t deadline_ns);
void wheel_cancel(struct wheel *w, struct wheel_timer *t);
static inline bool wheel_armed(const struct wheel_timer *t) { return list_linked(&t->node); }
/* Never later than the earliest deadline; exact when that lies within 64 slots. */
int64_t wheel_deadline(struct wheel *w);
/* One timer with deadline <= now_ns, disarmed; NULL when there is none. */
struct wheel_timer *wheel_expire(struct wheel *w, int64_t now_ns);
