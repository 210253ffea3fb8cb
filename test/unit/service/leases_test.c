#include "../test.h"
#include "service/leases.h"
#include <stdlib.h>

#define S NS_PER_SEC
#define CIVIL (INT64_C(1700000000) * NS_PER_SEC)

static struct lease_id id(uint8_t n) { return (struct lease_id){ .len = 7, .b = { 0, 2, 0, 0, 0, 0, n } }; }
static struct addr addr(unsigned n)  { return addr4(0x0a000000 + n); }

static struct lease *put(struct leases *l, unsigned n, uint8_t who, enum lease_state state, int64_t until_ns)
{
    const struct lease_id i = id(who);
    struct lease *one = leases_put(l, addr(n), &i);
    assert_non_null(one);
    one->state = (uint8_t)state;
    one->expires_ns = until_ns;
    one->mac.b[5] = who;
    return one;
}

static void found(void **state)
{
    (void)state;
    struct leases *l = leases_new(3);
    const struct lease_id one = id(1), two = id(2), three = id(3);
    put(l, 5, 1, LEASE_BOUND, 10 * S);
    put(l, 6, 1, LEASE_BOUND, 20 * S);
    put(l, 7, 2, LEASE_OFFERED, 20 * S);
    assert_null(leases_put(l, addr(8), &three));
    assert_null(leases_at(l, addr(8)));
    assert_int_equal(leases_at(l, addr(6))->expires_ns, 20 * S);
    unsigned n = 0;
    for (const struct lease *at = NULL; (at = leases_of(l, &one, at)); n++)
        assert_true(lease_id_same(&at->id, &one));
    assert_int_equal(n, 2);
    assert_ptr_equal(leases_put(l, addr(6), &two), leases_at(l, addr(6)));      /* it goes over to another */
    assert_ptr_equal(leases_of(l, &one, NULL), leases_at(l, addr(5)));
    assert_null(leases_of(l, &one, leases_at(l, addr(5))));
    assert_non_null(leases_of(l, &two, leases_of(l, &two, NULL)));
    assert_null(leases_of(l, &three, NULL));
    leases_free(l);
}

static void oldest(void **state)
{
    (void)state;
    struct leases *l = leases_new(8);
    put(l, 1, 1, LEASE_BOUND, 10 * S)->since_ns = 5 * S;
    put(l, 2, 2, LEASE_BOUND, 10 * S)->since_ns = 3 * S;
    put(l, 3, 3, LEASE_BOUND, 90 * S)->since_ns = 1 * S;
    put(l, 4, 4, LEASE_FREE, 0)->since_ns = 4 * S;
    struct lease *fixed = put(l, 5, 5, LEASE_FREE, 0);
    fixed->fixed = true;
    assert_ptr_equal(leases_oldest_free(l, addr(1), addr(9), 9 * S), leases_at(l, addr(4)));
    assert_ptr_equal(leases_oldest_free(l, addr(1), addr(9), 10 * S), leases_at(l, addr(2)));
    assert_null(leases_oldest_free(l, addr(5), addr(9), 10 * S));
    leases_free(l);
}

static char *written(const struct leases *l, int64_t now_ns, int64_t civil_ns)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    leases_write(l, f, now_ns, civil_ns);
    fclose(f);
    return text;
}

static void outlives(void **state)
{
    (void)state;
    char error[LEASES_ERROR] = "";
    struct leases *l = leases_new(8), *again = leases_new(8);
    struct lease *one = put(l, 1, 1, LEASE_BOUND, 100 * S);
    strcpy(one->name, "a b%\xc3\xa9\n");
    put(l, 2, 2, LEASE_DECLINED, 50 * S);
    put(l, 3, 3, LEASE_BOUND, 15 * S);
    put(l, 9, 9, LEASE_BOUND, DEADLINE_NEVER)->fixed = true;
    char *text = written(l, 10 * S, CIVIL);
    assert_true(leases_read(again, text, 7 * S, CIVIL + 20 * S, error));        /* 20 s later, by another monotonic clock */
    one = leases_at(again, addr(1));
    assert_int_equal(one->expires_ns, (7 + 90 - 20) * S);
    assert_string_equal(one->name, "a b%\xc3\xa9\n");
    assert_int_equal(one->mac.b[5], 1);
    assert_int_equal(leases_at(again, addr(2))->state, LEASE_DECLINED);
    assert_true(lease_is_free(leases_at(again, addr(3)), 7 * S));
    assert_int_equal(leases_at(again, addr(3))->since_ns, (7 - 20) * S);
    assert_null(leases_at(again, addr(9)));
    free(text);
    leases_free(l);
    leases_free(again);
}

