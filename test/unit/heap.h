/* A test's own word before each allocation of the heap: `heap_refuses()`, which the test defines, true: it gets NULL.  The
 * linker puts these before the allocators (wrap_heap in meson.build). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

static bool heap_refuses(void);

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n)                        { return heap_refuses() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size)           { return heap_refuses() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n)              { return heap_refuses() ? NULL : __real_realloc(p, n); }
void *__wrap_aligned_alloc(size_t align, size_t n)   { return heap_refuses() ? NULL : __real_aligned_alloc(align, n); }
