/* Master files (RFC 1035 §5.1): entries of tokens, an entry goes on over lines within
 * parentheses. */
#include "name/zone_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 32, TOKEN = 1100, TXT_MAX = 4096 };

struct entry {
    uint32_t line, n;
    bool blank_owner;                   /* it began with white space */
    bool quoted[TOKENS];
    char token[TOKENS][TOKEN];
};

struct parser {
    const char *at;
    uint32_t line;
    struct zone *zone;
    struct dns_name origin, owner;
    bool has_owner, has_ttl;
    uint32_t ttl;
    struct entry entry;
    char *error;
};

static bool wrong(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct parser *p, const char *format, ...)
{
    va_list args;
    const int n = snprintf(p->error, ZONE_ERROR, "line %u: ", p->entry.line);
    va_start(args, format);
    vsnprintf(p->error + n, ZONE_ERROR - (size_t)n, format, args);
    va_end(args);
    return false;
}

/* ---------------------------------------------------------------- tokens */

/* Escapes stay as they are but in quotes, where only \" and \\ and \DDD matter to TXT. */
static bool take_token(struct parser *p)
{
    struct entry *e = &p->entry;
    size_t n = 0;
    if (e->n == TOKENS)
        return wrong(p, "the entry has too many fields");
    char *to = e->token[e->n];
    const bool quoted = *p->at == '"';
    p->at += quoted;
    for (; *p->at && *p->at != '\n'; p->at++) {
        if (quoted ? *p->at == '"' : strchr(" \t\r;()\"", *p->at) != NULL)
            break;
        if (n + 2 >= TOKEN)
            return wrong(p, "a field is too long");
        if (*p->at == '\\' && p->at[1] && p->at[1] != '\n')
            to[n++] = *p->at++;
        to[n++] = *p->at;
    }
    if (quoted && *p->at != '"')
        return wrong(p, "a quote is not closed");
    p->at += quoted;
    to[n] = 0;
    e->quoted[e->n++] = quoted;
    return true;
}

/* The next entry with something in it; false: the end, or an error. */
static bool take_entry(struct parser *p)
{
    struct entry *e = &p->entry;
    int depth = 0;
    e->n = 0;
    bool at_start = true;
    while (*p->at) {
        const char c = *p->at;
        if (at_start) {
            e->line = p->line;
            e->blank_owner = c == ' ' || c == '\t';
        }
        at_start = false;
        if (c == '\n') {
            p->at++;
            p->line++;
            if (depth == 0 && e->n)
                return true;
            at_start = depth == 0;
        } else if (c == ';') {
            p->at += strcspn(p->at, "\n");
        } else if (c == ' ' || c == '\t' || c == '\r') {
            p->at++;
        } else if (c == '(' || c == ')') {
            depth += c == '(' ? 1 : -1;
            p->at++;
            if (depth < 0)
                return wrong(p, "a parenthesis closes that was not opened");
        } else if (!take_token(p)) {
            return false;
        }
    }
    if (depth)
        return wrong(p, "a parenthesis is not closed");
    return e->n > 0;
}

/* ---------------------------------------------------------------- fields */

static bool name_field(struct parser *p, const char *text, struct dns_name *out)
{
    const bool at = strcmp(text, "@") == 0;
    if (at)
        *out = p->origin;
    else if (!dns_name_parse(text, out))
        return wrong(p, "%.80s is not a domain name", text);
    const size_t len = strlen(text);
    size_t escapes = 0;
    while (escapes + 1 < len && text[len - 2 - escapes] == '\\')
        escapes++;
    if (!at && text[len - 1] == '.' && escapes % 2 == 0)
        return true;
    if (p->origin.len == 0)
        return wrong(p, "%.80s is relative to an origin: give $ORIGIN first", text);
    if (at)
        return true;
    struct dns_name relative = *out;
    struct writer w = writer_of(out->b, sizeof out->b);
    wr_bytes(&w, relative.b, relative.len - 1u);
    wr_bytes(&w, p->origin.b, p->origin.len);
    out->len = (uint8_t)wr_len(&w);
    return w.bad ? wrong(p, "%.80s is too long a name", text) : true;
}

