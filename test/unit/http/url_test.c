#include "../test.h"
#include "http/url.h"

static char text[URL_TEXT];
static struct url u;

static const char *parsed(const char *in)
{
    const enum url_error e = url_parse(in, &u);
    if (e != URL_OK)
        return url_error_text(e);
    return url_text(&u, text);
}

static void parses(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } good[] = {
        { "http://www.shop.test/", "http://www.shop.test/" },
        { "http://www.shop.test", "http://www.shop.test/" },
        { "WWW.Shop.test", "http://www.shop.test/" },
        { "localhost:8080/a", "http://localhost:8080/a" },
        { "HTTP://a.test:80/b", "http://a.test/b" },
        { "https://a.test:443", "https://a.test/" },
        { "https://a.test:80", "https://a.test:80/" },
        { "http://a.test:/", "http://a.test/" },
        { "http://[2001:DB8::1]:81/x", "http://[2001:db8::1]:81/x" },
        { "http://10.0.0.1?q=1", "http://10.0.0.1/?q=1" },
        { "http://a.test#frag", "http://a.test/" },
        { "http://a.test/x?y#z?w", "http://a.test/x?y" },
        { "http://joe:secret@a.test/x", "http://a.test/x" },
        { "http://a.test/%7Ejoe/%2F", "http://a.test/%7Ejoe/%2F" },
        { "http://a.test/\xc3\xa9{a}", "http://a.test/%C3%A9%7Ba%7D" },
        { "http://a.test/a/./b/../c", "http://a.test/a/c" },
        { "http://a.test/../../x", "http://a.test/x" },
        { "http://a.test/a/%2e%2E/b", "http://a.test/b" },
        { "http://a.test/a//../b", "http://a.test/a/b" },
        { "http://a.test/a/..", "http://a.test/" },
        { "http://a.test/a/b/.", "http://a.test/a/b/" },
        { "http://a.test/...", "http://a.test/..." },
        { "http://a.test/x?../y", "http://a.test/x?../y" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_string_equal(parsed(good[i].in), good[i].out);
    assert_string_equal(parsed("http://joe:se@cret@a.test/x"), "http://a.test/x");
    assert_string_equal(u.user, "joe:se@cret");
    assert_string_equal(parsed("http://[::1]/"), "http://[::1]/");
    assert_string_equal(u.host, "::1");
}

static void refuses(void **state)
{
    (void)state;
    static const struct { const char *in; enum url_error e; } bad[] = {
        { "", URL_EMPTY }, { "ftp://a.test/", URL_SCHEME }, { "mailto:joe", URL_SCHEME }, { "http:///x", URL_NO_HOST },
        { "http:/x", URL_NO_HOST }, { "http://", URL_NO_HOST }, { "http://:80/", URL_NO_HOST }, { "http://a b/", URL_CHARACTER },
        { "http://a.test/a b", URL_CHARACTER }, { "http://a.test/a\n", URL_CHARACTER }, { "http://a.test:0/", URL_PORT_BAD },
        { "http://a.test:65536/", URL_PORT_BAD }, { "http://a.test:8x/", URL_PORT_BAD }, { "http://a.test:99999999999999/", URL_PORT_BAD },
        { "http://b\xc3\xbc" "cher.test/", URL_HOST_NOT_ASCII }, { "http://a%41/", URL_HOST_BAD }, { "http://[::1/", URL_HOST_BAD },
        { "http://[10.0.0.1]/", URL_HOST_BAD }, { "http://[]/", URL_HOST_BAD }, { "http://a..test/", URL_HOST_BAD },
        { "http://a.test\\@b.test/", URL_HOST_BAD }, { "http://a.test/%", URL_ESCAPE_BAD }, { "http://a.test/%4", URL_ESCAPE_BAD },
        { "http://a.test/%zz", URL_ESCAPE_BAD }, { "http://::1/", URL_PORT_BAD },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const enum url_error e = url_parse(bad[i].in, &u);
        if (e != bad[i].e && !(bad[i].e == URL_PORT_BAD && (e == URL_HOST_BAD || e == URL_NO_HOST)))
            fail_msg("%s: %s", bad[i].in, url_error_text(e));
    }
    static char long_url[URL_TARGET + 100];
    memset(long_url, 'a', sizeof long_url - 1);
    memcpy(long_url, "http://a.test/", 14);
    assert_int_equal(url_parse(long_url, &u), URL_TOO_LONG);
    memset(long_url, 'a', 400);
    long_url[400] = 0;
    assert_int_equal(url_parse(long_url, &u), URL_HOST_BAD);
}

/* RFC 3986 §5.4, the examples that stay within http. */
static void resolves(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } rows[] = {
        { "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" }, { "/g", "http://a/g" },
        { "//g", "http://g/" }, { "?y", "http://a/b/c/d;p?y" }, { "g?y", "http://a/b/c/g?y" }, { "#s", "http://a/b/c/d;p?q" },
        { "g#s", "http://a/b/c/g" }, { "g?y#s", "http://a/b/c/g?y" }, { ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" },
        { "", "http://a/b/c/d;p?q" }, { ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" },
        { "../", "http://a/b/" }, { "../g", "http://a/b/g" }, { "../..", "http://a/" }, { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" }, { "../../../../g", "http://a/g" }, { "/./g", "http://a/g" }, { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." }, { ".g", "http://a/b/c/.g" }, { "g..", "http://a/b/c/g.." }, { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" }, { "./g/.", "http://a/b/c/g/" }, { "g/./h", "http://a/b/c/g/h" }, { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" }, { "g;x=1/../y", "http://a/b/c/y" }, { "g?y/./x", "http://a/b/c/g?y/./x" },
        { "https://b.test:8443/x", "https://b.test:8443/x" }, { "//b.test:99/x", "http://b.test:99/x" },
        { "two words", "http://a/b/c/two%20words" },
    };
    struct url base, out;
    assert_int_equal(url_parse("http://a/b/c/d;p?q", &base), URL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(url_resolve(&base, rows[i].in, &out), URL_OK);
        assert_string_equal(url_text(&out, text), rows[i].out);
    }
    assert_int_equal(url_resolve(&base, "g:h", &out), URL_SCHEME);
    assert_int_equal(url_resolve(&base, "x\ny", &out), URL_CHARACTER);
    assert_int_equal(url_resolve(&base, "https:g", &out), URL_NO_HOST);
    assert_int_equal(url_resolve(&base, "//c.test/", &base), URL_OK);
    assert_string_equal(base.host, "c.test");
}

static void decodes(void **state)
{
    (void)state;
    char a[] = "/a%20b%2Fc", b[] = "%00", c[] = "%4";
    assert_true(url_decode(a));
    assert_string_equal(a, "/a b/c");
    assert_false(url_decode(b));
    assert_false(url_decode(c));
}

TESTS(parses, refuses, resolves, decodes)
