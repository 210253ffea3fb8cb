/* --tcp as text.
 * covers: src/cli/tcp_spec.c */
#include "fuzz.h"
#include "cli/tcp_spec.h"

FUZZ(data, size)
{
    struct tcp_config c = { 0 };
    char error[TCP_SPEC_ERROR] = "";
    char *text = malloc(size + 1);
    if (!text)
        return;
    memcpy(text, data, size);
    text[size] = 0;
    if (!tcp_spec_parse(text, &c, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
    free(text);
}
