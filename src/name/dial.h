/* From a name to an open connection: both families asked for and tried side by side, the better one first, so that a family
 * that does not work costs a quarter of a second and not a timeout (RFC 8305). */
#pragma once
#include "name/stub.h"

enum { DIAL_ATTEMPTS = 8 };             /* connections under way at once */
#define DIAL_RESOLUTION_DELAY_NS (50 * NS_PER_MS)      /* §3: the other family's addresses wait so long for IPv6's */
#define DIAL_SETTLE_NS           (100 * NS_PER_MS)     /* while own addresses are being made, what has no route yet is tried again after this */
#define DIAL_ATTEMPT_DELAY_NS    (250 * NS_PER_MS)     /* §5: between the beginnings of two attempts */

enum dial_state { DIAL_NAMING, DIAL_CONNECTING, DIAL_OPEN, DIAL_NO_NAME, DIAL_NO_CONNECTION };

struct dial;

/* Deferred `fn` tells whenever the state has changed; never before this returns.  NULL: no memory. */
struct dial *dial_new(struct net *n, struct stub *s, const char *host, uint16_t port, enum name_family family, loop_fn *fn, void *arg);
void dial_free(struct dial *d);         /* ends what is under way; NULL is fine */
enum dial_state dial_state(const struct dial *d);
/* OPEN: the connection, the caller's from then on; once. */
struct stream *dial_take(struct dial *d);
/* NO_NAME: what the lookup came to.  NO_CONNECTION: what the last attempt came to. */
enum plumb_err dial_error(const struct dial *d);
const char *dial_detail(const struct dial *d);
struct endpoint dial_remote(const struct dial *d);      /* connected to, or tried last */
uint32_t dial_tried(const struct dial *d);
int64_t dial_named_ns(const struct dial *d);            /* when the first attempt could begin, or it was clear that there is none */