/* Seconds, or with units: 1h30m. */
static bool time_field(const char *text, uint32_t *out)
{
    uint64_t total = 0, n = 0;
    bool digits = false;
    for (; *text; text++) {
        if (*text >= '0' && *text <= '9') {
            n = n * 10 + (uint64_t)(*text - '0');
            digits = true;
        } else {
            static const char units[] = "smhdw";
            static const uint32_t seconds[] = { 1, 60, 3600, 86400, 604800 };
            const char *u = strchr(units, *text | 0x20);
            if (!u || !*u || !digits)
                return false;
            total += n * seconds[u - units];
            n = 0;
            digits = false;
        }
        if (total + n > INT32_MAX)
            return false;
    }
    total += n;
    *out = (uint32_t)total;
    return total <= INT32_MAX;
}

static bool number_field(const char *text, uint32_t max, uint32_t *out)
{
    uint64_t n = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || (n = n * 10 + (uint64_t)(*c - '0')) > max)
            return false;
    }
    *out = (uint32_t)n;
    return *text != 0;
}

/* One character-string of TXT, escapes undone. */
static bool put_string(struct writer *w, const char *text)
{
    uint8_t *len = wr_space(w, 1);
    size_t n = 0;
    for (; *text; text++, n++) {
        uint8_t c = (uint8_t)*text;
        if (c == '\\' && text[1] >= '0' && text[1] <= '9') {
            if (text[2] < '0' || text[2] > '9' || text[3] < '0' || text[3] > '9')
                return false;
            const int v = (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
            if (v > 255)
                return false;
            c = (uint8_t)v;
            text += 3;
        } else if (c == '\\' && text[1]) {
            c = (uint8_t)*++text;
        }
        wr_u8(w, c);
    }
    if (len)
        *len = (uint8_t)n;
    return n <= 255 && !w->bad;
}

/* ----------------------------------------------------------------- rdata */

static bool name_rdata(struct parser *p, const char *text, struct writer *w)
{
    struct dns_name n;
    if (!name_field(p, text, &n))
        return false;
    wr_bytes(w, n.b, n.len);
    return true;
}

static bool soa_rdata(struct parser *p, uint32_t i, struct writer *w)
{
    const struct entry *e = &p->entry;
    if (e->n - i != 7)
        return wrong(p, "SOA takes two names and five numbers");
    uint32_t serial;
    if (!name_rdata(p, e->token[i], w) || !name_rdata(p, e->token[i + 1], w))
        return false;
    if (!number_field(e->token[i + 2], UINT32_MAX, &serial))
        return wrong(p, "SOA's serial is not a number");
    wr_u32(w, serial);
    for (uint32_t k = 3; k < 7; k++) {
        uint32_t seconds;
        if (!time_field(e->token[i + k], &seconds))
            return wrong(p, "%.40s is not a time", e->token[i + k]);
        wr_u32(w, seconds);
    }
    return true;
}

static bool address_rdata(struct parser *p, const char *text, uint16_t type, struct writer *w)
{
    struct addr a;
    if (!addr_parse(text, &a) || addr_is4(a) != (type == DNS_A))
        return wrong(p, "%.60s is not an %s address", text, type == DNS_A ? "IPv4" : "IPv6");
    wr_bytes(w, type == DNS_A ? &a.b[12] : a.b, type == DNS_A ? 4 : 16);
    return true;
}

/* The fields from `i` on, as wire bytes. */
static bool put_rdata(struct parser *p, uint16_t type, uint32_t i, struct writer *w)
{
    const struct entry *e = &p->entry;
    const uint32_t n = e->n - i;
    uint32_t preference;
    switch (type) {
    case DNS_SOA:
        return soa_rdata(p, i, w);
    case DNS_TXT:
        for (uint32_t k = i; k < e->n; k++)
            if (!put_string(w, e->token[k]))
                return wrong(p, "a string of TXT is too long or badly escaped");
        return n ? true : wrong(p, "TXT without a string");
    case DNS_MX:
        if (n != 2 || !number_field(e->token[i], 65535, &preference))
            return wrong(p, "MX takes a preference and a name");
        wr_u16(w, (uint16_t)preference);
        return name_rdata(p, e->token[i + 1], w);
    default:
        if (n != 1)
            return wrong(p, "%s takes one field", dns_type_text(type));
        return type == DNS_A || type == DNS_AAAA ? address_rdata(p, e->token[i], type, w) : name_rdata(p, e->token[i], w);
    }
}

/* --------------------------------------------------------------- entries */

static bool text_is(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a >= 'a' && *a <= 'z' ? *a - 32 : *a) != *b)
            return false;
    return *a == *b;
}

static uint16_t type_of(const char *text)
{
    static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_NS, DNS_CNAME, DNS_SOA, DNS_MX, DNS_TXT, DNS_PTR };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (text_is(text, dns_type_text(types[i])))
            return types[i];
    return 0;
}

