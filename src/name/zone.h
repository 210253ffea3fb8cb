/* A zone: its records, read from the text of a master file (RFC 1035 §5.1), and what it
 * says about a name (RFC 1034 §4.3.2, RFC 4592 for wildcards).
 *
 * The subset: $ORIGIN, $TTL, comments, parentheses, @, names relative to the origin,
 * A AAAA NS CNAME SOA MX TXT PTR. */
#pragma once
#include "wire/dns.h"

struct zone_record { struct dns_name owner; uint16_t type, rdata_len; uint32_t ttl; uint8_t *rdata; };
struct zone {
    struct dns_name origin;
    struct zone_record *at;
    uint32_t count, room, soa;          /* soa: its index */
};

enum { ZONE_ERROR = 200 };
/* `origin` names the zone and the first $ORIGIN; NULL: the text gives $ORIGIN, and the first record, the SOA, names the zone.
 * NULL: `error` holds one line with the line's number. */
struct zone *zone_parse(const char *text, const char *origin, char error[ZONE_ERROR]);
void zone_free(struct zone *z);         /* NULL is fine */

enum zone_fate {
    ZONE_FOUND,             /* records of `type` stand at `owner` */
    ZONE_ALIAS,             /* a CNAME stands there */
    ZONE_REFERRAL,          /* delegated: NS records stand at `owner` */
    ZONE_NO_DATA,
    ZONE_NO_NAME
};
/* What the zone says about a name under its origin.  `owner` is where the records stand in
 * the zone: the name itself, a wildcard, or the delegation. */
enum zone_fate zone_find(const struct zone *z, const struct dns_name *name, uint16_t type, struct dns_name *owner);
