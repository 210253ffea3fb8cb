#include "service/site.h"
#include "http/conditions.h"
#include "http/date.h"
#include "http/url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 10000 };

static const struct { const char *extension, *type; } types[] = {
    { "html", "text/html; charset=utf-8" }, { "htm", "text/html; charset=utf-8" }, { "txt", "text/plain; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" }, { "css", "text/css; charset=utf-8" }, { "js", "text/javascript; charset=utf-8" },
    { "mjs", "text/javascript; charset=utf-8" }, { "json", "application/json" }, { "xml", "application/xml" }, { "csv", "text/csv; charset=utf-8" },
    { "svg", "image/svg+xml" }, { "png", "image/png" }, { "jpg", "image/jpeg" }, { "jpeg", "image/jpeg" }, { "gif", "image/gif" },
    { "webp", "image/webp" }, { "avif", "image/avif" }, { "ico", "image/x-icon" }, { "woff", "font/woff" }, { "woff2", "font/woff2" },
    { "ttf", "font/ttf" }, { "mp3", "audio/mpeg" }, { "ogg", "audio/ogg" }, { "wav", "audio/wav" }, { "mp4", "video/mp4" },
    { "webm", "video/webm" }, { "pdf", "application/pdf" }, { "wasm", "application/wasm" }, { "zip", "application/zip" },
    { "gz", "application/gzip" }, { "tar", "application/x-tar" }, { "c", "text/plain; charset=utf-8" }, { "h", "text/plain; charset=utf-8" },
};

const char *site_type(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
        if (text_same(dot + 1, types[i].extension))
            return types[i].type;
    return "application/octet-stream";
}

bool site_path(const char *encoded, char *out, size_t out_len)
{
    size_t at = 0;
    while (*encoded) {
        const size_t n = strcspn(encoded, "/");
        char *segment = out + at + (at > 0);
        if (n + at + 2 > out_len)
            return false;
        memcpy(segment, encoded, n);
        segment[n] = 0;
        encoded += n + (encoded[n] == '/');
        if (!url_decode(segment) || strchr(segment, '/') || strcmp(segment, "..") == 0)
            return false;
        if (segment[0] == 0 || strcmp(segment, ".") == 0)
            continue;
        if (at)
            out[at] = '/';
        at = (size_t)(segment - out) + strlen(segment);
    }
    out[at] = 0;
    return true;
}

/* --------------------------------------------------------------- writing */

/* A path as it stands in a URL. */
static void put_encoded(struct outbuf *b, const char *path)
{
    for (; *path; path++) {
        const unsigned char c = (unsigned char)*path;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c);
        if (plain)
            outbuf_put(b, path, 1);
        else
            outbuf_printf(b, "%%%02X", c);
    }
}

static void put_escaped(struct outbuf *b, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : *text == '"' ? "&quot;" : NULL;
        if (entity)
            outbuf_text_put(b, entity);
        else
            outbuf_put(b, text, 1);
    }
}

/* --------------------------------------------------------------- listing */

struct row { char name[TREE_NAME]; struct tree_info info; };

static int by_name(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    const bool x_dir = x->info.kind == TREE_DIR, y_dir = y->info.kind == TREE_DIR;
    return x_dir != y_dir ? y_dir - x_dir : strcmp(x->name, y->name);
}

static struct row *read_rows(struct site *s, const char *path, size_t *count)
{
    size_t room = 64;
    struct row *rows = malloc(room * sizeof *rows);
    void *list = rows ? s->tree.ops->list(s->tree.arg, path) : NULL;
    *count = 0;
    if (!list) {
        free(rows);
        return NULL;
    }
    while (*count < LISTED_MAX && s->tree.ops->next(list, rows[*count].name, &rows[*count].info)) {
        if (++*count < room)
            continue;
        struct row *more = realloc(rows, room * 2 * sizeof *rows);
        if (!more)
            break;
        rows = more;
        room *= 2;
    }
    s->tree.ops->end(list);
    qsort(rows, *count, sizeof *rows, by_name);
    return rows;
}

static void put_rows(struct outbuf *b, const struct row *rows, size_t count)
{
    char date[HTTP_DATE];
    for (size_t i = 0; i < count; i++) {
        const bool dir = rows[i].info.kind == TREE_DIR;
        outbuf_text_put(b, "<tr><td><a href=\"./");
        put_encoded(b, rows[i].name);
        outbuf_text_put(b, dir ? "/\">" : "\">");
        put_escaped(b, rows[i].name);
        outbuf_text_put(b, dir ? "/</a></td><td></td>" : "</a></td>");
        if (!dir)
            outbuf_printf(b, "<td>%llu</td>", (unsigned long long)rows[i].info.size);
        outbuf_printf(b, "<td>%s</td></tr>\n", http_date(rows[i].info.modified_ns, date));
    }
}

