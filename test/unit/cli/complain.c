/* What main.c has and a test of one file has not. */
#include "cli/cli.h"

void complain(const char *format, ...) { (void)format; }
