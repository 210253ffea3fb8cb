/* A URL, a reference resolved against it, and the path a site makes of it.
 * covers: src/http/url.c */
#include "fuzz.h"
#include "http/url.h"
#include "service/site.h"

/* Whatever came in, what comes out fits a request line and says the same again. */
static void check(const struct url *u)
{
    char text[URL_TEXT], path[URL_TARGET + 1], host[URL_HOST + 16];
    struct url again;
    REQUIRE(u->target[0] == '/' && u->port != 0 && u->host[0] != 0);
    for (const char *c = u->target; *c; c++)
        REQUIRE(*c > ' ' && *c < 0x7f);
    for (const char *c = u->host; *c; c++)
        REQUIRE(*c > ' ' && *c < 0x7f && *c != '/' && *c != '@');
    url_host_header(u, host);
    REQUIRE(url_parse(url_text(u, text), &again) == URL_OK);
    REQUIRE(strcmp(again.target, u->target) == 0 && url_same_origin(&again, u));
    if (!site_path(u->target, path, sizeof path))
        return;
    REQUIRE(path[0] != '/' && !strstr(path, "//") && !strstr(path, "/../") && strncmp(path, "../", 3) != 0 && strcmp(path, "..") != 0);
    const size_t n = strlen(path);
    REQUIRE(n < 3 || strcmp(path + n - 3, "/..") != 0);
}

FUZZ_TEXT(text)
{
    struct url base = { 0 }, u;
    char *reference = strchr(text, '\n');
    if (reference)
        *reference++ = 0;
    if (url_parse(text, &base) == URL_OK) {
        check(&base);
        if (reference && url_resolve(&base, reference, &u) == URL_OK)
            check(&u);
    }
    url_parse("http://a.test/b/c?d", &base);
    if (url_resolve(&base, text, &u) == URL_OK)
        check(&u);
}
