#include "lab/pages.h"
#include "service/memtree.h"
#include <string.h>

const char lab_zone[] =
    "$ORIGIN test.\n"
    "$TTL 300\n"
    "@            IN SOA ns.test. admin.test. 1 3600 600 86400 60\n"
    "@            IN NS  ns.test.\n"
    "ns           IN A   10.0.2.3\n"
    "ns           IN AAAA 2001:db8:2::3\n"
    "router.lan   IN A   10.0.2.1\n"
    "router.lan   IN AAAA 2001:db8:2::1\n"
    "backbone.router IN A 203.0.113.1\n"
    "backbone.router IN AAAA 2001:db8:71::1\n"
    "names.lan    IN A   10.0.2.3\n"
    "names.lan    IN AAAA 2001:db8:2::3\n"
    "shop         IN A   203.0.113.80\n"
    "shop         IN AAAA 2001:db8:71::80\n"
    "www.shop     IN CNAME shop.test.\n"
    "static.shop  IN A   203.0.113.80\n"
    "static.shop  IN AAAA 2001:db8:71::80\n"
    "gone.shop    IN A   203.0.113.99\n"        /* nobody has the addresses */
    "gone.shop    IN AAAA 2001:db8:71::99\n"
    "silent.shop  IN A   198.51.100.7\n"        /* packets to them vanish */
    "silent.shop  IN AAAA 2001:db8:64::7\n"
    "six.shop     IN AAAA 2001:db8:71::80\n"
    "mail.shop    IN MX  10 shop.test.\n"
    "shop         IN TXT \"a shop in the virtual internet\"\n";

const char lab_reverse_zone[] =
    "$ORIGIN in-addr.arpa.\n"
    "$TTL 300\n"
    "@              IN SOA ns.test. admin.test. 1 3600 600 86400 60\n"
    "@              IN NS  ns.test.\n"
    "1.2.0.10       IN PTR router.lan.test.\n"
    "3.2.0.10       IN PTR names.lan.test.\n"
    "1.113.0.203    IN PTR backbone.router.test.\n"
    "80.113.0.203   IN PTR shop.test.\n";

const char lab_reverse_zone_6[] =
    "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n"
    "$TTL 300\n"
    "@              IN SOA ns.test. admin.test. 1 3600 600 86400 60\n"
    "@              IN NS  ns.test.\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0 IN PTR router.lan.test.\n"
    "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0 IN PTR names.lan.test.\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.7.0.0 IN PTR backbone.router.test.\n"
    "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.7.0.0 IN PTR shop.test.\n";

static const char index_html[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>The Plumb Shop</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\n"
    "<body>\n"
    "<h1>The Plumb Shop</h1>\n"
    "<p>You reached this page through a switch and a router, over links with real delays,\n"
    "from the first frame to the last byte on plumb's own stack.</p>\n"
    "<ul>\n"
    "<li><a href=\"/catalog.html\">Catalog</a></li>\n"
    "<li><a href=\"/big.bin\">A large file</a> (10 MB)</li>\n"
    "</ul>\n"
    "</body>\n"
    "</html>\n";

static const char catalog_html[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>Catalog</title></head>\n"
    "<body><h1>Catalog</h1>\n"
    "<table><tr><th>Article</th><th>Price</th></tr>\n"
    "<tr><td>plumb line, 3 m</td><td>7.50</td></tr>\n"
    "<tr><td>plumb bob, brass</td><td>19.00</td></tr>\n"
    "</table></body></html>\n";

static const char about_html[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>About</title></head>\n"
    "<body><h1>About</h1><p>Plumb lines since 1981, the year of RFC 793.</p></body></html>\n";

static const char style_css[] = "body { font-family: sans-serif; max-width: 40em; margin: 2em auto; }\n";

#define TEXT(path, text) { path, text, sizeof text - 1 }
static const struct memfile files[] = {
    TEXT("index.html", index_html),
    TEXT("catalog.html", catalog_html),
    TEXT("about/index.html", about_html),          /* /about redirects to /about/ */
    TEXT("style.css", style_css),
    { "big.bin", NULL, 10000000 },
};

struct tree lab_pages(void)
{
    static struct memtree tree = { files, sizeof files / sizeof files[0], INT64_C(1767139200) * 1000000000 };     /* 2025-12-31 */
    return memtree_tree(&tree);
}
