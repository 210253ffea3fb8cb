/* The HTTP server as a whole: a connection's bytes in pieces, a site behind it.  It
 * answers in HTTP/1.x, and no peer can hold it.
 * covers: src/http/server.c src/http/server_answer.c src/http/h1.c src/http/conditions.c src/service/site.c */
#include "fakenet.h"
#include "http/server.h"
#include "service/memtree.h"
#include "service/site.h"

static uint64_t n_out;

static void on_sent(const uint8_t *bytes, size_t len)
{
    static const char begin[] = "HTTP/1.";
    for (size_t i = 0; i < len && n_out + i < sizeof begin - 1; i++)
        REQUIRE(bytes[i] == (uint8_t)begin[n_out + i]);
    n_out += len;
}

/* Each piece when the one before was taken, or there was time for it. */
static void say(const uint8_t *data, size_t size)
{
    const size_t piece = 1 + size * 7 % 997;
    for (size_t at = 0; at < size && fake.held && !fake.shut;) {
        const size_t room = sizeof fake.in - fake.n_in, left = size - at, n = piece < left ? piece : left;
        if (n <= room) {
            memcpy(fake.in + fake.n_in, data + at, n);
            fake.n_in += n;
            at += n;
            loop_defer(&fake.loop, &fake.stream.watch);
        }
        fake_turn();
        if (n > room)
            fake_pass(NS_PER_SEC);
    }
}

FUZZ(data, size)
{
    static const struct memfile files[] = { { "index.html", "<h1>it works</h1>\n", 18 }, { "a b.txt", "text", 4 },
                                            { "d/big", NULL, 100000 }, { "empty", "", 0 } };
    struct memtree memory = { .files = files, .count = sizeof files / sizeof files[0] };
    struct site site = { .tree = memtree_tree(&memory) };
    fake_begin(on_sent);
    n_out = 0;
    struct http_server *s = http_server_new(&fake.net, &(struct http_server_config){ .handler = site_handler(&site), .max_body = 10000 });
    REQUIRE(s && http_server_listen(s, &fake.listener));
    fake.waiting = true;
    loop_defer(&fake.loop, &fake.listener.watch);
    fake_turn();
    REQUIRE(fake.held && http_server_conns(s) == 1);
    say(data, size);
    fake.ended = true;
    if (fake.held)
        loop_defer(&fake.loop, &fake.stream.watch);
    fake_turn();
    fake_pass(300 * NS_PER_SEC);
    REQUIRE(!fake.held && http_server_conns(s) == 0);
    http_server_free(s);
}
