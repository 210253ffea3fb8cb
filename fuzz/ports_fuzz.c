/* A list of ports as people write it.
 * covers: src/cli/ports.c */
#include "fuzz.h"
#include "cli/ports.h"

FUZZ_TEXT(text)
{
    struct port_set s;
    char error[PORTS_ERROR] = "";
    if (!ports_parse(text, &s, error)) {
        REQUIRE(*error);
        return;
    }
    REQUIRE(ports_count(&s) > 0 && !port_set_has(&s, 0));
    for (unsigned i = 1; i < 65536; i += 97)
        if (port_set_has(&s, i) && port_name((uint16_t)i))
            REQUIRE(port_of_name(port_name((uint16_t)i), strlen(port_name((uint16_t)i))) != 0);
}
