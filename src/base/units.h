/* Quantities as people write them: 80ms, 1.5s, 10mbit, 1.2MB, 2%. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Each takes the whole text or answers false; numbers may have a fraction, never a sign. */
bool parse_duration(const char *text, int64_t *out_ns);     /* ns us ms s m h; a bare 0 */
bool parse_rate(const char *text, uint64_t *out_bits_s);    /* bit kbit mbit gbit, powers of 1000 */
bool parse_size(const char *text, uint64_t *out_bytes);     /* B kB MB GB (1000), KiB MiB GiB (1024), bare bytes */
bool parse_share(const char *text, double *out);            /* 2% or 0.02; 0 to 1 */

enum { UNIT_TEXT = 24 };
const char *duration_text(int64_t ns, char out[UNIT_TEXT]); /* three significant digits: 1.53 ms */
const char *size_text(uint64_t bytes, char out[UNIT_TEXT]); /* 1.2 MB */
