#include "cli/scan_targets.h"
#include "base/cidr.h"
#include <stdio.h>

bool target_is_numeric(const char *text)
{
    struct addr_spec s;
    return addr_spec_parse(text, &s);
}

bool targets_add_addr(struct scan_targets *t, const char *typed, struct addr a, char error[TARGET_ERROR])
{
    for (uint32_t i = 0; i < t->n; i++)
        if (addr_eq(t->addr[i], a))
            return true;
    if (addr_is_any(a) || addr_is_multicast(a) || addr_is_broadcast(a)) {
        snprintf(error, TARGET_ERROR, "%.60s is the address of no single host", typed);
        return false;
    }
    if (t->n == SCAN_HOSTS_MAX) {
        snprintf(error, TARGET_ERROR, "no more than %d hosts at a time", SCAN_HOSTS_MAX);
        return false;
    }
    t->addr[t->n] = a;
    t->typed[t->n++] = typed;
    return true;
}

/* The network's own address and its broadcast are no hosts. */
static struct addr_range hosts_of(const struct addr_spec *s)
{
    struct addr_range r = s->range;
    if (s->is_range || !addr_is4(r.first) || s->prefix.len >= 31)
        return r;
    return (struct addr_range){ addr4(addr_v4(r.first) + 1), addr4(addr_v4(r.last) - 1) };
}

bool targets_add(struct scan_targets *t, const char *typed, char error[TARGET_ERROR])
{
    struct addr_spec s;
    if (!addr_spec_parse(typed, &s)) {
        snprintf(error, TARGET_ERROR, "\"%.60s\" is no address, prefix or range", typed);
        return false;
    }
    if (number_of_addr(s.range.last) - number_of_addr(s.range.first) >= SCAN_HOSTS_MAX) {
        snprintf(error, TARGET_ERROR, "%.60s is more than a /24 (IPv6: a /120): a scan asks hosts that are named, not whole networks", typed);
        return false;
    }
    const struct addr_range r = hosts_of(&s);
    const addr_number last = number_of_addr(r.last);
    for (addr_number n = number_of_addr(r.first); ; n++) {
        if (!targets_add_addr(t, typed, addr_of_number(n), error))
            return false;
        if (n == last)
            return true;
    }
}
