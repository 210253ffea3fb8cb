/* What a conditional or range request comes to (RFC 9110 §13 and §14), and the body
 * that answers it. */
#pragma once
#include "http/headers.h"
#include "http/source.h"

/* What is known of the thing asked for. */
struct http_validators {
    const char *etag;                   /* with its quotes; NULL: none */
    int64_t modified_ns;                /* civil; < 0: unknown */
    uint64_t size;
};

enum { HTTP_RANGES = 16 };
struct http_range  { uint64_t from, to; };          /* [from, to) */
struct http_ranges { uint32_t count; struct http_range at[HTTP_RANGES]; };

/* 200, 206 (ranges filled), 304, 412 or 416, for GET and HEAD. */
int http_conditions(const char *method, const struct headers *h, const struct http_validators *v, int64_t civil_now_ns,
                    struct http_ranges *ranges);

enum http_range_fate { RANGE_IGNORE, RANGE_OK, RANGE_UNSATISFIABLE };
/* A Range value; ignored when it is malformed, of another unit, or silly (too many ranges,
 * or overlapping ones: RFC 9110 §14.2 and §17.15). */
enum http_range_fate http_ranges_parse(const char *value, uint64_t size, struct http_ranges *out);

/* The body of a 200 (count 0) or 206; takes the file.  For several ranges it is
 * multipart/byteranges with `boundary`.  read is NULL: no memory, the file is closed. */
struct http_source http_file_source(struct http_file f, const struct http_ranges *ranges, const char *type, const char *boundary);
