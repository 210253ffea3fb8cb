/* The stub resolver: a host's name to its addresses.  Address literals and names under
 * .localhost need no server (RFC 6761 §6.3), the hosts file comes before them. */
#pragma once
#include "name/query.h"

enum { LOOKUP_ADDRS = 2 * ANSWER_ADDRS };
enum name_family { NAME_ANY, NAME_V4, NAME_V6 };

struct stub_config {
    const char *hosts;                  /* text of a hosts file; NULL: none */
    uint32_t n_servers;
    struct endpoint servers[QUERY_SERVERS];     /* port 0: 53 */
};

struct stub;
struct lookup;

struct stub *stub_new(struct net *n, const struct stub_config *cfg);    /* copies all; NULL: no memory */
void stub_free(struct stub *s);                                         /* after its lookups */
/* New servers, as DHCP brings them; lookups under way keep theirs. */
void stub_set_servers(struct stub *s, const struct endpoint *servers, uint32_t n_servers);

/* Never done before it returns: fn is deferred when it is.  NULL: no memory. */
struct lookup *stub_lookup(struct stub *s, const char *name, enum name_family family, loop_fn *fn, void *arg);
/* From now on fn is deferred also when one of the two families is answered. */
void lookup_tell_parts(struct lookup *l);
/* Whether the family's question is answered, or was never one. */
bool lookup_settled(const struct lookup *l, enum name_family family);
void lookup_free(struct lookup *l);     /* also while it is under way; NULL is fine */
bool lookup_done(const struct lookup *l);

/* PLUMB_OK; NOT_FOUND: no such name, or none with an address; TIMED_OUT, UNREACHABLE: no
 * server answered; PROTOCOL: servers answered that they cannot; INVALID: not a name. */
enum plumb_err lookup_error(const struct lookup *l);
const char *lookup_detail(const struct lookup *l);      /* a sentence without a full stop */
/* Those known so far; when it is done IPv6 before IPv4, each family in the server's order. */
const struct addr *lookup_addrs(const struct lookup *l, uint32_t *count);
/* Which server answered; port 0: none was asked. */
struct endpoint lookup_server(const struct lookup *l);

/* The addresses a hosts file gives the name: at most `max`; returns their number. */
uint32_t hosts_find(const char *text, const char *name, enum name_family family, struct addr *out, uint32_t max);
