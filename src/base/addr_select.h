/* Which of several addresses to send from, and which of several to send to (RFC 6724), of both families.  Pure: what a
 * host knows of its addresses and routes is given. */
#pragma once
#include "base/addr.h"

enum { ADDR_SORT_MAX = 64 };

enum addr_scope { SCOPE_INTERFACE = 1, SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };
uint8_t addr_scope(struct addr a);      /* §3.1; of a group what it says (RFC 4291 §2.7) */

/* An own address, as a candidate. */
struct addr_source {
    struct addr addr;
    uint8_t     prefix_len;
    bool        deprecated, temporary;
    bool        outgoing;               /* of the interface that leads to the destination */
};

/* §5: whether `a` is to be preferred to `b` as the source of what goes to `dst`; the same family all three. */
bool addr_source_better(const struct addr_source *a, const struct addr_source *b, struct addr dst);

/* What would be the source towards `dst`; false: there is no route or no address. */
typedef bool addr_source_fn(void *arg, struct addr dst, struct addr_source *out);
/* §6: the best destination first; what is equal stays in its order.  More than ADDR_SORT_MAX stay behind, as they are. */
void addr_sort(struct addr *dst, unsigned n, addr_source_fn *source, void *arg);
