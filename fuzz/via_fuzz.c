/* --via as text.
 * covers: src/cli/via.c */
#include "fuzz.h"
#include "cli/via.h"

FUZZ_TEXT(text)
{
    struct via v;
    char error[200] = "";
    if (!via_parse(text, &v, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
    else
        REQUIRE(v.kind != VIA_UNSET && v.n_addr <= VIA_ADDRS && v.n_dns <= VIA_DNS && (v.name[0] != 0) == via_is_wire(v.kind) &&
                (v.mtu == 0 || v.mtu >= 68));
}
