/* --via as text.
 * covers: src/cli/via.c */
#include "fuzz.h"
#include "cli/via.h"

FUZZ(data, size)
{
    struct via v;
    char error[200] = "";
    char *text = malloc(size + 1);
    if (!text)
        return;
    memcpy(text, data, size);
    text[size] = 0;
    if (!via_parse(text, &v, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
    else
        REQUIRE(v.kind != VIA_UNSET && v.n_addr <= VIA_ADDRS && (v.name[0] != 0) == (v.kind == VIA_TAP || v.kind == VIA_PACKET) &&
                (v.mtu == 0 || v.mtu >= 68));
    free(text);
}
