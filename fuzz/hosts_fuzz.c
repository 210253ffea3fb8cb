/* A hosts file: the addresses it gives a name stand in it.
 * covers: src/name/stub.c */
#include "fuzz.h"
#include "name/stub.h"

FUZZ_TEXT(text)
{
    struct addr found[4];
    for (int family = NAME_ANY; family <= NAME_V6; family++) {
        const uint32_t n = hosts_find(text, "www.shop.test", (enum name_family)family, found, 4);
        REQUIRE(n <= 4);
        for (uint32_t i = 0; i < n; i++)
            REQUIRE(family == NAME_ANY || addr_is4(found[i]) == (family == NAME_V4));
    }
}
