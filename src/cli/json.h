/* One JSON object on stdout, written as it is told; the schemas are in docs/commands.md. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json { FILE *to; bool comma; };

/* `key` is NULL for the outermost and for what stands in an array.  Brackets are '{' and '['. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_text(struct json *j, const char *key, const char *text);     /* NULL: null */
void json_int(struct json *j, const char *key, int64_t value);
void json_raw(struct json *j, const char *element);                     /* JSON itself, in an array */
void json_bool(struct json *j, const char *key, bool value);
void json_ms(struct json *j, const char *key, int64_t ns);             /* milliseconds with six decimals */
void json_real(struct json *j, const char *key, double value);
/* {"schema":NAME, ... }, and the end of the line.  False: stdout could not be written (complained about). */
struct json json_begin(const char *schema);
bool json_end(struct json *j);
