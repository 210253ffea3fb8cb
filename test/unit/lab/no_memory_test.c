/* Every allocation fails once: a page is fetched through the virtual internet (DHCP, ARP, a router, DNS, TCP, HTTP and the
 * servers of each), again and again, each time with another allocation refused: one of the heap's, one packet, one object of
 * a pool.  The fetch ends with its page or with an error of its own; nothing crashes, leaks or waits for ever.  The linker
 * puts what stands below before the allocators. */
#include "../test.h"
#include "../heap.h"
#include "visit.h"
#include "tcp/conn.h"
#include <stdlib.h>

enum kind { HEAP, PACKET, OBJECT, KINDS };
static struct { enum kind kind; bool on, hit; unsigned long n, at; } fault;     /* the n-th of this kind fails at `at` */

static bool refused(enum kind k)
{
    if (!fault.on || fault.kind != k || fault.n++ != fault.at)
        return false;
    fault.hit = true;
    return true;
}

static bool heap_refuses(void) { return refused(HEAP); }

struct pkt *__real_pkt_new(struct pkt_pools *pools, uint32_t tail);
void *__real_pool_get(struct pool *p);
struct pkt *__wrap_pkt_new(struct pkt_pools *pools, uint32_t tail);
void *__wrap_pool_get(struct pool *p);
struct pkt *__wrap_pkt_new(struct pkt_pools *pools, uint32_t tail) { return refused(PACKET) ? NULL : __real_pkt_new(pools, tail); }

/* Connections.  (Packets are counted above; of what a connection has more there is as much as connections, blocks are
 * asked for before they are taken, and too many TIME-WAIT records are a test of their own.) */
void *__wrap_pool_get(struct pool *p)
{
    const bool may_fail = p->object_size == sizeof(struct tcp_conn);
    return may_fail && refused(OBJECT) ? NULL : __real_pool_get(p);
}

/* ------------------------------------------------------------ the fetch */

enum result { PAGE, ERROR, NOT_STARTED, HANGS };

static enum result fetch_with(struct stub *stub)
{
    struct world *w = internet_world(in);
    f = fetch_new(stack_net(internet_client(in), world_loop(w)), stub, NULL,
                  &(struct fetch_options){ .url = "http://www.shop.test/", .follow = true, .family = NAME_V4 });
    if (!f)
        return NOT_STARTED;
    fetch_watch(f, on_fetch, NULL);
    if (!world_run(w, is_done, NULL, world_now(w) + 900 * NS_PER_SEC)) {
        fetch_free(f);
        return HANGS;
    }
    const bool page = fetch_phase(f) == FETCH_DONE && fetch_answer(f)->status == 200;
    if (fetch_phase(f) != FETCH_DONE)
        assert_true(http_error_exit(fetch_error(f)) > 0);
    fetch_free(f);
    return page ? PAGE : ERROR;
}

static enum result resolve_and_fetch(void)
{
    struct world *w = internet_world(in);
    struct stack *st = internet_client(in);
    struct dhcp_lease_info lease;
    stack_dhcp_start(st, 0, "client", world_now(w));
    if (!world_run(w, configured, NULL, world_now(w) + 120 * NS_PER_SEC))
        return ERROR;
    assert_true(stack_dhcp_lease(st, 0, &lease));
    struct stub *stub = stub_new(stack_net(st, world_loop(w)), &(struct stub_config){ .n_servers = 1, .servers = { { lease.dns[0], 53 } } });
    if (!stub)
        return NOT_STARTED;
    const enum result r = fetch_with(stub);
    stub_free(stub);
    return r;
}

static enum result run(void)
{
    body = 0;
    in = internet_new(&(struct internet_config){ .seed = 1 });
    if (!in)
        return NOT_STARTED;
    const enum result r = resolve_and_fetch();
    internet_free(in);
    return r;
}

/* Of `kind`, each `stride`-th allocation of the whole fetch, from the first. */
static void each(enum kind kind, unsigned long stride)
{
    unsigned count[HANGS + 1] = { 0 };
    for (unsigned long at = 0;; at += stride) {
        fault.kind = kind;
        fault.n = 0;
        fault.at = at;
        fault.hit = false;
        fault.on = true;
        const enum result r = run();
        fault.on = false;
        if (!fault.hit) {
            assert_int_equal(r, PAGE);                  /* nothing was refused: the page must come */
            break;
        }
        if (r == HANGS)
            fail_msg("allocation %lu of kind %d refused: the fetch never ends", at, (int)kind);
        count[r]++;
    }
    print_message("%u fetches brought the page, %u ended with an error, %u did not start\n", count[PAGE], count[ERROR], count[NOT_STARTED]);
    assert_true(count[PAGE] + count[ERROR] + count[NOT_STARTED] > 0);
}

static unsigned long stride_of(unsigned long otherwise)
{
    const char *asked = getenv("PLUMB_STRIDE");
    const unsigned long n = asked ? strtoul(asked, NULL, 10) : 0;
    return n ? n : otherwise;
}

static void heap(void **state)    { (void)state; each(HEAP, stride_of(1)); }
static void packets(void **state) { (void)state; each(PACKET, stride_of(1)); }
static void objects(void **state) { (void)state; each(OBJECT, stride_of(1)); }

TESTS(heap, packets, objects)
