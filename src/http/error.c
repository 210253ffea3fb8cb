#include "http/error.h"

static const struct { int exit; const char *text; } rows[HTTP_ERROR_COUNT] = {
    [HTTP_OK]        = { 0,  "no error" },
    [HTTP_URL]       = { 3,  "the URL is malformed" },
    [HTTP_SCHEME]    = { 1,  "the protocol is not supported" },
    [HTTP_TLS]       = { 1,  "https is not supported yet: plumb has no TLS" },
    [HTTP_RESOLVE]   = { 6,  "could not resolve the host's name" },
    [HTTP_CONNECT]   = { 7,  "could not connect" },
    [HTTP_REPLY]     = { 8,  "the server's reply is not HTTP/1" },
    [HTTP_OLD]       = { 1,  "the server answered in HTTP/0.9" },
    [HTTP_PARTIAL]   = { 18, "the connection closed before the whole body arrived" },
    [HTTP_STATUS]    = { 22, "the server answered with an error status" },
    [HTTP_WRITE]     = { 23, "could not write what was received" },
    [HTTP_READ]      = { 26, "could not read what was to be sent" },
    [HTTP_MEMORY]    = { 27, "out of memory" },
    [HTTP_TIMEOUT]   = { 28, "timed out" },
    [HTTP_REDIRECTS] = { 47, "too many redirects" },
    [HTTP_EMPTY]     = { 52, "the server closed the connection without an answer" },
    [HTTP_SEND]      = { 55, "sending failed" },
    [HTTP_RECEIVE]   = { 56, "receiving failed" },
    [HTTP_REWIND]    = { 65, "the request body cannot be sent again" },
};

int http_error_exit(enum http_error e)          { return e < HTTP_ERROR_COUNT ? rows[e].exit : 2; }
const char *http_error_text(enum http_error e)  { return e < HTTP_ERROR_COUNT ? rows[e].text : "unknown error"; }
