/* A visit to the virtual internet: its client gets an address, then fetches a page whose bytes are counted. */
#pragma once
#include "http/fetch.h"
#include "lab/internet.h"
#include "name/stub.h"

static struct internet *in;
static struct fetch *f;
static uint64_t body;

static bool configured(void *arg)
{
    struct dhcp_lease_info lease;
    (void)arg;
    return stack_dhcp_lease(internet_client(in), 0, &lease) && lease.bound;
}
static bool is_done(void *arg) { (void)arg; return fetch_phase(f) >= FETCH_DONE; }
static void on_fetch(void *arg)
{
    size_t n;
    (void)arg;
    while (fetch_peek(f, &n)) {
        body += n;
        fetch_consume(f, n);
    }
}
