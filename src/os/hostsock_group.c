/* Multicast on the host's sockets. */
#include "os/hostsock_int.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

/* Each socket hears the groups it is in itself, whatever others of the host are in. */
void host_group_options(int fd, int family, const struct dgram_opts *o)
{
    enum { IPV6_MULTICAST_ALL_ = 29 };  /* newer than the C library's header */
    const int ttl = o->group_ttl ? o->group_ttl : 1;
    host_flag(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    host_flag(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
    host_flag(fd, IPPROTO_IP, IP_MULTICAST_LOOP, !o->group_silent);
    if (family != AF_INET6)
        return;
    host_flag(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL_, 0);
    host_flag(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl);
    host_flag(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, !o->group_silent);
}

/* The number of the interface that has the address; 0: any. */
static unsigned index_of(struct addr own)
{
    struct ifaddrs *all, *at;
    unsigned index = 0;
    if (addr_is_any(own) || getifaddrs(&all) < 0)
        return 0;
    for (at = all; at && !index; at = at->ifa_next) {
        struct host_name name = { 0 };
        if (!at->ifa_addr || (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
            continue;
        memcpy(&name.u, at->ifa_addr, at->ifa_addr->sa_family == AF_INET ? sizeof name.u.in : sizeof name.u.in6);
        if (addr_eq(host_endpoint(&name).addr, own))
            index = if_nametoindex(at->ifa_name);
    }
    freeifaddrs(all);
    return index;
}

/* An IPv6 socket that takes IPv4 too is in IPv4 groups by the options of IPv4. */
enum plumb_err host_group(int fd, int socket_family, const struct group_opts *o)
{
    const int family = host_family(o->group), level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    const struct host_name name = host_name_of((struct endpoint){ o->group, 0 }, family);
    const unsigned index = index_of(o->own);
    struct sockaddr_storage source[GROUP_SOURCES] = { 0 };
    struct group_req req = { .gr_interface = index };
    if (!addr_is_multicast(o->group) || (socket_family == AF_INET && family != AF_INET))
        return PLUMB_INVALID;
    if (!addr_is_any(o->own) && !index)
        return PLUMB_NO_ROUTE;
    memcpy(&req.gr_group, &name.u, name.len);
    if (source_filter_wants_none(&o->filter))
        return setsockopt(fd, level, MCAST_LEAVE_GROUP, &req, sizeof req) < 0 ? PLUMB_NOT_FOUND : PLUMB_OK;
    if (setsockopt(fd, level, MCAST_JOIN_GROUP, &req, sizeof req) < 0 && errno != EADDRINUSE)
        return errno == ENODEV ? PLUMB_NO_ROUTE : host_err(errno);
    for (unsigned i = 0; i < o->filter.n; i++) {
        const struct host_name s = host_name_of((struct endpoint){ o->filter.source[i], 0 }, family);
        memcpy(&source[i], &s.u, s.len);
    }
    return setsourcefilter(fd, index, &name.u.sa, name.len, o->filter.exclude ? MCAST_EXCLUDE : MCAST_INCLUDE, o->filter.n, source) < 0 ?
           host_err(errno) : PLUMB_OK;
}
