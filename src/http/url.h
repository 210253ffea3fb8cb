/* http and https URLs: parsing and resolving references (RFC 3986 §3 and §5).
 *
 * What comes out is ready for a request: scheme and host in lower case, dot
 * segments removed, bytes that may not stand in a request line percent-encoded,
 * percent-encoding that was given kept, the fragment gone. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { URL_HOST = 256, URL_TARGET = 8192, URL_USER = 256, URL_TEXT = URL_TARGET + URL_HOST + URL_USER + 32 };

struct url {
    bool     https;
    bool     host_is6;                  /* an IPv6 literal, here without its brackets */
    bool     port_given;                /* and not the scheme's own */
    uint16_t port;
    char     host[URL_HOST];            /* a name, an IPv4 or an IPv6 literal */
    char     user[URL_USER];            /* userinfo as it stood, "" when there was none; never part of url_text */
    char     target[URL_TARGET];        /* path and query, begins with '/' */
};

enum url_error {
    URL_OK, URL_EMPTY, URL_SCHEME, URL_NO_HOST, URL_HOST_BAD, URL_HOST_NOT_ASCII, URL_PORT_BAD, URL_CHARACTER, URL_ESCAPE_BAD,
    URL_TOO_LONG, URL_ERROR_COUNT
};
const char *url_error_text(enum url_error e);       /* "the port is not a number from 1 to 65535" */

/* As a person types it: "http://" may be missing, spaces and control bytes are refused. */
enum url_error url_parse(const char *text, struct url *out);
/* As a Location header gives it (RFC 3986 §5.2.2), spaces are encoded; `out` may be `base`. */
enum url_error url_resolve(const struct url *base, const char *reference, struct url *out);

const char *url_text(const struct url *u, char out[URL_TEXT]);
/* What the Host header carries: brackets and a port that is not the scheme's own. */
const char *url_host_header(const struct url *u, char out[URL_HOST + 16]);
/* Scheme, host and port are the same. */
bool url_same_origin(const struct url *a, const struct url *b);
/* Decodes %XX in place; false (text unusable): a bad escape or an encoded NUL. */
bool url_decode(char *text);
