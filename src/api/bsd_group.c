/* Multicast options of datagram sockets (RFC 3493 §5.2, RFC 3678), with Linux's answers to what makes no sense. */
#include "api/bsd.h"

/* What is asked for, whichever structure it came in. */
enum verb { JOIN, LEAVE, JOIN_SOURCE, LEAVE_SOURCE, BLOCK, UNBLOCK };
struct asked { enum verb verb; struct addr group, source, own; unsigned index; };

static const struct { int level, name; enum verb verb; } verbs[] = {
    { IPPROTO_IP, IP_ADD_MEMBERSHIP, JOIN }, { IPPROTO_IP, IP_DROP_MEMBERSHIP, LEAVE },
    { IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, JOIN_SOURCE }, { IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, LEAVE_SOURCE },
    { IPPROTO_IP, IP_BLOCK_SOURCE, BLOCK }, { IPPROTO_IP, IP_UNBLOCK_SOURCE, UNBLOCK },
    { IPPROTO_IPV6, IPV6_JOIN_GROUP, JOIN }, { IPPROTO_IPV6, IPV6_LEAVE_GROUP, LEAVE },
    { -1, MCAST_JOIN_GROUP, JOIN }, { -1, MCAST_LEAVE_GROUP, LEAVE }, { -1, MCAST_JOIN_SOURCE_GROUP, JOIN_SOURCE },
    { -1, MCAST_LEAVE_SOURCE_GROUP, LEAVE_SOURCE }, { -1, MCAST_BLOCK_SOURCE, BLOCK }, { -1, MCAST_UNBLOCK_SOURCE, UNBLOCK },
};

static bool take(void *out, size_t size, const void *value, socklen_t len)
{
    if (len < size)
        return false;
    memcpy(out, value, size);
    return true;
}

static struct addr addr_of(struct in_addr in) { return addr4(ntohl(in.s_addr)); }

static bool in_storage(const struct sockaddr_storage *s, struct addr *out)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, s, sizeof in);
    memcpy(&in6, s, sizeof in6);
    *out = s->ss_family == AF_INET ? addr_of(in.sin_addr) : addr6_bytes(in6.sin6_addr.s6_addr);
    return s->ss_family == AF_INET || s->ss_family == AF_INET6;
}

static bool read_mcast(struct asked *a, const void *value, socklen_t len)
{
    struct group_source_req with;
    struct group_req plain;
    if (a->verb == JOIN || a->verb == LEAVE) {
        if (!take(&plain, sizeof plain, value, len))
            return false;
        a->index = plain.gr_interface;
        return in_storage(&plain.gr_group, &a->group);
    }
    if (!take(&with, sizeof with, value, len))
        return false;
    a->index = with.gsr_interface;
    return in_storage(&with.gsr_group, &a->group) && in_storage(&with.gsr_source, &a->source);
}

static bool read_ip(struct asked *a, const void *value, socklen_t len)
{
    struct ip_mreq_source with;
    struct ip_mreqn numbered = { 0 };
    if (a->verb != JOIN && a->verb != LEAVE) {
        if (!take(&with, sizeof with, value, len))
            return false;
        *a = (struct asked){ a->verb, addr_of(with.imr_multiaddr), addr_of(with.imr_sourceaddr), addr_of(with.imr_interface), 0 };
        return true;
    }
    if (!take(&numbered, sizeof numbered, value, len) && !take(&numbered, sizeof(struct ip_mreq), value, len))
        return false;
    a->group = addr_of(numbered.imr_multiaddr);
    a->own = addr_of(numbered.imr_address);
    a->index = (unsigned)numbered.imr_ifindex;
    return true;
}

static bool read_ip6(struct asked *a, const void *value, socklen_t len)
{
    struct ipv6_mreq m;
    if (!take(&m, sizeof m, value, len))
        return false;
    a->group = addr6_bytes(m.ipv6mr_multiaddr.s6_addr);
    a->index = m.ipv6mr_interface;
    return true;
}

/* The interface meant: by number, by address, or the one that leads there; -1: none. */
static int iface_of(const struct sock *s, const struct asked *a)
{
    if (a->index)
        return (int)a->index - 1;
    return stack_group_iface(stack_of(s), a->own, a->group);
}

/* ------------------------------------------------------------ membership */

static const struct group_member *member(const struct sock *s, unsigned iface, struct addr group)
{
    for (const struct group_member *m = *bsd_groups((struct sock *)s); m; m = m->next)
        if (m->iface == iface && addr_eq(m->group, group))
            return m;
    return NULL;
}

/* The filter one source more or less makes of another.  0 or errno. */
static int with_source(struct source_filter *f, struct addr source, bool add)
{
    for (unsigned i = 0; i < f->n; i++) {
        if (!addr_eq(f->source[i], source))
            continue;
        if (add)
            return EADDRNOTAVAIL;
        f->source[i] = f->source[--f->n];
        return 0;
    }
    if (!add)
        return EADDRNOTAVAIL;
    if (f->n == GROUP_SOURCES)
        return ENOBUFS;
    f->source[f->n++] = source;
    return 0;
}

