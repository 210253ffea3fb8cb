/* plumb fetch URL: one page, from the typed URL to the last byte. */
#include "cli/fetch.h"
#include "base/units.h"
#include "cli/cli.h"
#include "http/url.h"
#include "lab/internet.h"
#include "view/packet_line.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLOSING_PATIENCE_NS (3 * NS_PER_SEC)

/* ------------------------------------------------------------------ steps */

static int64_t now_of(struct fetch_run *r) { return loop_now(network_loop(r->n)); }

static void begin(struct fetch_run *r, enum journey_step step)
{
    r->step = step;
    TRACE(network_trace(r->n), now_of(r), 0, step_begin, .step = (uint8_t)step);
}

__attribute__((format(printf, 4, 5))) static void end(struct fetch_run *r, enum journey_step step, enum step_state state, const char *format, ...)
{
    char text[STEP_DETAIL];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    TRACE_BYTES(network_trace(r->n), now_of(r), 0, step_end, text, (uint32_t)strlen(text), .step = (uint8_t)step, .state = (uint8_t)state);
}

static void say_route(struct fetch_run *r, struct addr remote);

static void fail(struct fetch_run *r, int status, const char *message)
{
    if (r->status)
        return;
    r->status = status;
    if (r->step == STEP_ROUTE && r->journey.current == STEP_CONNECT) {      /* a segment left: the route was found */
        say_route(r, fetch_facts(r->f).remote.addr);
        r->step = STEP_CONNECT;
    }
    snprintf(r->error, sizeof r->error, "%s", message);
    end(r, r->step, STEP_FAILED, "%s", message);
}

static void on_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct fetch_run *r = arg;
    journey_event(&r->journey, e, bytes, n_bytes);
    if (e->kind == EV_tcp_state && e->conn == r->conn) {
        const uint8_t to = EVENT_BODY_OF(e, tcp_state)->to;
        r->conn_over |= to == 10 || to == 0;            /* TIME-WAIT, CLOSED */
        if (r->conn_over && r->finished)
            loop_stop(network_loop(r->n));
    }
    if (!r->c->verbose || r->c->silent || (e->kind != EV_pkt_in && e->kind != EV_pkt_out && e->kind != EV_pkt_drop) || e->node != r->journey.node)
        return;
    char line[PACKET_LINE];
    const double at_s = (double)(e->time_ns - r->journey.step[STEP_URL].start_ns) / 1e9;
    if (e->kind == EV_pkt_drop)
        fprintf(stderr, "%12.6f  x dropped: %s\n", at_s, why_text(EVENT_BODY_OF(e, pkt_drop)->why));
    else
        fprintf(stderr, "%12.6f %s %s\n", at_s, e->kind == EV_pkt_in ? "<-" : "->", packet_line(bytes, n_bytes, true, line));
}

/* ------------------------------------------------------- what was found out */

/* What a router's advertisement brought; false: nothing. */
static bool said_address6(struct fetch_run *r)
{
    struct stack *st = network_stack(r->n);
    struct addr_info a;
    struct route_info route;
    struct addr from = ADDR_NONE, dns[1];
    char own[ADDR_TEXT], router[ADDR_TEXT], server[ADDR_TEXT];
    for (uint32_t cursor = 0; stack_walk_routes(st, &cursor, &route);)
        if (route.dst.len == 0 && !addr_is4(route.dst.addr))
            from = route.via;
    const bool named = stack_router_dns(st, network_iface(r->n), dns, 1) > 0;
    for (uint32_t cursor = 0; !addr_is_none(from) && stack_walk_addrs(st, &cursor, &a);) {
        if (!a.ready || addr_is4(a.addr.addr) || addr_is_link_local(a.addr.addr) || r->c->open.via.n_addr)
            continue;
        end(r, STEP_ADDRESS, STEP_DONE, "%s/%u, made from what router %s advertises; name server %s", addr_text(a.addr.addr, own), a.addr.len,
            addr_text(from, router), named ? addr_text(dns[0], server) : "none");
        return true;
    }
    return false;
}

