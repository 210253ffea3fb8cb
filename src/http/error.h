/* Why a request failed: one table gives curl's exit number and a sentence. */
#pragma once
#include "base/err.h"

enum http_error {
    HTTP_OK, HTTP_URL, HTTP_SCHEME, HTTP_TLS, HTTP_RESOLVE, HTTP_CONNECT, HTTP_REPLY, HTTP_OLD, HTTP_PARTIAL, HTTP_STATUS, HTTP_WRITE, HTTP_READ,
    HTTP_MEMORY, HTTP_TIMEOUT, HTTP_REDIRECTS, HTTP_EMPTY, HTTP_SEND, HTTP_RECEIVE, HTTP_REWIND, HTTP_ERROR_COUNT
};

int         http_error_exit(enum http_error e);     /* curl's exit number */
const char *http_error_text(enum http_error e);     /* lower case, no full stop */
