/* Addresses of both families in one type, from the first line.
 *
 * struct addr is 16 bytes in network order.  An IPv4 address is held in its
 * IPv4-mapped form ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), so one comparison, one
 * hash and one table serve both.  All-zero (::) means "none given"; the IPv4
 * wildcard 0.0.0.0 is ::ffff:0.0.0.0. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct addr { union { uint8_t b[16]; uint32_t w[4]; uint64_t q[2]; }; };
struct mac  { uint8_t b[6]; };
struct endpoint { struct addr addr; uint16_t port; };
struct prefix   { struct addr addr; uint8_t len; };   /* len counts the family's own bits: 0..32 or 0..128 */

enum { ADDR_TEXT = 48, ENDPOINT_TEXT = 56, MAC_TEXT = 18 };

#define ADDR_NONE     ((struct addr){ .q = { 0, 0 } })
#define MAC_BROADCAST ((struct mac){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } })

/* The second half of a mapped address, whose last four bytes are `w` in memory: made and compared whole, as what is
 * written in pieces and read at once costs a dozen cycles. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline uint64_t addr4_half(uint32_t w)    { return (uint64_t)w << 32 | 0xffff0000u; }
static inline bool addr4_is_half(uint64_t half)  { return (uint32_t)half == 0xffff0000u; }
#else
static inline uint64_t addr4_half(uint32_t w)    { return UINT64_C(0x0000ffff) << 32 | w; }
static inline bool addr4_is_half(uint64_t half)  { return half >> 32 == 0x0000ffff; }
#endif
static inline struct addr addr4_bytes(const uint8_t four[4])
{
    uint32_t w;
    memcpy(&w, four, sizeof w);
    return (struct addr){ .q = { 0, addr4_half(w) } };
}
static inline struct addr addr4(uint32_t host_order)
{
    return addr4_bytes((const uint8_t[4]){ (uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16), (uint8_t)(host_order >> 8), (uint8_t)host_order });
}
static inline struct addr addr6_bytes(const uint8_t sixteen[16])
{
    struct addr a;
    memcpy(a.b, sixteen, 16);
    return a;
}
static inline bool addr_eq(struct addr a, struct addr b)  { return a.q[0] == b.q[0] && a.q[1] == b.q[1]; }
static inline bool addr_is_none(struct addr a)            { return (a.q[0] | a.q[1]) == 0; }
static inline bool addr_is4(struct addr a)                { return a.q[0] == 0 && addr4_is_half(a.q[1]); }
/* The 32 bits of an IPv4 address, host order. */
static inline uint32_t addr_v4(struct addr a)
{
    return (uint32_t)a.b[12] << 24 | (uint32_t)a.b[13] << 16 | (uint32_t)a.b[14] << 8 | a.b[15];
}
/* 0.0.0.0, :: */
static inline bool addr_is_any(struct addr a)       { return addr_is_none(a) || (addr_is4(a) && addr_v4(a) == 0); }
static inline bool addr_is_broadcast(struct addr a) { return addr_is4(a) && addr_v4(a) == 0xffffffffu; }
static inline bool addr_is_multicast(struct addr a)
{
    return addr_is4(a) ? a.b[12] >> 4 == 0xe : a.b[0] == 0xff;
}
bool addr_is_loopback(struct addr a);                   /* 127.0.0.0/8, ::1 */
bool addr_is_link_local(struct addr a);                 /* 169.254.0.0/16, fe80::/10 */

static inline bool endpoint_eq(struct endpoint a, struct endpoint b) { return a.port == b.port && addr_eq(a.addr, b.addr); }

static inline bool mac_eq(struct mac a, struct mac b)      { return memcmp(a.b, b.b, 6) == 0; }
static inline bool mac_is_group(struct mac a)              { return a.b[0] & 1; }        /* broadcast included */

/* The address with all host bits zero. */
struct addr prefix_network(struct prefix p);
/* All host bits one; for IPv4 the directed broadcast address. */
struct addr prefix_last(struct prefix p);
bool prefix_has(struct prefix p, struct addr a);        /* false across families */

/* Text in, false when it is not exactly one address: no spaces, no trailing
 * bytes, IPv4 in four decimal parts without leading zeros, IPv6 by RFC 4291 §2.2. */
bool addr_parse(const char *text, struct addr *out);
bool prefix_parse(const char *text, struct prefix *out);     /* A/LEN; the host bits are kept */
bool endpoint_parse(const char *text, struct endpoint *out); /* A:PORT, [A6]:PORT */
bool mac_parse(const char *text, struct mac *out);           /* six pairs, ':' between */

/* Text out into the caller's buffer, which is returned; IPv6 by RFC 5952. */
const char *addr_text(struct addr a, char out[ADDR_TEXT]);
const char *endpoint_text(struct endpoint e, char out[ENDPOINT_TEXT]);
const char *mac_text(struct mac m, char out[MAC_TEXT]);
