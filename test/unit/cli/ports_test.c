#include "../test.h"
#include "cli/ports.h"

static void lists(void **state)
{
    (void)state;
    static const struct { const char *text; unsigned count; unsigned has, has_not; } all[] = {
        { "80", 1, 80, 81 }, { "22,80,1000-1002", 5, 1001, 1003 }, { "http", 1, 80, 443 }, { "ssh-smtp", 4, 23, 26 }, { "-", 65535, 65535, 0 },
        { "-100", 100, 1, 101 }, { "65000-", 536, 65535, 64999 }, { "ftp-data", 1, 20, 21 }, { "ftp-data-ssh", 3, 21, 23 }, { "80,80,79-81", 3, 79, 82 },
        { "HTTPS,imap", 2, 443, 80 }, { "1-65535", 65535, 1, 0 }, { "ftp-data-ftps-data", 970, 989, 990 } };
    struct port_set s;
    char error[PORTS_ERROR];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!ports_parse(all[i].text, &s, error))
            fail_msg("%s: %s", all[i].text, error);
        assert_int_equal(ports_count(&s), all[i].count);
        assert_true(port_set_has(&s, all[i].has) && !port_set_has(&s, all[i].has_not));
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ",", "80,", ",80", "0", "0-5", "65536", "80-79", "nonsense", "80-nonsense", "8x", "1-2-3", "99999999999999999999", " 80", "80 ", "--" };
    struct port_set s;
    char error[PORTS_ERROR];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ports_parse(bad[i], &s, error))
            fail_msg("\"%s\" was taken", bad[i]);
}

static void names(void **state)
{
    (void)state;
    struct port_set s;
    assert_string_equal(port_name(443), "https");
    assert_null(port_name(4));
    assert_int_equal(port_of_name("smtp", 4), 25);
    assert_int_equal(port_of_name("smt", 3), 0);
    ports_named(&s);
    assert_true(ports_count(&s) > 90 && port_set_has(&s, 22) && !port_set_has(&s, 0));
}

TESTS(lists, refused, names)