static void say_address(struct fetch_run *r)
{
    struct dhcp_lease_info lease;
    struct prefix p;
    char own[ADDR_TEXT], server[ADDR_TEXT], router[ADDR_TEXT], dns[ADDR_TEXT];
    struct stack *st = network_stack(r->n);
    if (!st) {
        end(r, STEP_ADDRESS, STEP_UNUSED, "the host has its addresses already");
    } else if (r->c->open.family == NAME_V6 && said_address6(r)) {
        return;
    } else if (stack_dhcp_lease(st, network_iface(r->n), &lease) && lease.bound) {
        end(r, STEP_ADDRESS, STEP_DONE, "%s/%u by DHCP from %s; router %s, name server %s, for %u s", addr_text(lease.addr.addr, own), lease.addr.len,
            addr_text(lease.server, server), addr_text(lease.router, router), lease.n_dns ? addr_text(lease.dns[0], dns) : "none", lease.lease_s);
    } else if (!said_address6(r) && stack_addr_ready(st, network_iface(r->n), &p)) {
        end(r, STEP_ADDRESS, STEP_DONE, "%s/%u, as given", addr_text(p.addr, own), p.len);
    }
}

static void say_name(struct fetch_run *r, const struct fetch_facts *facts)
{
    struct addr literal, dns[VIA_DNS];
    char to[ADDR_TEXT], server[ADDR_TEXT];
    const char *host = fetch_url(r->f)->host;
    if (addr_parse(host, &literal))
        end(r, STEP_NAME, STEP_DONE, "%s is an address already", host);
    else if (!network_stack(r->n) || network_dns(r->n, dns) == 0)
        end(r, STEP_NAME, STEP_DONE, "%s is %s", host, addr_text(facts->remote.addr, to));
    else
        end(r, STEP_NAME, STEP_DONE, "%s is %s, says %s", host, addr_text(facts->remote.addr, to), addr_text(dns[0], server));
}

static void say_route(struct fetch_run *r, struct addr remote)
{
    struct path p;
    struct neigh_info ni;
    char to[ADDR_TEXT], hop[ADDR_TEXT], mac[MAC_TEXT] = "not known yet";
    uint32_t cursor = 0;
    struct stack *st = network_stack(r->n);
    if (!st || stack_route(st, ADDR_NONE, remote, &p) != PLUMB_OK) {
        end(r, STEP_ROUTE, STEP_UNUSED, "the host's kernel routes");
        return;
    }
    while (stack_walk_neigh(st, &cursor, &ni))
        if (addr_eq(ni.addr, p.next_hop))
            mac_text(ni.mac, mac);
    if (addr_eq(p.next_hop, remote))
        end(r, STEP_ROUTE, STEP_DONE, "%s is on the same link, at %s", addr_text(remote, to), mac);
    else
        end(r, STEP_ROUTE, STEP_DONE, "%s goes by router %s, at %s", addr_text(remote, to), addr_text(p.next_hop, hop), mac);
}

static bool find_status(struct fetch_run *r, struct tcp_status *out)
{
    uint32_t cursor = 0;
    while (network_stack(r->n) && tcp_walk(stack_tcp(network_stack(r->n)), &cursor, out))
        if (out->serial == r->conn)
            return true;
    return false;
}

static void say_connect(struct fetch_run *r, const struct fetch_facts *facts)
{
    struct tcp_status st;
    char local[ENDPOINT_TEXT], remote[ENDPOINT_TEXT];
    endpoint_text(facts->local, local);
    endpoint_text(facts->remote, remote);
    if (!find_status(r, &st)) {
        end(r, STEP_CONNECT, STEP_DONE, "%s to %s", local, remote);
        return;
    }
    end(r, STEP_CONNECT, STEP_DONE, "%s to %s; %u bytes a segment%s%s", local, remote, st.mss,
        st.wscale ? ", window scale" : "", st.timestamps ? ", time stamps" : "");
}

/* ------------------------------------------------------------------ phases */

