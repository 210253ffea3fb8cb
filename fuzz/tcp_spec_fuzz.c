/* --tcp as text.
 * covers: src/cli/tcp_spec.c */
#include "fuzz.h"
#include "cli/tcp_spec.h"

FUZZ_TEXT(text)
{
    struct tcp_config c = { 0 };
    char error[TCP_SPEC_ERROR] = "";
    if (!tcp_spec_parse(text, &c, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
}
