#include "base/pool.h"
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

enum { ALIGN = 64, STEP = 8 };

bool pool_init(struct pool *p, size_t object_size, uint32_t max)
{
    *p = (struct pool){ .object_size = (object_size + STEP - 1) / STEP * STEP, .max = max };
    p->memory = aligned_alloc(ALIGN, (p->object_size * (max ? max : 1) + ALIGN - 1) / ALIGN * ALIGN);
    return p->memory != NULL;
}

void pool_fini(struct pool *p)
{
    if (p->memory)
        UNPOISON(p->memory, p->object_size * p->max);
    free(p->memory);
    *p = (struct pool){ 0 };
}

void *pool_get(struct pool *p)
{
    void *object = p->free;
    if (object) {
        UNPOISON(object, p->object_size);
        memcpy(&p->free, object, sizeof p->free);
    } else if (p->fresh < p->max) {
        object = p->memory + p->object_size * p->fresh++;
    } else {
        p->refused++;
        return NULL;
    }
    if (++p->used > p->peak)
        p->peak = p->used;
    return object;
}

void pool_put(struct pool *p, void *object)
{
    memcpy(object, &p->free, sizeof p->free);
    p->free = object;
    p->used--;
    POISON(object, p->object_size);
}
