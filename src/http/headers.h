/* An ordered list of header fields (RFC 9110 §5); names compare without case.
 * All-zero is an empty list. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct header  { uint32_t name, value; };           /* offsets of terminated strings in `text` */
struct headers { char *text; uint32_t text_len, text_room; struct header *at; uint32_t count, room; };

void headers_fini(struct headers *h);
void headers_clear(struct headers *h);
/* False: no memory. What is added is taken as it is: see headers_name_ok, headers_value_ok. */
bool headers_add(struct headers *h, const char *name, const char *value);
bool headers_add_n(struct headers *h, const char *name, size_t name_len, const char *value, size_t value_len);
bool headers_copy(struct headers *to, const struct headers *from);      /* appends */
void headers_remove(struct headers *h, const char *name);

static inline const char *headers_name(const struct headers *h, uint32_t i)  { return h->text + h->at[i].name; }
static inline const char *headers_value(const struct headers *h, uint32_t i) { return h->text + h->at[i].value; }
/* The first value of that name; NULL: there is none. */
const char *headers_get(const struct headers *h, const char *name);
/* Each value of that name in turn, *cursor from 0; NULL: no more. */
const char *headers_next(const struct headers *h, const char *name, uint32_t *cursor);
/* Whether a comma-separated list under that name has the token. */
bool headers_has_token(const struct headers *h, const char *name, const char *token);

bool text_same(const char *a, const char *b);               /* without case, ASCII */
bool headers_name_ok(const char *name, size_t len);         /* a token (§5.6.2) */
bool headers_value_ok(const char *value, size_t len);       /* no control byte but HTAB (§5.5) */
