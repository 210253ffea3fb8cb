/* A web site from a tree of files: content types, index.html, listings, conditional and
 * range requests.  No path leads out of the tree. */
#pragma once
#include "base/tree.h"
#include "http/server.h"

struct site {
    struct tree tree;
    bool no_listing;                    /* directories without index.html are not listed: 403 */
};

/* For http_server_config; the site outlives the server. */
struct http_handler site_handler(struct site *s);

/* By the name's extension; "application/octet-stream" when unknown. */
const char *site_type(const char *path);
/* From a request's path, still percent-encoded, to a path in the tree: dot segments and
 * doubled slashes are gone; false: it has a "..", an encoded '/' or NUL, or is too long. */
bool site_path(const char *encoded, char *out, size_t out_len);
