/* The filter's text: one rule a line, words in any order behind its verdict, # begins a comment. */
#include "net/filter.h"
#include "wire/ip4.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 64 };

struct parse { const char *at; unsigned line; const char *const *name; struct filter *out; char *error; };

static bool fail(struct parse *p, const char *what, const char *word)
{
    snprintf(p->error, 200, "line %u: %s \"%.60s\"", p->line, what, word);
    return false;
}

/* The next word of the line; false: the line is over. */
static bool next_word(struct parse *p, char word[WORD])
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
        p->at++;
    size_t n = 0;
    for (; *p->at && !strchr(" \t\r\n#", *p->at); p->at++)
        if (n < WORD - 1)
            word[n++] = *p->at;
    word[n] = '\0';
    return n > 0;
}

static void skip_line(struct parse *p)
{
    p->at += strcspn(p->at, "\n");
    if (*p->at)
        p->at++;
}

static bool number(const char *text, const char **end, unsigned long most, unsigned long *out)
{
    char *rest;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoul(text, &rest, 10);
    *end = rest;
    return *out <= most;
}

static bool verdict_named(const char *word, uint8_t *out)
{
    static const char *const names[] = { "allow", "deny", "reject" };
    for (uint8_t i = 0; i < 3; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool iface_named(const struct parse *p, const char *word, int16_t *out)
{
    for (int16_t i = 0; i < IFACE_MAX; i++) {
        if (p->name[i] && strcmp(p->name[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool prefix_word(const char *word, struct prefix *out)
{
    if (prefix_parse(word, out))
        return true;
    if (!addr_parse(word, &out->addr))
        return false;
    out->len = addr_is4(out->addr) ? 32 : 128;
    return true;
}

static bool ports_word(const char *word, struct filter_ports *out)
{
    unsigned long first, last;
    const char *end;
    if (!number(word, &end, UINT16_MAX, &first))
        return false;
    last = first;
    if (*end == '-' && !number(end + 1, &end, UINT16_MAX, &last))
        return false;
    *out = (struct filter_ports){ (uint16_t)first, (uint16_t)last };
    return !*end && first <= last && last > 0;
}

static bool proto_word(const char *word, uint8_t *out)
{
    static const struct { const char *name; uint8_t proto; } known[] = { { "tcp", IP_TCP }, { "udp", IP_UDP }, { "icmp", IP_ICMP }, { "icmp6", IP_ICMP6 } };
    unsigned long v;
    const char *end;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(word, known[i].name) == 0) {
            *out = known[i].proto;
            return true;
        }
    }
    if (!number(word, &end, UINT8_MAX, &v) || *end || v == 0)
        return false;
    *out = (uint8_t)v;
    return true;
}

static bool type_word(const char *word, int16_t *out)
{
    unsigned long v;
    const char *end;
    if (!number(word, &end, UINT8_MAX, &v) || *end)
        return false;
    *out = (int16_t)v;
    return true;
}

/* `in lan`, `port 80-90`: a key and its value. */
static bool pair(struct parse *p, struct filter_rule *r, const char *key)
{
    char value[WORD];
    if (strcmp(key, "ip4") == 0 || strcmp(key, "ip6") == 0) {
        r->family = (uint8_t)(key[2] - '0');
        return true;
    }
    static const char *const keys = " in out from to proto port sport type ";
    char spaced[WORD + 2];
    snprintf(spaced, sizeof spaced, " %.61s ", key);
    if (!strstr(keys, spaced))
        return fail(p, "there are in out from to proto port sport type ip4 ip6, but no", key);
    if (!next_word(p, value))
        return fail(p, "a value is missing behind", key);
    bool good;
    if (strcmp(key, "out") == 0 && strcmp(value, "self") == 0)
        good = (r->out = FILTER_SELF, true);
    else if (key[0] == 'i' || key[0] == 'o')
        good = iface_named(p, value, key[0] == 'i' ? &r->in : &r->out);
    else if (key[0] == 'f' || strcmp(key, "to") == 0)
        good = prefix_word(value, key[0] == 'f' ? &r->from : &r->to);
    else if (strcmp(key, "port") == 0 || key[0] == 's')
        good = ports_word(value, key[0] == 's' ? &r->sport : &r->dport);
    else
        good = key[0] == 'p' ? proto_word(value, &r->proto) : type_word(value, &r->type);
    return good || fail(p, key[0] == 'i' || key[0] == 'o' ? "no interface is called" : "it does not fit its key:", value);
}

/* What no packet could be. */
static bool is_sound(struct parse *p, const struct filter_rule *r)
{
    const bool ports = r->sport.last || r->dport.last;
    const bool families = !addr_is_none(r->from.addr) && !addr_is_none(r->to.addr) && addr_is4(r->from.addr) != addr_is4(r->to.addr);
    if (ports && r->proto != IP_TCP && r->proto != IP_UDP)
        return fail(p, "a port needs", "proto tcp or udp");
    if (r->type != FILTER_ANY && r->proto != IP_ICMP && r->proto != IP_ICMP6)
        return fail(p, "a type needs", "proto icmp or icmp6");
    return !families || fail(p, "addresses of two families in", "from and to");
}

static bool rule(struct parse *p, uint8_t verdict)
{
    char key[WORD];
    if (p->out->n == FILTER_RULES)
        return fail(p, "too many rules:", "at most 256");
    struct filter_rule *r = &p->out->rule[p->out->n++];
    *r = (struct filter_rule){ .verdict = verdict, .in = FILTER_ANY, .out = FILTER_ANY, .type = FILTER_ANY, .line = (uint16_t)p->line };
    while (next_word(p, key))
        if (!pair(p, r, key))
            return false;
    return is_sound(p, r);
}

static bool one_line(struct parse *p)
{
    char word[WORD];
    uint8_t verdict;
    if (!next_word(p, word))
        return true;
    if (strcmp(word, "default") == 0) {
        if (!next_word(p, word) || !verdict_named(word, &p->out->otherwise))
            return fail(p, "default takes allow, deny or reject, not", word);
        return !next_word(p, word) || fail(p, "what is", word);
    }
    if (!verdict_named(word, &verdict))
        return fail(p, "a rule begins with allow, deny, reject or default, not", word);
    return rule(p, verdict);
}

bool filter_parse(const char *text, const char *const name[IFACE_MAX], struct filter *out, char error[200])
{
    struct parse p = { .at = text, .name = name, .out = out, .error = error };
    *out = (struct filter){ .otherwise = FILTER_DENY };
    while (*p.at) {
        p.line++;
        if (p.line > UINT16_MAX)
            return fail(&p, "too many", "lines");
        if (!one_line(&p))
            return false;
        skip_line(&p);
    }
    return true;
}