static bool directive(struct parser *p)
{
    const struct entry *e = &p->entry;
    if (strcmp(e->token[0], "$ORIGIN") == 0) {
        struct dns_name origin;         /* may be relative to the one before */
        if (e->n != 2)
            return wrong(p, "$ORIGIN takes one name");
        if (!name_field(p, e->token[1], &origin))
            return false;
        p->origin = origin;
        return true;
    }
    if (strcmp(e->token[0], "$TTL") != 0)
        return wrong(p, "%.40s is not known; $ORIGIN and $TTL are", e->token[0]);
    p->has_ttl = e->n == 2 && time_field(e->token[1], &p->ttl);
    return p->has_ttl ? true : wrong(p, "$TTL takes one time");
}

/* [owner] [TTL] [class] type rdata, TTL and class in either order */
static bool record(struct parser *p)
{
    const struct entry *e = &p->entry;
    uint32_t i = 0, ttl = p->ttl;
    bool has_ttl = p->has_ttl;
    if (!e->blank_owner) {
        if (!name_field(p, e->token[i++], &p->owner))
            return false;
        p->has_owner = true;
    }
    if (!p->has_owner)
        return wrong(p, "the first record has no name");
    while (i < e->n && !type_of(e->token[i])) {
        if (text_is(e->token[i], "IN"))
            ;
        else if (time_field(e->token[i], &ttl))
            has_ttl = true;
        else
            return wrong(p, "%.40s is not a type known here: A AAAA NS CNAME SOA MX TXT PTR", e->token[i]);
        i++;
    }
    if (i == e->n)
        return wrong(p, "the record has no type");
    const uint16_t type = type_of(e->token[i++]);
    uint8_t bytes[TXT_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    if (!put_rdata(p, type, i, &w))
        return false;
    if (w.bad)
        return wrong(p, "the record is too large");
    if (!has_ttl) {
        if (type != DNS_SOA)
            return wrong(p, "no TTL: give $TTL first");
        ttl = load_be32(bytes + wr_len(&w) - 4);        /* RFC 1035 §5.1 of old: SOA's minimum */
    }
    p->ttl = ttl;
    p->has_ttl = true;
    if (p->zone->origin.len == 0) {     /* nobody named the zone: its SOA does, at the top */
        if (type != DNS_SOA)
            return wrong(p, "the zone has no SOA at its top");
        p->zone->origin = p->owner;
    }
    if (!dns_name_under(&p->owner, &p->zone->origin))
        return wrong(p, "the name lies outside the zone");
    return zone_add(p->zone, &p->owner, type, ttl, bytes, wr_len(&w)) ? true : wrong(p, "out of memory");
}

/* One SOA, at the origin; nothing beside a CNAME (RFC 1034 §3.6.2). */
static bool whole_zone_ok(struct parser *p)
{
    struct zone *z = p->zone;
    uint32_t soas = 0;
    p->entry.line = p->line;
    for (uint32_t i = 0; i < z->count; i++) {
        if (z->at[i].type == DNS_SOA) {
            soas++;
            z->soa = i;
            if (!dns_name_eq(&z->at[i].owner, &z->origin))
                return wrong(p, "the SOA is not at the zone's origin");
        }
        for (uint32_t k = 0; z->at[i].type == DNS_CNAME && k < z->count; k++)
            if (k != i && dns_name_eq(&z->at[k].owner, &z->at[i].owner)) {
                char name[DNS_NAME_TEXT];
                return wrong(p, "%.80s has a CNAME and other records", dns_name_text(&z->at[i].owner, name));
            }
    }
    return soas == 1 ? true : wrong(p, soas ? "the zone has more than one SOA" : "the zone has no SOA");
}

struct zone *zone_parse(const char *text, const char *origin, char error[ZONE_ERROR])
{
    struct parser *p = calloc(1, sizeof *p);
    struct zone *z = calloc(1, sizeof *z);
    bool ok = false;
    error[0] = 0;
    if (!p || !z) {
        snprintf(error, ZONE_ERROR, "out of memory");
    } else if (origin && !dns_name_parse(origin, &z->origin)) {
        snprintf(error, ZONE_ERROR, "%.100s is not a domain name", origin);
    } else {
        *p = (struct parser){ .at = text, .line = 1, .zone = z, .origin = z->origin, .error = error };
        while (take_entry(p) && (p->entry.token[0][0] == '$' ? directive(p) : record(p)))
            ;
        ok = error[0] == 0 && whole_zone_ok(p);
    }
    free(p);
    if (ok)
        return z;
    zone_free(z);
    return NULL;
}
