/* Put before a program's allocator by LD_PRELOAD: the allocation number PLUMB_REFUSE (from 0) gets NULL and ENOMEM.
 * The number of allocations is written to descriptor 9 at the end, when that is open. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static atomic_ulong asked;

static int refused(void)
{
    static atomic_long at = -2;
    long wanted = atomic_load(&at);
    if (wanted == -2) {
        const char *s = getenv("PLUMB_REFUSE");
        atomic_store(&at, wanted = s ? atol(s) : -1);
    }
    if ((long)atomic_fetch_add(&asked, 1) != wanted)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)                      { return refused() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size)         { return refused() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n)            { return refused() ? NULL : __libc_realloc(p, n); }
void *aligned_alloc(size_t align, size_t n) { return refused() ? NULL : __libc_memalign(align, n); }

__attribute__((destructor)) static void tell(void)
{
    char text[32];
    const int n = snprintf(text, sizeof text, "%lu\n", atomic_load(&asked));
    if (write(9, text, (size_t)n) < 0)
        return;
}
