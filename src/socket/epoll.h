/* An interest list as of epoll(7): level- and edge-triggered, one-shot, exclusive.
 * Only entries about which something was said stand in the ready list, so that what a
 * wait costs does not grow with those that are idle. */
#pragma once
#include "socket/ready.h"

enum { EPOLL_NESTED_MAX = 5 };

struct epoll {
    struct waitable self;               /* readable while its ready list is not empty */
    struct list items, ready;           /* all; those to be looked at */
};

struct epoll_item {
    struct wait wait;                   /* first */
    struct list all, ready;
    struct epoll *of;
    struct epoll_event event;           /* as the caller gave it */
};

void epoll_init(struct epoll *e, struct ready_counts *counts);
/* Its entry for `on`; NULL: none. */
struct epoll_item *epoll_find(const struct epoll *e, const struct waitable *on);
/* Any entry for `on`, of whichever epoll; NULL: none is left. */
struct epoll_item *epoll_any(const struct waitable *on);
/* The entry's memory is the caller's until epoll_remove. */
void epoll_add(struct epoll *e, struct waitable *on, struct epoll_item *item, const struct epoll_event *event);
void epoll_change(struct epoll_item *item, const struct epoll_event *event);
void epoll_remove(struct epoll_item *item);
/* Up to `max` events that hold now; what is level-triggered stays for the next time, behind the others. */
int epoll_collect(struct epoll *e, struct epoll_event *out, int max);
/* The epoll that stands behind a waitable; NULL: something else does. */
struct epoll *epoll_of(struct waitable *w);
/* Whether `e` may watch `on`: not itself, not through others, nor more than EPOLL_NESTED_MAX deep. */
bool epoll_may_nest(struct epoll *e, struct waitable *on);
