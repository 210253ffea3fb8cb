/* Errors a caller can act on.  A peer's misbehaviour is not among them: that is
 * a fate with a reason. */
#pragma once

enum plumb_err {
    PLUMB_OK = 0,
    PLUMB_AGAIN,            /* would block: wait for readiness, then call again     */
    PLUMB_INVALID,          /* the arguments contradict the contract                */
    PLUMB_NO_MEMORY,        /* a pool, table or budget is exhausted                 */
    PLUMB_NO_ROUTE,         /* no route to the destination                          */
    PLUMB_UNREACHABLE,      /* neighbour silent, or ICMP destination unreachable    */
    PLUMB_REFUSED,          /* the peer answered SYN with RST, or ICMP port unreach */
    PLUMB_RESET,            /* the peer sent RST on a connection                    */
    PLUMB_TIMED_OUT,        /* retransmissions, keepalive or a deadline ran out     */
    PLUMB_ABORTED,          /* this side aborted it                                 */
    PLUMB_CLOSED,           /* the object is closing: no more of this direction     */
    PLUMB_NOT_CONNECTED,
    PLUMB_ADDR_IN_USE,
    PLUMB_ADDR_NOT_OURS,
    PLUMB_NO_PORTS,         /* every ephemeral port to that peer is taken           */
    PLUMB_TOO_BIG,          /* datagram larger than the path or the protocol takes  */
    PLUMB_NOT_FOUND,        /* a name, file or handle that does not exist           */
    PLUMB_STALE,            /* a handle of an object that is gone                   */
    PLUMB_ACCESS,           /* rights are missing                                   */
    PLUMB_NO_DEVICE,        /* an interface that does not exist                     */
    PLUMB_PROTOCOL,         /* the peer broke a protocol above TCP                  */
    PLUMB_UNSUPPORTED,
    PLUMB_ERR_COUNT
};

/* A short lower-case sentence without a full stop; never NULL. */
const char *plumb_err_text(enum plumb_err e);