static void note_answer(struct fetch_run *r)
{
    const struct h1 *a = fetch_answer(r->f);
    const char *type = a ? headers_get(&a->headers, "Content-Type") : NULL;
    if (!a)
        return;
    r->http_status = (uint16_t)a->status;
    snprintf(r->reason, sizeof r->reason, "%.79s", a->reason ? a->reason : "");
    snprintf(r->content_type, sizeof r->content_type, "%.79s", type ? type : "bytes");
}

static void leave_phase(struct fetch_run *r, enum fetch_phase phase)
{
    const struct fetch_facts facts = fetch_facts(r->f);
    switch (phase) {
    case FETCH_NAME:
        say_name(r, &facts);
        break;
    case FETCH_CONNECT:
        r->conn_over &= r->conn == facts.conn;
        r->conn = facts.conn;
        say_route(r, facts.remote.addr);
        say_connect(r, &facts);
        break;
    case FETCH_REQUEST:
    case FETCH_WAIT:
        note_answer(r);
        if (r->http_status)
            end(r, STEP_REQUEST, STEP_DONE, "%s %.100s: %u %s%s", r->c->request.head_only ? "HEAD" : r->c->request.method ? r->c->request.method :
                r->c->data ? "POST" : "GET", fetch_url(r->f)->target, r->http_status, r->reason, facts.redirects ? " (after redirects)" : "");
        break;
    default:
        break;
    }
}

static void enter_phase(struct fetch_run *r, enum fetch_phase phase)
{
    static const enum journey_step step[] = { [FETCH_NAME] = STEP_NAME, [FETCH_CONNECT] = STEP_ROUTE, [FETCH_REQUEST] = STEP_REQUEST,
                                              [FETCH_WAIT] = STEP_REQUEST, [FETCH_BODY] = STEP_PAGE };
    if (phase > FETCH_BODY)
        return;
    enum journey_step s = step[phase];
    if (s == STEP_ROUTE && !network_stack(r->n))
        s = STEP_CONNECT;
    if (s != r->step)
        begin(r, s);
}

static bool is_stdout(const struct fetch_run *r) { return !r->c->output || strcmp(r->c->output, "-") == 0; }

/* The file is made when there is something for it: a fetch that fails leaves an older one alone. */
static bool open_output(struct fetch_run *r)
{
    if (r->out || (r->c->json && !r->c->output))
        return true;
    r->out = is_stdout(r) ? stdout : fopen(r->c->output, "wbe");
    if (r->out)
        return true;
    char text[300];
    snprintf(text, sizeof text, "cannot write %s: %s", r->c->output, strerror(errno));
    fail(r, CURL_WRITE, text);
    return false;
}

static void write_out(struct fetch_run *r, const void *bytes, size_t len)
{
    if (len && (!open_output(r) || (r->out && fwrite(bytes, 1, len, r->out) != len)))
        r->write_failed = true;
}

static void take_body(struct fetch_run *r)
{
    size_t len;
    if (!r->headers_written && r->c->include && fetch_phase(r->f) >= FETCH_BODY) {
        const char *heads = fetch_received(r->f, &len);
        if (heads)
            write_out(r, heads, len);
        r->headers_written = true;
    }
    for (const uint8_t *p; !r->write_failed && (p = fetch_peek(r->f, &len));) {
        if (!(r->c->fail && r->http_status >= 400))
            write_out(r, p, len);
        r->body_bytes += len;
        fetch_consume(r->f, len);
    }
}

static void on_fetch(void *arg)
{
    struct fetch_run *r = arg;
    for (;;) {
        const enum fetch_phase phase = fetch_phase(r->f);
        if (phase != r->phase) {
            if (phase != FETCH_FAILED)
                leave_phase(r, r->phase);
            /* a phase that passed unseen between two looks still gets its step */
            for (enum fetch_phase p = r->phase + 1; p < phase && phase <= FETCH_DONE; p++) {
                enter_phase(r, p);
                leave_phase(r, p);
            }
            r->phase = phase;
            enter_phase(r, phase);
        }
        if (phase == FETCH_BODY)
            take_body(r);
        if (fetch_phase(r->f) == phase)
            break;
    }
    if (r->write_failed || r->phase >= FETCH_DONE)
        loop_stop(network_loop(r->n));
}