static int wished(const struct group_member *m, const struct asked *a, struct source_filter *f)
{
    *f = m ? m->filter : (struct source_filter){ 0 };
    switch (a->verb) {
    case JOIN:
        f->exclude = true;
        return m ? EADDRINUSE : 0;
    case LEAVE:
        *f = (struct source_filter){ 0 };
        return m ? 0 : EADDRNOTAVAIL;
    case JOIN_SOURCE: case LEAVE_SOURCE:
        if (m && m->filter.exclude)
            return EINVAL;
        return with_source(f, a->source, a->verb == JOIN_SOURCE);
    default:
        if (!m || !m->filter.exclude)
            return EINVAL;
        return with_source(f, a->source, a->verb == BLOCK);
    }
}

static int set_membership(struct sock *s, const struct asked *a)
{
    struct source_filter f;
    const bool sources = a->verb != JOIN && a->verb != LEAVE;
    if (!addr_is_multicast(a->group) || (sources && addr_is4(a->source) != addr_is4(a->group)))
        return EINVAL;
    const int iface = iface_of(s, a);
    if (iface < 0)
        return ENODEV;
    const int e = wished(member(s, (unsigned)iface, a->group), a, &f);
    if (e)
        return e;
    const enum plumb_err err = stack_group_set(stack_of(s), bsd_groups(s), (unsigned)iface, a->group, &f, now_of(s));
    return err == PLUMB_OK ? 0 : err == PLUMB_NO_MEMORY ? ENOBUFS : bsd_errno(err);
}

/* --------------------------------------------------------------- sending */

/* One byte will do where an int is meant, as Linux has it. */
static bool small_number(int *out, const void *value, socklen_t len)
{
    uint8_t one;
    if (take(out, sizeof *out, value, len))
        return true;
    if (!take(&one, sizeof one, value, len))
        return false;
    *out = one;
    return true;
}

static int set_sending_iface(struct sock *s, int level, const void *value, socklen_t len)
{
    struct asked a = { .verb = JOIN };
    struct in_addr in;
    int index;
    if (level == IPPROTO_IPV6) {
        if (!take(&index, sizeof index, value, len))
            return EINVAL;
        a.index = (unsigned)index;
    } else if (len < sizeof(struct ip_mreq) && take(&in, sizeof in, value, len)) {
        a.own = addr_of(in);
    } else if (!read_ip(&a, value, len)) {
        return EINVAL;
    }
    if (a.index)
        a.own = stack_iface_addr(stack_of(s), a.index - 1, level == IPPROTO_IP);
    if ((a.index && addr_is_none(a.own)) || (!addr_is_any(a.own) && stack_own_addr(stack_of(s), a.own) != PLUMB_OK))
        return EADDRNOTAVAIL;
    s->opt.group_own = addr_is_any(a.own) ? ADDR_NONE : a.own;
    return 0;
}

static int set_sending(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    int n;
    const bool v6 = level == IPPROTO_IPV6;
    if (name == (v6 ? IPV6_MULTICAST_IF : IP_MULTICAST_IF))
        return set_sending_iface(s, level, value, len);
    if (!small_number(&n, value, len) || n < -1 || n > 255)
        return EINVAL;
    if (name == (v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL))
        s->opt.group_ttl = (uint8_t)(n < 0 ? 1 : n);
    else if (v6 && n != 0 && n != 1)
        return EINVAL;
    else
        s->opt.group_silent = n == 0;
    return 0;
}

static bool is_sending(int level, int name)
{
    return level == IPPROTO_IP ? name == IP_MULTICAST_IF || name == IP_MULTICAST_TTL || name == IP_MULTICAST_LOOP :
           level == IPPROTO_IPV6 && (name == IPV6_MULTICAST_IF || name == IPV6_MULTICAST_HOPS || name == IPV6_MULTICAST_LOOP);
}

/* ------------------------------------------------------------------ both */

bool bsd_group_option(const struct sock *s, int level, int name)
{
    if (s->fd.kind != FD_DGRAM || (level != IPPROTO_IP && (level != IPPROTO_IPV6 || s->family != AF_INET6)))
        return false;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if ((verbs[i].level == level || verbs[i].level < 0) && verbs[i].name == name)
            return true;
    return is_sending(level, name);
}

int bsd_group_set(struct sock *s, int level, int name, const void *value, socklen_t len)
{
    struct asked a = { 0 };
    if (is_sending(level, name))
        return set_sending(s, level, name, value, len);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if ((verbs[i].level != level && verbs[i].level >= 0) || verbs[i].name != name)
            continue;
        a.verb = verbs[i].verb;
        const bool read = verbs[i].level < 0 ? read_mcast(&a, value, len) : level == IPPROTO_IP ? read_ip(&a, value, len) : read_ip6(&a, value, len);
        return !read || addr_is4(a.group) != (level == IPPROTO_IP) ? EINVAL : set_membership(s, &a);
    }
    return ENOPROTOOPT;
}

int bsd_group_get(struct sock *s, int level, int name, void *value, socklen_t *len)
{
    const struct sock_opt *o = &s->opt;
    struct in_addr in = { .s_addr = htonl(addr_is4(o->group_own) ? addr_v4(o->group_own) : 0) };
    int n = o->group_ttl;
    const void *from = &n;
    if (!is_sending(level, name))
        return bsd_fail(ENOPROTOOPT);
    if (name == (level == IPPROTO_IP ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP))
        n = !o->group_silent;
    else if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
        from = &in;
    else if (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_IF)
        n = addr_is_none(o->group_own) ? 0 : stack_group_iface(stack_of(s), o->group_own, ADDR_NONE) + 1;
    *len = *len < sizeof n ? *len : (socklen_t)sizeof n;
    memcpy(value, from, *len);
    return 0;
}
