/* Addresses as text and as prefixes. */
#include "base/addr.h"
#include <stdio.h>
#include <stdlib.h>

bool addr_is_loopback(struct addr a)
{
    if (addr_is4(a))
        return a.b[12] == 127;
    return addr_eq(a, (struct addr){ .b = { [15] = 1 } });
}

bool addr_is_link_local(struct addr a)
{
    if (addr_is4(a))
        return a.b[12] == 169 && a.b[13] == 254;
    return a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0x80;
}

/* Bit positions in the 16-byte form: an IPv4 prefix starts at bit 96. */
static unsigned prefix_bits(struct prefix p)
{
    return addr_is4(p.addr) ? 96u + p.len : p.len;
}

static struct addr mask_host_bits(struct prefix p, uint8_t ones)
{
    const unsigned bits = prefix_bits(p);
    for (unsigned i = bits / 8; i < 16; i++) {
        const uint8_t host = i == bits / 8 ? (uint8_t)(0xff >> bits % 8) : 0xff;
        p.addr.b[i] = (uint8_t)((p.addr.b[i] & ~host) | (ones & host));
    }
    return p.addr;
}

struct addr prefix_network(struct prefix p) { return mask_host_bits(p, 0x00); }
struct addr prefix_last(struct prefix p)    { return mask_host_bits(p, 0xff); }

bool prefix_has(struct prefix p, struct addr a)
{
    if (addr_is4(p.addr) != addr_is4(a))
        return false;
    return addr_eq(prefix_network(p), prefix_network((struct prefix){ a, p.len }));
}

/* A decimal number without sign or leading zero, at most `max`; moves *text on. */
static bool decimal(const char **text, unsigned max, unsigned *out)
{
    const char *p = *text;
    unsigned value = 0;
    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (unsigned)(*p - '0');
        if (value > max)
            return false;
    }
    *text = p;
    *out = value;
    return true;
}

static bool parse4(const char *p, struct addr *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned part;
        if ((i && *p++ != '.') || !decimal(&p, 255, &part))
            return false;
        value = value << 8 | part;
    }
    *out = addr4(value);
    return *p == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool parse6(const char *p, struct addr *out)
{
    uint8_t b[16] = { 0 };
    int n = 0, gap = -1;                    /* bytes written; where :: stood */
    if (p[0] == ':' && p[1] != ':')
        return false;
    while (*p) {
        if (p[0] == ':' && p[1] == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            p += 2;
            continue;
        }
        struct addr tail;
        if (strchr(p, '.') && !strchr(p, ':')) {        /* ends in dotted IPv4 */
            if (n > 12 || !parse4(p, &tail))
                return false;
            memcpy(&b[n], &tail.b[12], 4);
            n += 4;
            break;
        }
        unsigned value = 0;
        int digits = 0;
        for (; hex_digit(*p) >= 0; p++, digits++)
            value = value << 4 | (unsigned)hex_digit(*p);
        if (digits == 0 || digits > 4 || n > 14)
            return false;
        b[n++] = (uint8_t)(value >> 8);
        b[n++] = (uint8_t)value;
        if (p[0] == ':' && p[1] != ':') {
            if (p[1] == '\0')
                return false;
            p++;
        } else if (*p && *p != ':') {
            return false;
        }
    }
    if (gap < 0 ? n != 16 : n > 14)
        return false;
    memset(out->b, 0, 16);
    const int head = gap < 0 ? 16 : gap;
    memcpy(out->b, b, (size_t)head);
    memcpy(&out->b[16 - (n - head)], &b[head], (size_t)(n - head));
    return true;
}

bool addr_parse(const char *text, struct addr *out)
{
    return strchr(text, ':') ? parse6(text, out) : parse4(text, out);
}

bool prefix_parse(const char *text, struct prefix *out)
{
    const char *slash = strchr(text, '/');
    char host[ADDR_TEXT];
    unsigned len;
    if (!slash || (size_t)(slash - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (!addr_parse(host, &out->addr))
        return false;
    slash++;
    if (!decimal(&slash, addr_is4(out->addr) ? 32 : 128, &len) || *slash)
        return false;
    out->len = (uint8_t)len;
    return true;
}

bool endpoint_parse(const char *text, struct endpoint *out)
{
    const char *colon = strrchr(text, ':');
    char host[ADDR_TEXT];
    unsigned port;
    if (!colon)
        return false;
    size_t len = (size_t)(colon - text);
    const bool bracket = text[0] == '[';
    if (bracket) {
        if (len < 2 || text[len - 1] != ']')
            return false;
        text++;
        len -= 2;
    }
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (!addr_parse(host, &out->addr) || bracket == addr_is4(out->addr))
        return false;
    colon++;
    if (!decimal(&colon, 65535, &port) || *colon)
        return false;
    out->port = (uint16_t)port;
    return true;
}

bool mac_parse(const char *text, struct mac *out)
{
    for (int i = 0; i < 6; i++) {
        const int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        out->b[i] = (uint8_t)(high << 4 | low);
        text += 3;
    }
    return true;
}

/* RFC 5952 §4.2: the longest run of two or more zero groups becomes "::". */
static void text6(struct addr a, char out[ADDR_TEXT])
{
    int best = -1, best_len = 1;
    unsigned g[8];
    for (int i = 0; i < 8; i++)
        g[i] = (unsigned)a.b[2 * i] << 8 | a.b[2 * i + 1];
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && g[i + len] == 0)
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    int at = 0;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            at += snprintf(out + at, ADDR_TEXT - (size_t)at, "::");
            i += best_len - 1;
            continue;
        }
        const bool colon = i > 0 && i != best + best_len;
        at += snprintf(out + at, ADDR_TEXT - (size_t)at, colon || (i > 0 && best < 0) ? ":%x" : "%x", g[i]);
    }
}

const char *addr_text(struct addr a, char out[ADDR_TEXT])
{
    if (addr_is4(a))
        snprintf(out, ADDR_TEXT, "%u.%u.%u.%u", a.b[12], a.b[13], a.b[14], a.b[15]);
    else
        text6(a, out);
    return out;
}

const char *endpoint_text(struct endpoint e, char out[ENDPOINT_TEXT])
{
    char host[ADDR_TEXT];
    snprintf(out, ENDPOINT_TEXT, addr_is4(e.addr) ? "%s:%u" : "[%s]:%u", addr_text(e.addr, host), e.port);
    return out;
}

const char *mac_text(struct mac m, char out[MAC_TEXT])
{
    snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4], m.b[5]);
    return out;
}