static void answer_listing(struct site *s, struct http_exchange *x, const char *path)
{
    size_t count;
    struct row *rows = s->no_listing ? NULL : read_rows(s, path, &count);
    if (!rows) {
        http_respond_status(x, 403);
        return;
    }
    struct outbuf b = { 0 };
    outbuf_text_put(&b, "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>/");
    put_escaped(&b, path);
    outbuf_text_put(&b, "</title></head><body>\n<h1>/");
    put_escaped(&b, path);
    outbuf_text_put(&b, "</h1>\n<table>\n");
    if (*path)
        outbuf_text_put(&b, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    put_rows(&b, rows, count);
    free(rows);
    if (!outbuf_text_put(&b, "</table>\n</body></html>\n")) {
        outbuf_fini(&b);
        http_respond_status(x, 503);
        return;
    }
    struct http_answer a = { .status = 200, .body = http_source_copy(outbuf_text(&b), outbuf_len(&b)) };
    outbuf_fini(&b);
    if (!a.body.read) {
        http_respond_status(x, 503);
        return;
    }
    headers_add(&a.headers, "Content-Type", "text/html; charset=utf-8");
    http_respond(x, &a);
}

/* ------------------------------------------------------------------ files */

static void add_range_headers(struct http_answer *a, const struct http_ranges *r, uint64_t size, const char *type, const char *boundary)
{
    char text[128];
    if (a->status == 206 && r->count > 1) {
        snprintf(text, sizeof text, "multipart/byteranges; boundary=%s", boundary);
        headers_add(&a->headers, "Content-Type", text);
        return;
    }
    if (a->status == 206)
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)r->at[0].from, (unsigned long long)r->at[0].to - 1,
                 (unsigned long long)size);
    else
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)size);
    if (a->status == 206 || a->status == 416)
        headers_add(&a->headers, "Content-Range", text);
    if (a->status != 304 && a->status != 416)
        headers_add(&a->headers, "Content-Type", type);
}

static void answer_file(struct site *s, struct http_exchange *x, const char *path, void *file, const struct tree_info *info)
{
    char etag[40], date[HTTP_DATE], boundary[32];
    struct http_ranges ranges;
    const struct http_validators v = { .etag = etag, .modified_ns = info->modified_ns, .size = info->size };
    snprintf(etag, sizeof etag, "\"%llx-%llx\"", (unsigned long long)info->version, (unsigned long long)info->size);
    snprintf(boundary, sizeof boundary, "plumb-%016llx", (unsigned long long)http_exchange_random(x));
    struct http_answer a = { 0 };
    a.status = http_conditions(x->request->method, &x->request->headers, &v, loop_civil(http_exchange_loop(x)), &ranges);
    if (a.status == 412) {
        s->tree.ops->close(file);
        http_respond_status(x, 412);
        return;
    }
    headers_add(&a.headers, "Accept-Ranges", "bytes");
    headers_add(&a.headers, "ETag", etag);
    headers_add(&a.headers, "Last-Modified", http_date(info->modified_ns, date));
    add_range_headers(&a, &ranges, info->size, site_type(path), boundary);
    if (a.status == 304 || a.status == 416) {
        s->tree.ops->close(file);
    } else {
        const struct http_file f = { .size = info->size, .read = s->tree.ops->read, .close = s->tree.ops->close, .arg = file };
        a.body = http_file_source(f, &ranges, site_type(path), boundary);
        if (!a.body.read) {
            headers_fini(&a.headers);
            http_respond_status(x, 503);
            return;
        }
    }
    http_respond(x, &a);
}

static void answer_error(struct http_exchange *x, enum plumb_err e)
{
    http_respond_status(x, e == PLUMB_NOT_FOUND ? 404 : e == PLUMB_ACCESS ? 403 : e == PLUMB_NO_MEMORY ? 503 : 500);
}

/* A directory is asked for with a slash at its end, so that relative links hold. */
static void answer_moved(struct http_exchange *x, const char *path)
{
    struct outbuf b = { 0 };
    outbuf_text_put(&b, "/");
    put_encoded(&b, path);
    if (outbuf_printf(&b, "/%s%s", x->query ? "?" : "", x->query ? x->query : ""))
        http_respond_with(x, 301, "Location", outbuf_text(&b));
    else
        http_respond_status(x, 503);
    outbuf_fini(&b);
}

static void answer_directory(struct site *s, struct http_exchange *x, const char *path)
{
    char index[H1_TARGET_MAX + 16];
    struct tree_info info;
    void *file = NULL;
    snprintf(index, sizeof index, "%s%sindex.html", path, *path ? "/" : "");
    const enum plumb_err e = s->tree.ops->open(s->tree.arg, index, &file, &info);
    if (e == PLUMB_OK && info.kind == TREE_FILE)
        answer_file(s, x, index, file, &info);
    else if (e == PLUMB_OK || e == PLUMB_NOT_FOUND)
        answer_listing(s, x, path);
    else
        answer_error(x, e);
}

static void on_head(void *arg, struct http_exchange *x)
{
    struct site *s = arg;
    const char *method = x->request->method;
    char path[H1_TARGET_MAX];
    struct tree_info info;
    void *file = NULL;
    const size_t len = strlen(x->path);
    if (strcmp(method, "OPTIONS") == 0) {
        http_respond_with(x, 204, "Allow", "GET, HEAD, OPTIONS");
        return;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_respond_with(x, 405, "Allow", "GET, HEAD, OPTIONS");
        return;
    }
    if (!site_path(x->path, path, sizeof path)) {
        http_respond_status(x, 400);
        return;
    }
    const enum plumb_err e = s->tree.ops->open(s->tree.arg, path, &file, &info);
    const bool slash = len > 0 && x->path[len - 1] == '/';
    if (e != PLUMB_OK)
        answer_error(x, e);
    else if (info.kind == TREE_DIR && slash)
        answer_directory(s, x, path);
    else if (info.kind == TREE_DIR)
        answer_moved(x, path);
    else if (info.kind == TREE_FILE && !slash)
        answer_file(s, x, path, file, &info);
    else {
        if (file)
            s->tree.ops->close(file);
        answer_error(x, info.kind == TREE_FILE ? PLUMB_NOT_FOUND : PLUMB_ACCESS);
    }
}

struct http_handler site_handler(struct site *s) { return (struct http_handler){ .head = on_head, .arg = s }; }