/* --------------------------------------------------------------------- run */

/* --resolve HOST:PORT:ADDR becomes lines of a hosts file, when the port is the URL's. */
static char *hosts_text(const struct fetch_command *c)
{
    struct url u;
    char *text = calloc(FETCH_RESOLVES, 400), *at = text;
    const bool parsed = url_parse(c->request.url, &u) == URL_OK;
    for (unsigned i = 0; text && parsed && i < c->n_resolve; i++)
        if (c->resolve[i].port == u.port)
            at += sprintf(at, "%s %s\n", c->resolve[i].addr, c->resolve[i].host);
    return text;
}

static bool start(struct fetch_run *r)
{
    struct addr dns[VIA_DNS];
    struct stub_config sc = { .n_servers = network_dns(r->n, dns) };
    for (uint32_t i = 0; i < sc.n_servers; i++)
        sc.servers[i] = (struct endpoint){ dns[i], 53 };
    char *hosts = hosts_text(r->c), *own = r->c->n_resolve == 0 && !network_stack(r->n) ? network_hosts() : NULL;
    sc.hosts = own ? own : hosts;
    r->stub = stub_new(network_net(r->n), &sc);
    free(hosts);
    free(own);
    struct fetch_options o = r->c->request;
    if (r->c->data) {
        r->bytes = (struct http_bytes){ (const uint8_t *)r->c->data, r->c->data_len, 0 };
        r->body = http_source_of(&r->bytes);
        o.body = &r->body;
        o.body_type = "application/x-www-form-urlencoded";
    }
    if (o.max_time_ns)                  /* -m is about everything, the address too */
        o.max_time_ns = time_max(1, o.max_time_ns - (now_of(r) - r->journey.step[STEP_URL].start_ns));
    begin(r, STEP_NAME);
    r->f = r->stub ? fetch_new(network_net(r->n), r->stub, NULL, &o) : NULL;
    if (!r->f) {
        fail(r, 27, "out of memory");
        return false;
    }
    fetch_watch(r->f, on_fetch, r);
    return true;
}

static void give_up_closing(void *arg) { loop_stop(network_loop(((struct fetch_run *)arg)->n)); }

/* Closing is part of the page: the connection goes, and its last packets are seen. */
static void finish(struct fetch_run *r)
{
    char bytes[UNIT_TEXT];
    r->finished = true;
    if (r->f && fetch_phase(r->f) == FETCH_FAILED)
        fail(r, http_error_exit(fetch_error(r->f)), fetch_message(r->f));
    if (r->write_failed)
        fail(r, CURL_WRITE, "the page could not be written");
    if (r->f && !r->status)
        take_body(r);
    if (!r->status && !(r->c->fail && r->http_status >= 400))
        open_output(r);                 /* an empty page is a file too */
    if (r->out && (fflush(r->out) != 0 || (r->out != stdout && fclose(r->out) != 0)))
        fail(r, CURL_WRITE, "the page could not be written");
    const bool open = r->conn && network_stack(r->n);
    fetch_free(r->f);
    r->f = NULL;
    if (open && !r->conn_over) {
        r->patience = (struct loop_timer){ .fn = give_up_closing, .arg = r };
        loop_arm_in(network_loop(r->n), &r->patience, CLOSING_PATIENCE_NS);
        network_run(r->n, DEADLINE_NEVER);
        loop_cancel(network_loop(r->n), &r->patience);
    }
    if (r->status)
        return;
    end(r, STEP_PAGE, STEP_DONE, "%s of %s%s", size_text(r->body_bytes, bytes), r->content_type,
        !open ? "" : r->conn_over ? "; closed by both sides" : "; the peer kept its half open");
    if (r->c->fail && r->http_status >= 400) {
        r->status = CURL_HTTP_ERROR;
        snprintf(r->error, sizeof r->error, "the server answered %u %s", r->http_status, r->reason);
    }
}

