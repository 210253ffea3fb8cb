/* Arithmetic on addresses and prefixes of both families: ranges, splitting, joining.
 *
 * IPv4 counts in its mapped form (base/addr.h), so the same 128-bit numbers serve both; what would lead from one
 * family into the other (::/0 holds ::ffff:0.0.0.0/96) is refused. */
#pragma once
#include "base/addr.h"

__extension__ typedef unsigned __int128 addr_number;

addr_number number_of_addr(struct addr a);
struct addr addr_of_number(addr_number n);

/* Both ends are in it; of one family, first <= last. */
struct addr_range { struct addr first, last; };

struct addr_range prefix_range(struct prefix p);
/* How many bits are the host's: the prefix has 2^that addresses. */
static inline unsigned prefix_host_bits(struct prefix p) { return (addr_is4(p.addr) ? 32u : 128u) - p.len; }
static inline bool prefix_same_family(struct prefix a, struct prefix b) { return addr_is4(a.addr) == addr_is4(b.addr); }
bool prefix_holds(struct prefix outer, struct prefix inner);
/* Of the 2^(len - p.len) prefixes of length `len` in p the i-th, from 0; false: there is none. */
bool prefix_nth(struct prefix p, uint8_t len, addr_number i, struct prefix *out);

/* Takes the largest prefix off the range's front, *r being what is left; false: nothing was. `left` is true at first. */
bool range_take_prefix(struct addr_range *r, bool *left, struct prefix *out);
/* Sorts (IPv4 first) and joins what overlaps or touches; how many are left. */
size_t ranges_join(struct addr_range *r, size_t n);

struct addr prefix_mask(struct prefix p);
/* 255.255.255.0, or 0.0.0.255 as access lists have it; false: neither. */
bool mask_parse(const char *text, uint8_t *len);
/* ADDR, ADDR/LEN, ADDR/MASK, "ADDR MASK" or FIRST-LAST.  As a prefix or a range is told by `is_range`; an address alone
 * is a prefix of its whole length. */
struct addr_spec { bool is_range, has_len; struct prefix prefix; struct addr_range range; };
bool addr_spec_parse(const char *text, struct addr_spec *out);

enum { COUNT_TEXT = 40 };
/* 2^bits, whole, in decimal digits; bits <= 128. */
const char *power_text(unsigned bits, char out[COUNT_TEXT]);
const char *number_text(addr_number n, char out[COUNT_TEXT]);
