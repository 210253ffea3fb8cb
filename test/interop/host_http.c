/* HTTP and DNS on the host's sockets, for host_http.sh: what the command line does, bare.
 *   host_http fetch [-L] [-I] [-r RANGE] [-X METHOD] [-d DATA | -T FILE] [-H LINE]... [-o FILE] [-s ADDR:PORT] URL...
 *   host_http serve DIR PORT          also takes PUT and POST, and answers with their length
 *   host_http dns ZONEFILE ORIGIN PORT */
#include "http/fetch.h"
#include "name/auth.h"
#include "os/files.h"
#include "os/hostsock.h"
#include "service/site.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loop loop;
static struct wait *w;
static struct hostsock *host;
static struct fetch *f;
static FILE *out;

static void die(const char *what)
{
    fprintf(stderr, "host_http: %s\n", what);
    exit(2);
}

static char *slurp(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        die(path);
    fseek(in, 0, SEEK_END);
    *len = (size_t)ftell(in);
    rewind(in);
    char *text = malloc(*len + 1);
    if (!text || fread(text, 1, *len, in) != *len)
        die(path);
    text[*len] = 0;
    fclose(in);
    return text;
}

/* ----------------------------------------------------------------- fetch */

static void on_fetch(void *arg)
{
    size_t n;
    (void)arg;
    for (const uint8_t *p; (p = fetch_peek(f, &n));) {
        if (fwrite(p, 1, n, out) != n)
            die("cannot write");
        fetch_consume(f, n);
    }
    if (fetch_phase(f) >= FETCH_DONE)
        loop_stop(&loop);
}

struct asked { struct fetch_options o; const char *headers[16]; struct http_bytes bytes; struct http_source source; struct endpoint server; char *file; };

static size_t endless_read(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed)
{
    struct http_bytes *b = arg;
    (void)failed;
    const size_t n = b->len - b->at < max ? b->len - b->at : max;
    memcpy(to, b->bytes + b->at, n);
    b->at += n;
    *ended = b->at == b->len;
    return n;
}

static void option(struct asked *a, int c)
{
    size_t n = 0;
    switch (c) {
    case 'L': a->o.follow = true; break;
    case 'I': a->o.head_only = true; break;
    case 'r': a->o.range = optarg; break;
    case 'X': a->o.method = optarg; break;
    case 'H': a->headers[a->o.n_headers++ & 15] = optarg; break;
    case 'o': out = fopen(optarg, "wb"); break;
    case 's': if (!endpoint_parse(optarg, &a->server)) die("-s"); break;
    case 'c':
    case 'T':
    case 'd':
        if (c != 'd')
            a->file = slurp(optarg, &n);
        a->bytes = (struct http_bytes){ .bytes = c == 'd' ? (const uint8_t *)optarg : (const uint8_t *)a->file, .len = c == 'd' ? strlen(optarg) : n };
        a->source = http_source_of(&a->bytes);
        if (c == 'c') {                                 /* in chunks, as from a pipe */
            a->source.length = -1;
            a->source.read = endless_read;
        }
        a->o.body = &a->source;
        a->o.put = c != 'd';
        break;
    default: die("unknown option");
    }
}

static int fetch_main(int argc, char **argv)
{
    static struct asked a;
    static struct http_pool pool;
    int status = 0;
    out = stdout;
    a.o.headers = a.headers;
    a.o.max_time_ns = 60 * NS_PER_SEC;
    for (int c; (c = getopt(argc, argv, "LIr:X:d:T:c:H:o:s:")) != -1;)
        option(&a, c);
    struct stub *stub = stub_new(hostsock_net(host), &(struct stub_config){ .n_servers = a.server.port != 0, .servers = { a.server } });
    for (int i = optind; i < argc; i++) {
        a.o.url = argv[i];
        f = fetch_new(hostsock_net(host), stub, &pool, &a.o);
        fetch_watch(f, on_fetch, NULL);
        if (wait_run(w))
            die("interrupted");
        const struct fetch_facts facts = fetch_facts(f);
        status = fetch_phase(f) == FETCH_DONE ? 0 : http_error_exit(fetch_error(f));
        fprintf(stderr, "status=%d redirects=%u reused=%d bytes=%llu exit=%d %s\n", status ? 0 : fetch_answer(f)->status, facts.redirects, facts.reused,
                (unsigned long long)facts.body_bytes, status, fetch_message(f));
        fetch_free(f);
    }
    http_pool_fini(&pool);
    stub_free(stub);
    fclose(out);
    free(a.file);
    return status;
}

/* ----------------------------------------------------------------- serve */

static struct http_handler site_only;

static bool is_upload(struct http_exchange *x) { return strcmp(x->request->method, "PUT") == 0 || strcmp(x->request->method, "POST") == 0; }
static void on_head(void *arg, struct http_exchange *x)
{
    if (!is_upload(x))
        site_only.head(arg, x);
}
static void on_data(void *arg, struct http_exchange *x, const uint8_t *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    x->user = (void *)((uintptr_t)x->user + len);
}
static void on_end(void *arg, struct http_exchange *x)
{
    char text[32];
    (void)arg;
    const int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)(uintptr_t)x->user);
    http_respond(x, &(struct http_answer){ .status = 200, .body = http_source_copy(text, (size_t)n) });
}
static void stop(void *arg) { (void)arg; loop_stop(&loop); }

static int serve_main(const char *dir, const char *port)
{
    enum plumb_err e;
    struct files *files = files_open(dir, &e);
    if (!files)
        die(plumb_err_text(e));
    struct site site = { .tree = files_tree(files) };
    site_only = site_handler(&site);
    const struct http_handler both = { .head = on_head, .data = on_data, .end = on_end, .arg = &site };
    struct http_server *s = http_server_new(hostsock_net(host), &(struct http_server_config){ .handler = both, .idle_timeout_ns = 2 * NS_PER_SEC,
                                                                                              .head_timeout_ns = 2 * NS_PER_SEC });
    struct listener *l;
    e = net_listen(hostsock_net(host), &(struct listen_opts){ .local = { .port = (uint16_t)atoi(port) }, .no_delay = true }, &l);
    if (e != PLUMB_OK)
        die(plumb_err_text(e));
    http_server_listen(s, l);
    wait_run(w);
    http_server_watch(s, stop, NULL);
    http_server_stop(s);
    wait_run_until(w, clock_now_ns() + 5 * NS_PER_SEC);
    http_server_free(s);
    files_close(files);
    return 0;
}

static int dns_main(const char *path, const char *origin, const char *port)
{
    char error[ZONE_ERROR];
    size_t n;
    char *text = slurp(path, &n);
    struct zone *z = zone_parse(text, origin, error);
    if (!z)
        die(error);
    struct auth *a = auth_new(hostsock_net(host));
    if (!auth_add_zone(a, z) || auth_listen(a, (struct endpoint){ addr4(0x7f000001), (uint16_t)atoi(port) }) != PLUMB_OK)
        die("cannot serve the zone");
    wait_run(w);
    auth_free(a);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 2;
    loop_init(&loop, 0, 0);
    w = wait_new(&loop);
    host = hostsock_new(w, &loop, NULL);
    wait_catch_signals(w);
    if (argc > 2 && strcmp(argv[1], "fetch") == 0)
        status = fetch_main(argc - 1, argv + 1);
    else if (argc == 4 && strcmp(argv[1], "serve") == 0)
        status = serve_main(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "dns") == 0)
        status = dns_main(argv[2], argv[3], argv[4]);
    hostsock_free(host);
    wait_free(w);
    return status;
}
