/* Whole small files. */
#pragma once
#include <stddef.h>

/* The bytes with a zero behind, to be freed; NULL: it cannot be read (errno). */
char *file_text(const char *name);
/* The same with their number, for bytes that may be zero; "-": the standard input. */
char *file_bytes(const char *name, size_t *len);
