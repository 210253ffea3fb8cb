#include "base/err.h"

static const char *const text[PLUMB_ERR_COUNT] = {
    [PLUMB_OK]            = "no error",
    [PLUMB_AGAIN]         = "operation would block",
    [PLUMB_INVALID]       = "invalid argument",
    [PLUMB_NO_MEMORY]     = "out of memory",
    [PLUMB_NO_ROUTE]      = "no route to host",
    [PLUMB_UNREACHABLE]   = "host unreachable",
    [PLUMB_REFUSED]       = "connection refused",
    [PLUMB_RESET]         = "connection reset by peer",
    [PLUMB_TIMED_OUT]     = "timed out",
    [PLUMB_ABORTED]       = "connection aborted",
    [PLUMB_CLOSED]        = "connection closed",
    [PLUMB_NOT_CONNECTED] = "not connected",
    [PLUMB_ADDR_IN_USE]   = "address already in use",
    [PLUMB_ADDR_NOT_OURS] = "address is not ours",
    [PLUMB_NO_PORTS]      = "no free local port",
    [PLUMB_TOO_BIG]       = "message too long",
    [PLUMB_NOT_FOUND]     = "not found",
    [PLUMB_STALE]         = "handle is stale",
    [PLUMB_ACCESS]        = "permission denied",
    [PLUMB_NO_DEVICE]     = "no such interface",
    [PLUMB_PROTOCOL]      = "protocol error",
    [PLUMB_UNSUPPORTED]   = "not supported",
};

const char *plumb_err_text(enum plumb_err e)
{
    return (unsigned)e < PLUMB_ERR_COUNT && text[e] ? text[e] : "unknown error";
}
