/* A last-in-first-out pool of equal objects in one block of memory, taken at
 * pool_init: getting and putting never allocate.  Pages that were never used
 * cost nothing.  Under AddressSanitizer free objects are poisoned. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
    uint8_t *memory;
    void    *free;              /* chain through the first word of free objects */
    size_t   object_size;       /* rounded up to 8 */
    uint32_t max;               /* objects there can be */
    uint32_t fresh;             /* objects never handed out start here */
    uint32_t used;              /* handed out now */
    uint32_t peak;
    uint64_t refused;           /* gets answered NULL */
};

bool  pool_init(struct pool *p, size_t object_size, uint32_t max);   /* false: no memory */
void  pool_fini(struct pool *p);
/* Not cleared.  NULL: all `max` are handed out. */
void *pool_get(struct pool *p);
void  pool_put(struct pool *p, void *object);
static inline uint32_t pool_left(const struct pool *p) { return p->max - p->used; }
