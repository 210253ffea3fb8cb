#include "cli/state_lines.h"
#include "cli/json.h"
#include "stack/gate.h"
#include <string.h>

static struct json begin(FILE *to)
{
    struct json j = { .to = to };
    json_open(&j, NULL, '{');
    return j;
}

static void end(struct json *j)
{
    json_close(j, '{');
    putc('\n', j->to);
}

static void put_prefix(struct json *j, const char *key, struct prefix p)
{
    char text[ADDR_TEXT], whole[ADDR_TEXT + 8];
    snprintf(whole, sizeof whole, "%s/%u", addr_text(p.addr, text), p.len);
    json_text(j, key, whole);
}

static void put_iface(struct json *j, const struct stack *st, unsigned iface)
{
    char number[16];
    const char *name = stack_iface_name(st, iface);
    snprintf(number, sizeof number, "if%u", iface);
    json_text(j, "iface", *name ? name : number);
}

static void addr_lines(const struct stack *st, FILE *to)
{
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(st, &cursor, &a);) {
        struct json j = begin(to);
        put_prefix(&j, "addr", a.addr);
        put_iface(&j, st, a.iface);
        json_text(&j, "state", a.ready ? "ready" : "tentative");
        end(&j);
    }
}

static void route_lines(const struct stack *st, FILE *to)
{
    static const char *const kind[] = { [ROUTE_ON] = "unicast", [ROUTE_BLACKHOLE] = "blackhole", [ROUTE_UNREACHABLE] = "unreachable",
                                        [ROUTE_PROHIBIT] = "prohibit" };
    char via[ADDR_TEXT];
    struct route_info r;
    for (uint32_t cursor = 0; stack_walk_routes(st, &cursor, &r);) {
        struct json j = begin(to);
        put_prefix(&j, "dst", r.dst);
        json_text(&j, "via", addr_is_none(r.via) ? NULL : addr_text(r.via, via));
        put_iface(&j, st, r.iface);
        json_text(&j, "kind", kind[r.kind]);
        end(&j);
    }
}

static void neigh_lines(const struct stack *st, FILE *to)
{
    char addr[ADDR_TEXT], mac[MAC_TEXT];
    struct neigh_info n;
    for (uint32_t cursor = 0; stack_walk_neigh(st, &cursor, &n);) {
        const struct mac none = { { 0 } };
        struct json j = begin(to);
        json_text(&j, "addr", addr_text(n.addr, addr));
        json_text(&j, "mac", mac_eq(n.mac, none) ? NULL : mac_text(n.mac, mac));
        put_iface(&j, st, n.iface);
        json_text(&j, "state", n.state);
        end(&j);
    }
}

static void nat_lines(const struct stack *st, FILE *to)
{
    char text[ENDPOINT_TEXT];
    struct nat_info n;
    for (uint64_t cursor = 0; stack_walk_nat(st, &cursor, &n);) {
        struct json j = begin(to);
        json_int(&j, "protocol", n.proto);
        json_text(&j, "internal", endpoint_text(n.internal, text));
        json_text(&j, "external", endpoint_text(n.external, text));
        json_int(&j, "flows", n.flows);
        json_bool(&j, "forward", n.forward);
        end(&j);
    }
}

bool state_lines(const struct stack *st, const char *what, FILE *to)
{
    static const struct { const char *name; void (*lines)(const struct stack *, FILE *); } all[] = {
        { "addr", addr_lines }, { "route", route_lines }, { "neigh", neigh_lines }, { "nat", nat_lines } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].name, what) != 0)
            continue;
        all[i].lines(st, to);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------ reading it */

/* Past a string that begins at `at`, its bytes into `out`; NULL: it does not end. */
static const char *read_string(const char *at, char *out, size_t room)
{
    size_t n = 0;
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && !*++at)
            return NULL;
        if (n + 1 < room)
            out[n++] = *at;
    }
    out[n] = '\0';
    return *at ? at + 1 : NULL;
}

static const char *read_plain(const char *at, char *out, size_t room)
{
    size_t n = 0;
    for (; *at && *at != ',' && *at != '}'; at++)
        if (n + 1 < room)
            out[n++] = *at;
    out[n] = '\0';
    return at;
}

bool line_value(const char *line, const char *key, char *out, size_t room)
{
    char name[32];
    const char *at = line;
    if (*at++ != '{')
        return false;
    while (*at == '"') {
        at = read_string(at, name, sizeof name);
        if (!at || *at++ != ':')
            return false;
        const bool text = *at == '"';
        at = text ? read_string(at, out, room) : read_plain(at, out, room);
        if (!at)
            return false;
        if (strcmp(name, key) == 0)
            return text || strcmp(out, "null") != 0;
        if (*at == ',')
            at++;
    }
    return false;
}
