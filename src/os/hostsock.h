/* struct net on the host's own sockets, both address families.  Streams keep one
 * buffer each way, so that reserve/commit and peek/consume lend real memory; a
 * buffer exists only while bytes lie in it. */
#pragma once
#include "os/wait.h"
#include "socket/net.h"

struct hostsock;

/* Runs on the loop that `w` drives; trace may be NULL.  NULL: no memory. */
struct hostsock *hostsock_new(struct wait *w, struct loop *l, struct trace *trace);
/* Every object opened on it dies with it, bytes not yet taken by the kernel too. */
void hostsock_free(struct hostsock *h);
struct net *hostsock_net(struct hostsock *h);

/* True while a stream its owner closed still has bytes to hand to the kernel. */
bool hostsock_busy(const struct hostsock *h);
