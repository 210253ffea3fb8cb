/* A journal of leases: what is read writes, and reads the same again.
 * covers: src/service/leases.c */
#include "fuzz.h"
#include "service/leases.h"

enum { MOST = 32 };
#define CIVIL (INT64_C(1700000000) * NS_PER_SEC)

static char *written(const struct leases *l)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    REQUIRE(f);
    leases_write(l, f, 0, CIVIL);
    fclose(f);
    return text;
}

FUZZ_TEXT(text)
{
    char error[LEASES_ERROR] = "";
    struct leases *l = leases_new(MOST), *again = leases_new(MOST);
    const bool good = leases_read(l, text, 0, CIVIL, error);
    REQUIRE(good || *error);
    uint32_t cursor = 0, n = 0;
    for (const struct lease *one; (one = leases_walk(l, &cursor)); n++) {
        REQUIRE(leases_at(l, one->addr) == one && one->expires_ns >= 0 && strlen(one->name) < LEASE_NAME);
        bool seen = false;
        for (const struct lease *at = NULL; (at = leases_of(l, &one->id, at));)
            seen |= at == one;
        REQUIRE(seen);
    }
    REQUIRE(n <= MOST);
    char *first = written(l);
    REQUIRE(leases_read(again, first, 0, CIVIL, error));
    char *second = written(again);
    REQUIRE(strcmp(first, second) == 0);
    free(first);
    free(second);
    leases_free(l);
    leases_free(again);
}
