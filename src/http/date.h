/* HTTP dates (RFC 9110 §5.6.7), from and to nanoseconds since 1970. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { HTTP_DATE = 32 };
const char *http_date(int64_t civil_ns, char out[HTTP_DATE]);       /* "Sun, 06 Nov 1994 08:49:37 GMT" */
/* Any of the three forms; a two-digit year more than 50 years ahead of now is the past one. */
bool http_date_parse(const char *text, int64_t civil_now_ns, int64_t *out_ns);