/* The civil clock was put back by a year: what has 90 s left has no more than that. */
static void clock_put_back(void **state)
{
    (void)state;
    char error[LEASES_ERROR];
    struct leases *l = leases_new(8), *again = leases_new(8);
    put(l, 1, 1, LEASE_BOUND, 100 * S);
    char *text = written(l, 10 * S, CIVIL);
    assert_true(leases_read(again, text, 0, CIVIL - 31536000 * S, error));
    assert_int_equal(leases_at(again, addr(1))->expires_ns, 90 * S);
    free(text);
    leases_free(l);
    leases_free(again);
}

/* The last line of an address holds; one without its end never counted. */
static void last_line_holds(void **state)
{
    (void)state;
    char error[LEASES_ERROR], line[LEASE_LINE], text[2000];
    struct leases *l = leases_new(8), *again = leases_new(8);
    struct lease *one = put(l, 1, 1, LEASE_BOUND, 100 * S);
    size_t at = (size_t)snprintf(text, sizeof text, "plumb leases 1\n%s", lease_line(one, 0, CIVIL, line));
    one->state = LEASE_FREE;
    at += (size_t)snprintf(text + at, sizeof text - at, "%s", lease_line(one, 0, CIVIL, line));
    one = put(l, 2, 2, LEASE_BOUND, 100 * S);
    lease_line(one, 0, CIVIL, line);
    snprintf(text + at, sizeof text - at, "%.*s", (int)strlen(line) - 1, line);
    assert_true(leases_read(again, text, 0, CIVIL, error));
    assert_int_equal(leases_at(again, addr(1))->state, LEASE_FREE);
    assert_null(leases_at(again, addr(2)));
    leases_free(l);
    leases_free(again);
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "hello\n", "plumb leases 1\nhello\n", "plumb leases 1\n10.0.0.1/33 bound 1 1 - 00:00:00:00:00:00 -\n",
        "plumb leases 1\n10.0.0.1/32 bound -1 1 - 00:00:00:00:00:00 -\n", "plumb leases 1\n10.0.0.1/32 bound 1 1 abc 00:00:00:00:00:00 -\n",
        "plumb leases 1\n10.0.0.1/32 bound 1 1 ab 00:00:00:00:00:00 %zz\n", "plumb leases 1\n10.0.0.1/32 bound 1 1 ab 00:00:00:00:00:00 - more\n" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char error[LEASES_ERROR] = "";
        struct leases *l = leases_new(8);
        if (leases_read(l, bad[i], 0, CIVIL, error) || !*error)
            fail_msg("\"%s\" was taken", bad[i]);
        leases_free(l);
    }
    struct leases *l = leases_new(1);
    char error[LEASES_ERROR];
    assert_true(leases_read(l, "", 0, CIVIL, error));
    assert_true(leases_read(l, "plumb leases 1\n", 0, CIVIL, error));
    leases_free(l);
}

static bool fails(void *arg, const char *line) { (void)line; ++*(int *)arg; return false; }

static void kept(void **state)
{
    (void)state;
    int n = 0;
    const struct lease_keeper nobody = { 0 }, full = { fails, &n };
    struct leases *l = leases_new(1);
    struct lease *one = put(l, 1, 1, LEASE_BOUND, S);
    assert_true(lease_keep(&nobody, one, 0, CIVIL));
    assert_false(lease_keep(&full, one, 0, CIVIL));
    one->fixed = true;
    assert_true(lease_keep(&full, one, 0, CIVIL));
    assert_int_equal(n, 1);
    leases_free(l);
}

TESTS(found, oldest, outlives, clock_put_back, last_line_holds, refused, kept)
