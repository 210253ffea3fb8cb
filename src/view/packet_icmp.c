/* ICMP, ICMPv6 with neighbour discovery, and group membership, in words. */
#include "view/packet_line_int.h"
#include "wire/icmp.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/membership.h"

static void say_ends(struct line *l, const struct line_ends *ends, const char *what)
{
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    line_say(l, "%s > %s %s ", addr_text(ends->src, src), addr_text(ends->dst, dst), what);
}

/* What the code of a destination unreachable message says (RFC 792). */
static const char *unreachable_text(uint8_t code)
{
    static const char *const text[] = { "network", "host", "protocol", "port", "fragmentation needed" };
    return code < sizeof text / sizeof text[0] ? text[code] : "other";
}

void line_say_icmp(struct line *l, struct reader *r, const struct line_ends *ends)
{
    struct icmp4 m;
    char gateway[ADDR_TEXT];
    if (!icmp4_read(r, &m)) {
        line_say(l, "ICMP malformed");
        return;
    }
    say_ends(l, ends, "ICMP");
    if (m.type == ICMP4_ECHO || m.type == ICMP4_ECHO_REPLY)
        line_say(l, "echo %s id %u seq %u", m.type == ICMP4_ECHO ? "request" : "reply", m.id, m.seq);
    else if (m.type == ICMP4_UNREACHABLE && m.code == ICMP4_UNREACH_FRAG_NEEDED)
        line_say(l, "unreachable: fragmentation needed, mtu %u", m.mtu);
    else if (m.type == ICMP4_UNREACHABLE)
        line_say(l, "unreachable: %s", unreachable_text(m.code));
    else if (m.type == ICMP4_TIME_EXCEEDED)
        line_say(l, "time exceeded");
    else if (m.type == ICMP4_REDIRECT)
        line_say(l, "redirect to %s", addr_text(m.gateway, gateway));
    else
        line_say(l, "type %u code %u", m.type, m.code);
}

/* ------------------------------------------------------- group membership */

static void say_records(struct line *l, struct reader *r, bool v4, unsigned n)
{
    static const char *const type[] = { "?", "is-in", "is-ex", "to-in", "to-ex", "allow", "block" };
    char group[ADDR_TEXT];
    struct group_record rec;
    line_say(l, "membership report");
    for (unsigned i = 0; i < n && group_record_read(r, v4, &rec); i++) {
        line_say(l, " %s %s", addr_text(rec.group, group), rec.type <= GROUP_BLOCK ? type[rec.type] : "?");
        if (rec.n_source)
            line_say(l, " of %u sources", rec.n_source);
    }
}

static void say_membership(struct line *l, struct reader *r, bool v4, const struct membership *m)
{
    static const char *const kind[] = { [MEMBERSHIP_QUERY] = "membership query", [MEMBERSHIP_REPORT] = "membership report", [MEMBERSHIP_LEAVE] = "leave" };
    char group[ADDR_TEXT];
    if (m->kind == MEMBERSHIP_RECORDS)
        say_records(l, r, v4, m->n_record);
    else
        line_say(l, "%s of %s", kind[m->kind], addr_is_any(m->group) ? "all groups" : addr_text(m->group, group));
}

void line_say_igmp(struct line *l, struct reader *r, const struct line_ends *ends)
{
    struct membership m;
    if (!igmp_read(r, &m)) {
        line_say(l, "IGMP malformed");
        return;
    }
    say_ends(l, ends, "IGMP");
    say_membership(l, r, true, &m);
}

/* ---------------------------------------------------- neighbour discovery */

static void say_advert(struct line *l, const struct nd *m)
{
    char text[ADDR_TEXT];
    line_say(l, "router advertisement: lifetime %u s", m->router_lifetime_s);
    for (unsigned i = 0; i < m->n_prefix; i++)
        line_say(l, ", prefix %s/%u%s", addr_text(m->prefix[i].prefix.addr, text), m->prefix[i].prefix.len, m->prefix[i].autonomous ? " auto" : "");
    for (unsigned i = 0; i < m->n_dns; i++)
        line_say(l, ", dns %s", addr_text(m->dns[i], text));
    if (m->mtu)
        line_say(l, ", mtu %u", m->mtu);
    line_say(l, "%s%s", m->managed ? ", managed" : "", m->other_config ? ", other config" : "");
}

static void say_nd(struct line *l, const struct nd *m, const struct line_ends *ends)
{
    char one[ADDR_TEXT], two[ADDR_TEXT], mac[MAC_TEXT];
    switch (m->type) {
    case ICMP6_NEIGH_SOLICIT:
        if (addr_is_any(ends->src))
            line_say(l, "does anyone have %s?", addr_text(m->target, one));
        else
            line_say(l, "who has %s? tell %s", addr_text(m->target, one), addr_text(ends->src, two));
        return;
    case ICMP6_NEIGH_ADVERT:
        line_say(l, "%s is %s%s", addr_text(m->target, one), m->has_target_mac ? "at " : "there", m->has_target_mac ? mac_text(m->target_mac, mac) : "");
        line_say(l, "%s%s%s", m->router ? ", router" : "", m->solicited ? ", solicited" : "", m->override ? ", override" : "");
        return;
    case ICMP6_ROUTER_SOLICIT: line_say(l, "router solicitation"); return;
    case ICMP6_ROUTER_ADVERT:  say_advert(l, m); return;
    default:                   line_say(l, "redirect: %s by %s", addr_text(m->destination, one), addr_text(m->target, two));
    }
}

void line_say_icmp6(struct line *l, struct reader *r, const struct line_ends *ends)
{
    struct reader whole = *r, again = *r;
    struct icmp6 m;
    struct nd nd;
    struct membership group;
    if (!icmp6_read(r, &m)) {
        line_say(l, "ICMPv6 malformed");
        return;
    }
    say_ends(l, ends, "ICMPv6");
    if (m.type == ICMP6_ECHO || m.type == ICMP6_ECHO_REPLY)
        line_say(l, "echo %s id %u seq %u", m.type == ICMP6_ECHO ? "request" : "reply", m.id, m.seq);
    else if (m.type == ICMP6_TOO_BIG)
        line_say(l, "packet too big, mtu %u", m.word);
    else if (icmp6_is_error(m.type))
        line_say(l, "%s", trouble_text(icmp6_trouble((struct icmp_kind){ m.type, m.code })));
    else if (nd_read(&whole, &nd))
        say_nd(l, &nd, ends);
    else if (mld_read(&again, &group))
        say_membership(l, &again, false, &group);
    else
        line_say(l, "type %u code %u", m.type, m.code);
}
