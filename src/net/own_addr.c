#include "net/own_addr.h"

bool own_next(struct own_addr *x, struct own_action *out, int64_t now_ns)
{
    out->addr = x->addr;
    if (x->state == OWN_FREE)
        return false;
    if (x->valid_ns <= now_ns) {
        const bool was_there = x->is_there;
        *x = (struct own_addr){ 0 };
        out->kind = OWN_DEL;
        return was_there;
    }
    if (x->state == OWN_WANTED) {
        x->state = OWN_PROBING;
        x->is_there = true;
        out->kind = OWN_ADD;
        return true;
    }
    const bool deprecated = x->preferred_ns <= now_ns;
    if (x->state != OWN_READY || x->deprecated == deprecated)
        return false;
    out->kind = OWN_SET_DEPRECATED;
    out->deprecated = x->deprecated = deprecated;
    return true;
}

int64_t own_deadline(const struct own_addr *x)
{
    if (x->state == OWN_FREE)
        return DEADLINE_NEVER;
    return x->state == OWN_READY && !x->deprecated ? time_min(x->valid_ns, x->preferred_ns) : x->valid_ns;
}
