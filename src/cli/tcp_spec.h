/* --tcp as text: `sack=off timestamps=off scaling=off profile=plain`, words apart by spaces or commas. */
#pragma once
#include "tcp/tcp.h"

enum { TCP_SPEC_ERROR = 200 };

/* The words change *out, and only what they name (profile=plain: all that the RFC-plain profile says).  False: error says why. */
bool tcp_spec_parse(const char *text, struct tcp_config *out, char error[TCP_SPEC_ERROR]);
