/* The name of an address: its PTR record (RFC 1035 §3.5, RFC 3596 §2.5), aliases on the way followed (RFC 2317). */
#pragma once
#include "name/query.h"

struct reverse;
/* Never done before it returns: fn is deferred when it is.  NULL: no memory, or no server. */
struct reverse *reverse_lookup(struct net *n, const struct endpoint *servers, uint32_t n_servers, struct addr a, loop_fn *fn, void *arg);
void reverse_free(struct reverse *r);           /* also while it is under way; NULL is fine */
bool reverse_done(const struct reverse *r);
const char *reverse_name(const struct reverse *r);      /* NULL: not done, or it has none */
