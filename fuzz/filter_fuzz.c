/* The filter's rules as text: what is taken judges every packet, what is not says where it is wrong.
 * covers: src/net/filter_parse.c src/net/filter.c */
#include "fuzz.h"
#include "net/filter.h"

FUZZ_TEXT(text)
{
    static const char *const names[IFACE_MAX] = { "lan", "wan" };
    static struct filter f;
    char error[200] = "";
    unsigned line;
    if (!filter_parse(text, names, &f, error)) {
        REQUIRE(strncmp(error, "line ", 5) == 0 && strlen(error) < sizeof error);
        return;
    }
    REQUIRE(f.n <= FILTER_RULES && f.otherwise <= FILTER_REJECT);
    for (uint32_t i = 0; i < f.n; i++) {
        const struct filter_rule *r = &f.rule[i];
        const struct filter_ask a = { .src = addr_is_none(r->from.addr) ? addr4(0x0a000001) : r->from.addr, .dst = r->to.addr, .proto = r->proto,
                                      .sport = r->sport.first, .dport = r->dport.last, .in = r->in, .out = r->out, .type = r->type };
        REQUIRE(r->line > 0 && (i == 0 || r->line > f.rule[i - 1].line));
        REQUIRE(filter_judge(&f, &a, &line) <= FILTER_REJECT);
    }
}
