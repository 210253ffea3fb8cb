/* plumb pkt [-k NAME=VALUE]... FILE...: packet scripts, each `ok` or `FAIL` with the line that failed. */
#include "cli/cli.h"
#include "cli/file.h"
#include "sim/script.h"
#include <stdlib.h>
#include <string.h>

enum { KNOBS = 500 };

/* Knobs stand behind the script, so that its lines keep their numbers and its own knobs lose. */
static char *with_knobs(char *text, const char *knobs)
{
    const size_t n = strlen(text), m = strlen(knobs);
    char *both = realloc(text, n + m + 2);
    if (!both) {
        free(text);
        return NULL;
    }
    both[n] = '\n';
    memcpy(both + n + 1, knobs, m + 1);
    return both;
}

static bool run_file(const char *file, const char *knobs)
{
    char error[SCRIPT_ERROR];
    char *text = file_text(file);
    if (text)
        text = with_knobs(text, knobs);
    if (!text) {
        printf("FAIL %s: cannot be read\n", file);
        return false;
    }
    const bool good = script_run(file, text, error);
    free(text);
    if (good)
        printf("ok %s\n", file);
    else
        printf("FAIL %s\n", error);
    return good;
}

static int usage(FILE *to)
{
    fputs("usage: plumb pkt [-k NAME=VALUE]... FILE...\n"
          "Runs packet scripts (packetdrill's dialect) against plumb's TCP on a virtual clock.\n"
          "-k sets a knob (docs/scripts.md) in each of them.\n", to);
    return to == stderr ? EXIT_USAGE : 0;
}

int cmd_pkt(int argc, char **argv)
{
    char knobs[KNOBS] = "";
    int failed = 0, i = 1;
    if (argc >= 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    for (; i + 1 < argc && strcmp(argv[i], "-k") == 0; i += 2) {
        const size_t n = strlen(knobs);
        snprintf(knobs + n, KNOBS - n, "`sysctl -q %s`\n", argv[i + 1]);
    }
    if (i >= argc || argv[i][0] == '-')
        return usage(stderr);
    for (; i < argc; i++)
        failed += !run_file(argv[i], knobs);
    return failed ? 1 : 0;
}
