/* plumb was built where libxdp is not. */
#include "os/device.h"
#include <stdio.h>

enum plumb_err xdp_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR])
{
    *d = (struct device){ .fd = -1 };
    snprintf(error, DEVICE_ERROR, "this plumb was built without AF_XDP (wanted on %.15s): install libxdp-dev and libbpf-dev and build again", o->name);
    return PLUMB_UNSUPPORTED;
}
