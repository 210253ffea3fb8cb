/* The loops of the checksum over whole blocks of 32 bytes, one version for each kind
 * of machine; checksum.c takes the best that runs here.  The tests hold all of them
 * against the first. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CSUM_BLOCK = 32 };

struct csum_version {
    const char *name;
    bool     (*runs)(void);             /* on this machine */
    /* The sum of `blocks` blocks as 32-bit words, which 2^20 blocks cannot make overflow. */
    uint64_t (*sum)(const uint8_t *p, size_t blocks);
    /* The same, and they are copied. */
    uint64_t (*copy)(uint8_t *to, const uint8_t *p, size_t blocks);
};

extern const struct csum_version csum_versions[];      /* the plainest first; the end has no name */

/* By the best version. */
uint64_t csum_sum_blocks(const uint8_t *p, size_t blocks);
uint64_t csum_copy_blocks(uint8_t *to, const uint8_t *p, size_t blocks);
/* From now on by the version every machine has: for who counts instructions. */
void csum_portable(void);
