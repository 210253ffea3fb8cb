/* What an address is: its entry in IANA's special-purpose registries (RFC 6890, RFC 8190), its class, scope and type,
 * and the other addresses that are written in it. */
#pragma once
#include "base/addr.h"

/* "n/a" in the registry is ADDR_FACT_NA. */
enum addr_fact { ADDR_NO, ADDR_YES, ADDR_FACT_NA };

struct addr_special {
    const char *block;                  /* "10.0.0.0/8" */
    const char *name, *rfc;
    enum addr_fact source, destination, forwardable, global, reserved;
};
/* The narrowest entry that holds the address; NULL: an ordinary address.  Multicast, which has registries of its own, is an entry too. */
const struct addr_special *addr_special(struct addr a);
/* The i-th entry of the table, for who walks it; NULL: no more. */
const struct addr_special *addr_special_nth(size_t i);

/* RFC 791 §3.2: 'A' to 'E'. */
char addr_class(struct addr a);
/* The class's own prefix length; 0: D and E have none. */
uint8_t addr_class_len(struct addr a);

enum addr6_type { ADDR6_UNSPECIFIED, ADDR6_LOOPBACK, ADDR6_LINK_LOCAL, ADDR6_SITE_LOCAL, ADDR6_UNIQUE_LOCAL, ADDR6_GLOBAL, ADDR6_MULTICAST, ADDR6_UNASSIGNED };
enum addr6_type addr6_type(struct addr a);
const char *addr6_type_text(enum addr6_type t);
/* Of a unicast address or a group: "interface-local", "link-local", "site-local", "global"...; "reserved" for a value without a name. */
const char *addr_scope_text(struct addr a);
/* "all nodes", "all DHCP relay agents and servers", "solicited-node"...; NULL: no well-known group. */
const char *addr_group_text(struct addr group);

/* RFC 4291 §2.5.1 and appendix A: an interface identifier made of a MAC address. */
struct addr addr6_of_mac(struct addr prefix, struct mac m);
bool addr6_mac(struct addr a, struct mac *out);         /* false: the identifier is not made so */
/* An IPv4 address written into an IPv6 one, and how: "6to4", "NAT64", "ISATAP", "Teredo server", "IPv4-compatible"; false: none. */
bool addr6_embedded(struct addr a, struct addr *out, const char **how);
bool addr6_teredo_client(struct addr a, struct addr *out, uint16_t *port);  /* RFC 4380 §4 */
/* 33:33 and the last four bytes (RFC 2464 §7), 01:00:5e and the last 23 bits (RFC 1112 §6.4). */
struct mac addr_group_mac(struct addr group);

/* The name whose PTR record tells the host: of in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
enum { ADDR_REVERSE_TEXT = 80, ADDR_FULL_TEXT = 40 };
const char *addr_reverse_text(struct addr a, char out[ADDR_REVERSE_TEXT]);
/* Of a network: the zone that is delegated for it, up to the last whole label. */
const char *prefix_reverse_text(struct prefix p, char out[ADDR_REVERSE_TEXT]);
/* IPv6 with all its digits. */
const char *addr_full_text(struct addr a, char out[ADDR_FULL_TEXT]);
