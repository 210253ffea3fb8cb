#include "name/zone.h"
#include "name/zone_int.h"
#include <stdlib.h>
#include <string.h>

void zone_free(struct zone *z)
{
    if (!z)
        return;
    for (uint32_t i = 0; i < z->count; i++)
        free(z->at[i].rdata);
    free(z->at);
    free(z);
}

bool zone_add(struct zone *z, const struct dns_name *owner, uint16_t type, uint32_t ttl, const void *rdata, size_t len)
{
    if (z->count == z->room) {
        const uint32_t room = z->room ? z->room * 2 : 32;
        struct zone_record *p = realloc(z->at, room * sizeof *p);
        if (!p)
            return false;
        z->at = p;
        z->room = room;
    }
    uint8_t *own = malloc(len ? len : 1);
    if (!own)
        return false;
    memcpy(own, rdata, len);
    z->at[z->count++] = (struct zone_record){ .owner = *owner, .type = type, .rdata_len = (uint16_t)len, .ttl = ttl, .rdata = own };
    return true;
}

/* The parent: without its first label; false at the root. */
static bool parent_of(const struct dns_name *n, struct dns_name *out)
{
    struct reader r = reader_of(n->b, n->len);
    const uint8_t len = rd_u8(&r);
    rd_skip(&r, len);
    if (r.bad || len == 0)
        return false;
    struct dns_name up = { .len = (uint8_t)rd_left(&r) };
    rd_copy(&r, up.b, up.len);
    *out = up;
    return true;
}

static bool has(const struct zone *z, const struct dns_name *owner, uint16_t type)
{
    for (uint32_t i = 0; i < z->count; i++)
        if ((z->at[i].type == type || type == DNS_ANY) && dns_name_eq(&z->at[i].owner, owner))
            return true;
    return false;
}

/* The name or something below it owns records (RFC 4592 §2.2.2: empty non-terminals exist). */
static bool exists(const struct zone *z, const struct dns_name *name)
{
    for (uint32_t i = 0; i < z->count; i++)
        if (dns_name_under(&z->at[i].owner, name))
            return true;
    return false;
}

/* The topmost delegation at or above the name, below the origin. */
static bool find_cut(const struct zone *z, const struct dns_name *name, struct dns_name *cut)
{
    bool found = false;
    struct dns_name n = *name;
    while (!dns_name_eq(&n, &z->origin)) {
        if (has(z, &n, DNS_NS)) {
            *cut = n;
            found = true;
        }
        if (!parent_of(&n, &n))
            break;
    }
    return found;
}

static bool wildcard_of(const struct dns_name *closest, struct dns_name *out)
{
    struct writer w = writer_of(out->b, sizeof out->b);
    wr_u8(&w, 1);
    wr_u8(&w, '*');
    wr_bytes(&w, closest->b, closest->len);
    out->len = (uint8_t)wr_len(&w);
    return !w.bad;
}

enum zone_fate zone_find(const struct zone *z, const struct dns_name *name, uint16_t type, struct dns_name *owner)
{
    if (find_cut(z, name, owner))
        return ZONE_REFERRAL;
    *owner = *name;
    if (!exists(z, name)) {
        struct dns_name closest = *name;
        while (parent_of(&closest, &closest) && !exists(z, &closest))
            ;
        if (!wildcard_of(&closest, owner) || !exists(z, owner))
            return ZONE_NO_NAME;
    }
    if (has(z, owner, type))
        return ZONE_FOUND;
    return type != DNS_CNAME && has(z, owner, DNS_CNAME) ? ZONE_ALIAS : ZONE_NO_DATA;
}