/* What was typed, before any packet. */
static bool read_url(struct fetch_run *r)
{
    struct url u;
    const enum url_error bad = url_parse(r->c->request.url, &u);
    begin(r, STEP_URL);
    if (bad != URL_OK) {
        fail(r, bad == URL_SCHEME ? 1 : CURL_URL, url_error_text(bad));
        return false;
    }
    if (u.https) {
        fail(r, http_error_exit(HTTP_TLS), http_error_text(HTTP_TLS));
        return false;
    }
    end(r, STEP_URL, STEP_DONE, "http, host %s, port %u, %s", u.host, u.port, u.target);
    return true;
}

static void explain_end(struct fetch_run *r, enum network_end how)
{
    if (how == NETWORK_SIGNAL)
        fail(r, EXIT_INTERRUPTED, "interrupted");
    if (how == NETWORK_LOST)
        fail(r, CURL_RECV, "the interface is gone");
}

int fetch_run(struct fetch_run *r)
{
    if (!read_url(r))
        return r->status;
    const int64_t max_time_ns = r->c->request.max_time_ns;
    const bool hurried = max_time_ns && max_time_ns < NETWORK_PATIENCE_NS;
    begin(r, STEP_ADDRESS);
    const char *why_not = network_configure(r->n, hurried ? max_time_ns : NETWORK_PATIENCE_NS);
    if (why_not) {
        fail(r, network_interrupted(r->n) ? EXIT_INTERRUPTED : hurried ? CURL_TIMEOUT : CURL_CONNECT, why_not);
        return r->status;
    }
    say_address(r);
    if (start(r))
        explain_end(r, network_run(r->n, DEADLINE_NEVER));
    finish(r);
    stub_free(r->stub);
    return r->status;
}

static bool is_virtual(const char *url)
{
    struct url u;
    return url_parse(url, &u) == URL_OK && internet_has(u.host);
}

/* What was asked for, or what an address as host demands. */
static enum name_family family_of(const struct fetch_command *c)
{
    struct url u;
    struct addr a;
    if (c->request.family != NAME_ANY || url_parse(c->request.url, &u) != URL_OK || !addr_parse(u.host, &a))
        return c->request.family;
    return addr_is4(a) ? NAME_V4 : NAME_V6;
}

int cmd_fetch(int argc, char **argv)
{
    struct fetch_command c;
    struct fetch_run r = { .c = &c };
    char network[200];
    int status;
    fetch_command_parse(&c, argc, argv);
    if (c.open.via.kind == VIA_UNSET)
        c.open.via.kind = is_virtual(c.request.url) ? VIA_VIRTUAL : VIA_HOST;
    c.open.family = family_of(&c);
    c.open.groups = TRACE_STEP | TRACE_WIRE | TRACE_DROP | TRACE_LOSS | TRACE_TCP;
    c.open.sink = on_event;
    c.open.sink_arg = &r;
    journey_init(&r.journey, 1);
    r.phase = FETCH_NAME;
    if (c.open.via.kind != VIA_VIRTUAL && c.silent && !c.open.capture)
        c.open.groups = TRACE_STEP | TRACE_TCP;         /* nobody looks at the packets */
    r.n = network_open(&c.open, &status);
    if (!r.n)
        return status != 1 ? status : c.open.via.kind == VIA_HOST || c.open.via.kind == VIA_VIRTUAL ? CURL_INIT : CURL_CONNECT;
    network_describe(r.n, network);
    if (!c.silent && !c.json)
        fprintf(stderr, "plumb fetch %s\n%s\n", c.request.url, network);
    status = fetch_run(&r);
    fetch_report(&r, network);
    if (r.c->json && fflush(stdout) != 0 && status == 0) {
        complain("the JSON could not be written");
        status = CURL_WRITE;
    }
    if (!network_close(r.n) && status == 0)
        status = CURL_WRITE;
    free(c.data);
    return status;
}
