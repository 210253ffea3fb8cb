#include "base/cidr.h"
#include <stdlib.h>

enum { MAPPED_BITS = 96 };

static unsigned bits_of(struct prefix p) { return addr_is4(p.addr) ? MAPPED_BITS + (unsigned)p.len : p.len; }

addr_number number_of_addr(struct addr a)
{
    addr_number n = 0;
    for (int i = 0; i < 16; i++)
        n = n << 8 | a.b[i];
    return n;
}

struct addr addr_of_number(addr_number n)
{
    struct addr a;
    for (int i = 15; i >= 0; i--, n >>= 8)
        a.b[i] = (uint8_t)n;
    return a;
}

struct addr_range prefix_range(struct prefix p) { return (struct addr_range){ prefix_network(p), prefix_last(p) }; }

bool prefix_holds(struct prefix outer, struct prefix inner)
{
    return prefix_same_family(outer, inner) && outer.len <= inner.len && prefix_has(outer, inner.addr);
}

bool prefix_nth(struct prefix p, uint8_t len, addr_number i, struct prefix *out)
{
    if (len < p.len || len > p.len + prefix_host_bits(p))
        return false;
    const unsigned more = len - p.len, shift = prefix_host_bits(p) - more;
    if (more < 128 && i >> more)
        return false;
    const addr_number at = number_of_addr(prefix_network(p)) + (shift < 128 ? i << shift : 0);
    *out = (struct prefix){ addr_of_number(at), len };
    return prefix_same_family(p, *out);
}

/* ---------------------------------------------------------------- ranges */

/* The largest block that begins at `first` and does not go beyond `last`. */
static unsigned block_bits(addr_number first, addr_number last, unsigned most)
{
    unsigned bits = 0;
    while (bits < most) {
        const addr_number ones = ((addr_number)1 << bits << 1) - 1;     /* bits 127: all ones */
        if ((first & ones) != 0 || last - first < ones)
            break;
        bits++;
    }
    return bits;
}

bool range_take_prefix(struct addr_range *r, bool *left, struct prefix *out)
{
    const addr_number first = number_of_addr(r->first), last = number_of_addr(r->last);
    if (!*left || first > last)
        return false;
    const unsigned whole = addr_is4(r->first) ? 32 : 128, bits = block_bits(first, last, whole);
    *out = (struct prefix){ r->first, (uint8_t)(whole - bits) };
    const addr_number end = number_of_addr(prefix_last(*out));
    *left = end < last;
    r->first = addr_of_number(end + (*left ? 1 : 0));
    return true;
}

static int by_first(const void *a, const void *b)
{
    const struct addr_range *x = a, *y = b;
    const addr_number m = number_of_addr(x->first), n = number_of_addr(y->first);
    if (addr_is4(x->first) != addr_is4(y->first))
        return addr_is4(x->first) ? -1 : 1;
    return m < n ? -1 : m > n;
}

/* b begins in a, or where a ends. */
static bool touch(const struct addr_range *a, const struct addr_range *b)
{
    const addr_number end = number_of_addr(a->last), begin = number_of_addr(b->first);
    return addr_is4(a->first) == addr_is4(b->first) && (begin <= end || begin - end == 1);
}

size_t ranges_join(struct addr_range *r, size_t n)
{
    size_t kept = 0;
    if (n == 0)
        return 0;
    qsort(r, n, sizeof *r, by_first);
    for (size_t i = 1; i < n; i++) {
        if (!touch(&r[kept], &r[i]))
            r[++kept] = r[i];
        else if (number_of_addr(r[i].last) > number_of_addr(r[kept].last))
            r[kept].last = r[i].last;
    }
    return kept + 1;
}

/* ------------------------------------------------------------------ text */

struct addr prefix_mask(struct prefix p)
{
    const unsigned host = 128 - bits_of(p);
    const addr_number n = host == 128 ? 0 : ~(addr_number)0 << host;
    return addr_is4(p.addr) ? addr4((uint32_t)n) : addr_of_number(n);
}

bool mask_parse(const char *text, uint8_t *len)
{
    struct addr a;
    if (!addr_parse(text, &a) || !addr_is4(a))
        return false;
    const uint32_t mask = addr_v4(a), ones = mask >> 31 || mask == 0 ? mask : ~mask, host = ~ones;
    if (host & (host + 1))
        return false;                   /* holes */
    *len = (uint8_t)(ones ? 32 - (host ? 32 - __builtin_clz(host) : 0) : 0);
    return true;
}

static bool parse_range(const char *first, const char *last, struct addr_spec *out)
{
    out->is_range = true;
    return addr_parse(first, &out->range.first) && addr_parse(last, &out->range.last) &&
           addr_is4(out->range.first) == addr_is4(out->range.last) && number_of_addr(out->range.first) <= number_of_addr(out->range.last);
}

static bool parse_masked(const char *host, const char *mask, struct addr_spec *out)
{
    out->has_len = true;
    return addr_parse(host, &out->prefix.addr) && addr_is4(out->prefix.addr) && mask_parse(mask, &out->prefix.len);
}

static bool parse_spec(char *text, struct addr_spec *out)
{
    char *dash = strchr(text, '-'), *slash = strchr(text, '/'), *space = strchr(text, ' ');
    if (dash) {
        *dash = '\0';
        return parse_range(text, dash + 1, out);
    }
    out->has_len = slash;
    if (slash && prefix_parse(text, &out->prefix))
        return true;
    if (slash || space) {
        char *mask = slash ? slash : space;
        *mask = '\0';
        return parse_masked(text, mask + 1, out);
    }
    out->prefix.len = 128;
    if (!addr_parse(text, &out->prefix.addr))
        return false;
    if (addr_is4(out->prefix.addr))
        out->prefix.len = 32;
    return true;
}

bool addr_spec_parse(const char *text, struct addr_spec *out)
{
    char copy[2 * ADDR_TEXT];
    *out = (struct addr_spec){ 0 };
    if (strlen(text) >= sizeof copy)
        return false;
    memcpy(copy, text, strlen(text) + 1);
    if (!parse_spec(copy, out))
        return false;
    if (!out->is_range)
        out->range = prefix_range(out->prefix);
    return addr_is4(out->range.first) == addr_is4(out->range.last);
}

const char *number_text(addr_number n, char out[COUNT_TEXT])
{
    char digits[COUNT_TEXT];
    unsigned at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(n % 10));
    } while ((n /= 10) != 0);
    memcpy(out, digits + at, sizeof digits - at);
    return out;
}

const char *power_text(unsigned bits, char out[COUNT_TEXT])
{
    if (bits < 128)
        return number_text((addr_number)1 << bits, out);
    strcpy(out, "340282366920938463463374607431768211456");     /* 2^128 is one more than there is room for */
    return out;
}
