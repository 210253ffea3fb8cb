#pragma once
#include <stdlib.h>
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) abort()
#define LWIP_RAND() ((u32_t)rand())
/* The port may bring its own checksum; lwIP gets the one plumb has. */
unsigned short fast_checksum(const void *bytes, int len);
#define LWIP_CHKSUM fast_checksum
