/* A segment arrives and there is no connection: §3.10.7.1. */
#include "tcp/conn.h"

seg_fate tcp_arrive_closed(struct tcp *t, struct tcp_seg *s, enum why why)
{
    if (s->flags & RST)                         /* is discarded */
        return tcp_drop(t, s, why);
    return tcp_drop_rst(t, s, why);
}
