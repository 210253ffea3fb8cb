#include "wire/icmp.h"
#include "wire/icmp6.h"

/* RFC 792; RFC 1812 §5.2.7.1 for 13.  What IPv4 has no words for it says as nearly as it can. */
struct icmp_kind icmp4_kind(enum inet_trouble t)
{
    switch (t) {
    case TROUBLE_NO_ROUTE:     return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_NET };
    case TROUBLE_PORT:         return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_PORT };
    case TROUBLE_PROTOCOL:     return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_PROTOCOL };
    case TROUBLE_TOO_BIG:      return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_FRAG_NEEDED };
    case TROUBLE_TTL:          return (struct icmp_kind){ ICMP4_TIME_EXCEEDED, 0 };
    case TROUBLE_REASSEMBLY:   return (struct icmp_kind){ ICMP4_TIME_EXCEEDED, 1 };
    case TROUBLE_ADMIN:        return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_ADMIN };
    case TROUBLE_SOURCE_ROUTE: return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_SOURCE_ROUTE };
    case TROUBLE_FIELD: case TROUBLE_OPTION: case TROUBLE_CHAIN:
        return (struct icmp_kind){ ICMP4_PARAMETER, 0 };
    case TROUBLE_NONE: case TROUBLE_ADDRESS: case TROUBLE_SCOPE: case TROUBLE_OTHER: break;
    }
    return (struct icmp_kind){ ICMP4_UNREACHABLE, ICMP4_UNREACH_HOST };
}

/* RFC 4443 §3, RFC 7112 §5. */
struct icmp_kind icmp6_kind(enum inet_trouble t)
{
    switch (t) {
    case TROUBLE_NO_ROUTE:     return (struct icmp_kind){ ICMP6_UNREACHABLE, ICMP6_UNREACH_NO_ROUTE };
    case TROUBLE_PORT:         return (struct icmp_kind){ ICMP6_UNREACHABLE, ICMP6_UNREACH_PORT };
    case TROUBLE_PROTOCOL:     return (struct icmp_kind){ ICMP6_PARAMETER, 1 };
    case TROUBLE_TOO_BIG:      return (struct icmp_kind){ ICMP6_TOO_BIG, 0 };
    case TROUBLE_TTL:          return (struct icmp_kind){ ICMP6_TIME_EXCEEDED, 0 };
    case TROUBLE_REASSEMBLY:   return (struct icmp_kind){ ICMP6_TIME_EXCEEDED, 1 };
    case TROUBLE_ADMIN:        return (struct icmp_kind){ ICMP6_UNREACHABLE, ICMP6_UNREACH_ADMIN };
    case TROUBLE_SCOPE:        return (struct icmp_kind){ ICMP6_UNREACHABLE, ICMP6_UNREACH_SCOPE };
    case TROUBLE_FIELD: case TROUBLE_SOURCE_ROUTE:
        return (struct icmp_kind){ ICMP6_PARAMETER, 0 };
    case TROUBLE_OPTION:       return (struct icmp_kind){ ICMP6_PARAMETER, 2 };
    case TROUBLE_CHAIN:        return (struct icmp_kind){ ICMP6_PARAMETER, 3 };
    case TROUBLE_NONE: case TROUBLE_ADDRESS: case TROUBLE_OTHER: break;
    }
    return (struct icmp_kind){ ICMP6_UNREACHABLE, ICMP6_UNREACH_ADDRESS };
}

static enum inet_trouble unreachable4(uint8_t code)
{
    switch (code) {
    case ICMP4_UNREACH_NET:          return TROUBLE_NO_ROUTE;
    case ICMP4_UNREACH_HOST:         return TROUBLE_ADDRESS;
    case ICMP4_UNREACH_PROTOCOL:     return TROUBLE_PROTOCOL;
    case ICMP4_UNREACH_PORT:         return TROUBLE_PORT;
    case ICMP4_UNREACH_FRAG_NEEDED:  return TROUBLE_TOO_BIG;
    case ICMP4_UNREACH_SOURCE_ROUTE: return TROUBLE_SOURCE_ROUTE;
    case 9: case 10: case ICMP4_UNREACH_ADMIN: return TROUBLE_ADMIN;     /* RFC 1122 §3.2.2.1 */
    default:                         return TROUBLE_OTHER;
    }
}

enum inet_trouble icmp4_trouble(struct icmp_kind k)
{
    switch (k.type) {
    case ICMP4_UNREACHABLE:   return unreachable4(k.code);
    case ICMP4_TIME_EXCEEDED: return k.code == 0 ? TROUBLE_TTL : TROUBLE_REASSEMBLY;
    case ICMP4_PARAMETER:     return TROUBLE_FIELD;
    default:                  return TROUBLE_NONE;
    }
}

static enum inet_trouble unreachable6(uint8_t code)
{
    switch (code) {
    case ICMP6_UNREACH_NO_ROUTE: return TROUBLE_NO_ROUTE;
    case ICMP6_UNREACH_ADDRESS:  return TROUBLE_ADDRESS;
    case ICMP6_UNREACH_PORT:     return TROUBLE_PORT;
    case ICMP6_UNREACH_SCOPE:    return TROUBLE_SCOPE;
    case ICMP6_UNREACH_ADMIN: case ICMP6_UNREACH_POLICY: case ICMP6_UNREACH_REJECT:
        return TROUBLE_ADMIN;
    default:                     return TROUBLE_OTHER;
    }
}

static enum inet_trouble parameter6(uint8_t code)
{
    switch (code) {
    case 0:  return TROUBLE_FIELD;
    case 1:  return TROUBLE_PROTOCOL;
    case 2:  return TROUBLE_OPTION;
    case 3:  return TROUBLE_CHAIN;
    default: return TROUBLE_OTHER;
    }
}

enum inet_trouble icmp6_trouble(struct icmp_kind k)
{
    switch (k.type) {
    case ICMP6_UNREACHABLE:   return unreachable6(k.code);
    case ICMP6_TOO_BIG:       return TROUBLE_TOO_BIG;
    case ICMP6_TIME_EXCEEDED: return k.code == 0 ? TROUBLE_TTL : TROUBLE_REASSEMBLY;
    case ICMP6_PARAMETER:     return parameter6(k.code);
    default:                  return icmp6_is_error(k.type) ? TROUBLE_OTHER : TROUBLE_NONE;
    }
}

const char *trouble_text(enum inet_trouble t)
{
    switch (t) {
    case TROUBLE_NONE:         return "nothing";
    case TROUBLE_NO_ROUTE:     return "network unreachable";
    case TROUBLE_ADDRESS:      return "host unreachable";
    case TROUBLE_PORT:         return "port unreachable";
    case TROUBLE_PROTOCOL:     return "protocol unreachable";
    case TROUBLE_TOO_BIG:      return "packet too big";
    case TROUBLE_TTL:          return "time to live exceeded";
    case TROUBLE_REASSEMBLY:   return "reassembly time exceeded";
    case TROUBLE_ADMIN:        return "administratively prohibited";
    case TROUBLE_SCOPE:        return "beyond the scope of the source";
    case TROUBLE_SOURCE_ROUTE: return "source route failed";
    case TROUBLE_FIELD:        return "bad header field";
    case TROUBLE_OPTION:       return "unknown option";
    case TROUBLE_CHAIN:        return "headers missing from the first fragment";
    case TROUBLE_OTHER:        break;
    }
    return "unreachable";
}
