#include "../test.h"
#include "cli/state_lines.h"
#include <stdlib.h>

static char *lines(const struct stack *st, const char *what)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    const bool known = state_lines(st, what, f);
    fclose(f);
    if (known)
        return text;
    free(text);
    return NULL;
}

static void is(const struct stack *st, const char *what, const char *want)
{
    char *got = lines(st, what);
    assert_string_equal(got, want);
    free(got);
}

static void of_a_stack(void **state)
{
    (void)state;
    struct stack *st = stack_new(&(struct stack_config){ .seed = 1 }, 0);
    const struct prefix own = { addr4(0x0a090002), 24 }, all = { addr4(0), 0 };
    assert_int_equal(stack_add_iface(st, &(struct iface_config){ .kind = IFACE_IP, .name = "a\"b" }, 0), 0);
    assert_int_equal(stack_add_addr(st, 0, own, false, 0), PLUMB_OK);
    assert_int_equal(stack_add_route(st, all, addr4(0x0a090001), 0, 0), PLUMB_OK);
    is(st, "addr", "{\"addr\":\"10.9.0.2/24\",\"iface\":\"a\\\"b\",\"state\":\"ready\"}\n");
    is(st, "route", "{\"dst\":\"10.9.0.0/24\",\"via\":null,\"iface\":\"a\\\"b\",\"kind\":\"unicast\"}\n"
                    "{\"dst\":\"0.0.0.0/0\",\"via\":\"10.9.0.1\",\"iface\":\"a\\\"b\",\"kind\":\"unicast\"}\n");
    is(st, "neigh", "");
    is(st, "nat", "");
    assert_null(lines(st, "secrets"));
    stack_free(st);
}

static void values(void **state)
{
    (void)state;
    char out[8];
    static const char line[] = "{\"addr\":\"10.9.0.2/24\",\"via\":null,\"n\":7,\"iface\":\"a\\\"b\"}";
    assert_true(line_value(line, "iface", out, sizeof out));
    assert_string_equal(out, "a\"b");
    assert_true(line_value(line, "n", out, sizeof out));
    assert_string_equal(out, "7");
    assert_true(line_value(line, "addr", out, sizeof out));     /* cut to fit */
    assert_string_equal(out, "10.9.0.");
    assert_false(line_value(line, "via", out, sizeof out));
    assert_false(line_value(line, "none", out, sizeof out));
    static const char *const bad[] = { "", "{", "{\"", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":\"\\", "[1]", "{\"b\"}" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        (void)line_value(bad[i], "a", out, sizeof out);
    assert_false(line_value("{\"a\":\"x", "a", out, sizeof out));
}

TESTS(of_a_stack, values)
