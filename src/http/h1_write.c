/* The writer of heads and chunks (RFC 9112 §3, §4, §7.1). */
#include "http/h1.h"

static const struct { int status; const char *text; } reasons[] = {
    { 100, "Continue" }, { 200, "OK" }, { 201, "Created" }, { 204, "No Content" }, { 206, "Partial Content" },
    { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" }, { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 403, "Forbidden" }, { 404, "Not Found" },
    { 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
    { 413, "Content Too Large" }, { 414, "URI Too Long" }, { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
    { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
    { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "";
}

static bool write_fields(struct outbuf *b, const struct headers *h)
{
    bool ok = true;
    for (uint32_t i = 0; i < h->count; i++)
        ok = ok && outbuf_text_put(b, headers_name(h, i)) && outbuf_text_put(b, headers_value(h, i)[0] ? ": " : ":")
                && outbuf_text_put(b, headers_value(h, i)) && outbuf_text_put(b, "\r\n");
    return ok && outbuf_text_put(b, "\r\n");
}

bool h1_write_request(struct outbuf *b, const char *method, const char *target, const struct headers *h)
{
    return outbuf_text_put(b, method) && outbuf_text_put(b, " ") && outbuf_text_put(b, target)
        && outbuf_text_put(b, " HTTP/1.1\r\n") && write_fields(b, h);
}

bool h1_write_status(struct outbuf *b, int minor, int status, const struct headers *h)
{
    return outbuf_printf(b, "HTTP/1.%d %03d %s\r\n", minor, status, http_reason(status)) && write_fields(b, h);
}

bool h1_write_chunk(struct outbuf *b, const void *bytes, size_t len)
{
    return len == 0 || (outbuf_printf(b, "%zx\r\n", len) && outbuf_put(b, bytes, len) && outbuf_text_put(b, "\r\n"));
}

bool h1_write_last_chunk(struct outbuf *b) { return outbuf_text_put(b, "0\r\n\r\n"); }
