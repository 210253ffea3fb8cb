/* Multicast groups, between sockets and net/. */
#include "stack/inner.h"

int stack_group_iface(const struct stack *st, struct addr own, struct addr group)
{
    struct path p;
    if (!addr_is_any(own))
        return inet_iface_of(&st->inet, own);
    return inet_route(&st->inet, ADDR_NONE, group, &p) ? p.iface : -1;
}

struct addr stack_iface_addr(const struct stack *st, unsigned iface, bool v4)
{
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(st, &cursor, &a);)
        if (a.ready && a.iface == iface && addr_is4(a.addr.addr) == v4)
            return a.addr.addr;
    return ADDR_NONE;
}

enum plumb_err stack_group_set(struct stack *st, struct group_member **list, unsigned iface, struct addr group, const struct source_filter *f, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present)
        return PLUMB_NO_DEVICE;
    const enum plumb_err e = inet_group_set(&st->inet, list, iface, group, f, now_ns);
    stack_touch(st, now_ns);
    return e;
}

void stack_group_leave_all(struct stack *st, struct group_member **list, int64_t now_ns)
{
    inet_group_leave_all(&st->inet, list, now_ns);
    stack_touch(st, now_ns);
}
