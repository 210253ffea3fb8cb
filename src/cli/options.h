/* The options every networked command takes, as an argp child, and numbers in options. */
#pragma once
#include "cli/network.h"
#include <argp.h>

/* Its input is a struct network_opts: --via --link --seed --capture --cc --tcp. */
extern const struct argp network_argp;

/* Parses a command's arguments; on bad usage one line and the end of the program with status 2. */
void options_parse(const struct argp *argp, int argc, char **argv, void *input);
/* For the ARGP_KEY_INIT of a command without network_argp. */
void options_begin(struct argp_state *state);

/* Each ends the program with one line and status 2 when the text is not such a number. */
long    option_integer(const struct argp_state *state, const char *text, long min, long max);
int64_t option_seconds(const struct argp_state *state, const char *text);
void    option_bad(const struct argp_state *state, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
