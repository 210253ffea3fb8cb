/* What every fuzz target begins with.  A target is NAME_fuzz.c with FUZZ(data, size) { ... }, a
 * line `covers:` naming the source files it is judged by, an entry in meson.build and
 * real inputs in corpus/NAME/. */
#pragma once
#include "base/bytes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ(data, size)                                                \
    static void fuzz_one(const uint8_t *data, size_t size);             \
    int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)        \
    {                                                                   \
        fuzz_one(bytes, len);                                           \
        return 0;                                                       \
    }                                                                   \
    static void fuzz_one(const uint8_t *data, size_t size)

/* A property that must hold for every input. */
#define REQUIRE(what)                                                       \
    do {                                                                    \
        if (!(what)) {                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* FUZZ_TEXT(text): the input as a string of its own memory, so that a look behind its end is seen. */
#define FUZZ_TEXT(text)                                                 \
    static void fuzz_text(char *text);                                  \
    FUZZ(fuzz_data, fuzz_size)                                          \
    {                                                                   \
        char *own = malloc(fuzz_size + 1);                              \
        if (!own)                                                       \
            return;                                                     \
        memcpy(own, fuzz_data, fuzz_size);                              \
        own[fuzz_size] = 0;                                             \
        fuzz_text(own);                                                 \
        free(own);                                                      \
    }                                                                   \
    static void fuzz_text(char *text)
