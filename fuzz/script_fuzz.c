/* A packet script: what is taken can be run over, what is not says its line.
 * covers: src/sim/script_parse.c */
#include "fuzz.h"
#include "sim/script_int.h"

FUZZ_TEXT(text)
{
    struct script s;
    char error[SCRIPT_ERROR] = "";
    if (!script_parse(text, &s, error))
        REQUIRE(error[0] && strlen(error) < sizeof error);
    else
        for (const struct script_event *e = s.first; e; e = e->next)
            REQUIRE(e->line > 0 && e->call.n_args <= SCRIPT_ARGS);
    script_free(&s);
}
