/* A line as a running plumb answers it, from whoever says that he is one.
 * covers: src/cli/state_lines.c */
#include "fuzz.h"
#include "cli/state_lines.h"

FUZZ_TEXT(text)
{
    static const char *const keys[] = { "addr", "mac", "iface", "state", "via", "error", "" };
    char out[16];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (line_value(text, keys[i], out, sizeof out))
            REQUIRE(strlen(out) < sizeof out);
    FILE *nowhere = fopen("/dev/null", "w");
    REQUIRE(nowhere);
    (void)state_lines(NULL, "none", nowhere);
    fclose(nowhere);
}
