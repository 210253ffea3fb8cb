/* --link as text: what is taken makes a link that delivers, or says why not.
 * covers: src/link/impair_parse.c */
#include "fuzz.h"
#include "link/impair.h"

FUZZ_TEXT(text)
{
    struct impair_config c;
    char error[200] = "";
    if (!impair_parse(text, &c, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
    else
        REQUIRE(c.delay_ns >= 0 && c.jitter_ns >= 0 && c.loss >= 0 && c.loss <= 1 && c.reorder >= 0 && c.reorder <= 1 && c.duplicate >= 0 &&
                c.duplicate <= 1 && c.corrupt >= 0 && c.corrupt <= 1 && (c.mtu == 0 || c.mtu >= 68));
}
