#include "base/addr_select.h"

/* RFC 6724 §2.1: the default policy table. */
struct policy { uint8_t bytes[16]; uint8_t len, precedence, label; };
static const struct policy policies[] = {
    { { [15] = 1 },                     128, 50,  0 },
    { { [10] = 0xff, 0xff },             96, 35,  4 },
    { { 0x20, 0x01 },                    32,  5,  5 },
    { { 0x20, 0x02 },                    16, 30,  2 },
    { { 0x3f, 0xfe },                    16,  1, 12 },
    { { 0xfe, 0xc0 },                    10,  1, 11 },
    { { 0xfc },                           7,  3, 13 },
    { { 0 },                             96,  1,  3 },
    { { 0 },                              0, 40,  1 },
};

/* How many bits the two have in common, from the front. */
static unsigned common_bits(const uint8_t *a, const uint8_t *b)
{
    unsigned bits = 0;
    while (bits < 128 && a[bits / 8] == b[bits / 8])
        bits += 8;
    for (; bits < 128 && ((a[bits / 8] ^ b[bits / 8]) & 0x80 >> bits % 8) == 0; bits++)
        continue;
    return bits;
}

/* The longest that matches. */
static const struct policy *policy_of(struct addr a)
{
    const struct policy *best = &policies[sizeof policies / sizeof policies[0] - 1];
    for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++)
        if (policies[i].len > best->len && common_bits(policies[i].bytes, a.b) >= policies[i].len)
            best = &policies[i];
    return best;
}

/* §3.2: IPv4's link-local and loopback addresses are of the link, all others global. */
uint8_t addr_scope(struct addr a)
{
    if (addr_is_link_local(a) || addr_is_loopback(a))
        return SCOPE_LINK;
    if (addr_is4(a))
        return SCOPE_GLOBAL;
    if (addr_is_multicast(a))
        return a.b[1] & 15;
    return a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

/* §2.2: no further than the source's own prefix. */
static unsigned common_prefix(const struct addr_source *s, struct addr dst)
{
    const unsigned own = addr_is4(s->addr) ? 96u + s->prefix_len : s->prefix_len, bits = common_bits(s->addr.b, dst.b);
    return bits < own ? bits : own;
}

bool addr_source_better(const struct addr_source *a, const struct addr_source *b, struct addr dst)
{
    const bool a_same = addr_eq(a->addr, dst), b_same = addr_eq(b->addr, dst);
    if (a_same != b_same)                                       /* rule 1: the same address */
        return a_same;
    const uint8_t scope = addr_scope(dst), of_a = addr_scope(a->addr), of_b = addr_scope(b->addr);
    if (of_a != of_b)                                           /* rule 2: appropriate scope */
        return of_a < of_b ? of_a >= scope : of_b < scope;
    if (a->deprecated != b->deprecated)                         /* rule 3 */
        return b->deprecated;
    if (a->outgoing != b->outgoing)                             /* rule 5; nobody here has a home address for rule 4 */
        return a->outgoing;
    const uint8_t label = policy_of(dst)->label;
    const bool a_label = policy_of(a->addr)->label == label, b_label = policy_of(b->addr)->label == label;
    if (a_label != b_label)                                     /* rule 6: matching label */
        return a_label;
    if (a->temporary != b->temporary)                           /* rule 7 */
        return a->temporary;
    return common_prefix(a, dst) > common_prefix(b, dst);       /* rule 8 */
}

/* ----------------------------------------------------------- destinations */

struct choice { struct addr dst; struct addr_source source; bool usable; };

/* Rule 10 is the caller's: equal ones keep their order. */
static bool better(const struct choice *a, const struct choice *b)
{
    if (a->usable != b->usable)                                 /* rule 1: avoid the unusable */
        return a->usable;
    if (!a->usable)
        return false;
    const uint8_t scope_a = addr_scope(a->dst), scope_b = addr_scope(b->dst);
    const bool same_a = scope_a == addr_scope(a->source.addr), same_b = scope_b == addr_scope(b->source.addr);
    if (same_a != same_b)                                       /* rule 2: matching scope */
        return same_a;
    if (a->source.deprecated != b->source.deprecated)           /* rule 3 */
        return b->source.deprecated;
    const struct policy *of_a = policy_of(a->dst), *of_b = policy_of(b->dst);
    const bool label_a = of_a->label == policy_of(a->source.addr)->label, label_b = of_b->label == policy_of(b->source.addr)->label;
    if (label_a != label_b)                                     /* rule 5: matching label */
        return label_a;
    if (of_a->precedence != of_b->precedence)                   /* rule 6 */
        return of_a->precedence > of_b->precedence;
    if (scope_a != scope_b)                                     /* rule 8: the smaller scope; nothing here is encapsulated for rule 7 */
        return scope_a < scope_b;
    if (addr_is4(a->dst) != addr_is4(b->dst))
        return false;
    return common_prefix(&a->source, a->dst) > common_prefix(&b->source, b->dst);      /* rule 9 */
}

void addr_sort(struct addr *dst, unsigned n, addr_source_fn *source, void *arg)
{
    struct choice all[ADDR_SORT_MAX];
    const unsigned count = n < ADDR_SORT_MAX ? n : ADDR_SORT_MAX;
    for (unsigned i = 0; i < count; i++) {
        struct choice c = { .dst = dst[i] };
        c.usable = source(arg, dst[i], &c.source);
        unsigned at = i;
        for (; at > 0 && better(&c, &all[at - 1]); at--)
            all[at] = all[at - 1];
        all[at] = c;
    }
    for (unsigned i = 0; i < count; i++)
        dst[i] = all[i].dst;
}
