/* Membership of multicast groups, as sockets wish it (RFC 9776 §3, RFC 9777 §4.2). */
#pragma once
#include "base/addr.h"
#include "base/list.h"

enum { GROUP_SOURCES = 16 };

/* Which sources of a group are wanted: all but those listed, or those alone.  All-zero: none. */
struct source_filter { bool exclude; uint8_t n; struct addr source[GROUP_SOURCES]; };

/* One socket's wish about one group on one interface. */
struct group_member {
    struct group_member *next;          /* of the same socket */
    struct list         node;           /* of the same group */
    struct addr         group;
    uint8_t             iface;
    struct source_filter filter;
};

static inline bool source_filter_names(const struct source_filter *f, struct addr source)
{
    for (unsigned i = 0; i < f->n; i++)
        if (addr_eq(f->source[i], source))
            return true;
    return false;
}
static inline bool source_filter_passes(const struct source_filter *f, struct addr source) { return source_filter_names(f, source) != f->exclude; }
static inline bool source_filter_wants_none(const struct source_filter *f)                 { return !f->exclude && f->n == 0; }
