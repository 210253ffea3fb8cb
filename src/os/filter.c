#include "os/filter.h"
#include <pcap/pcap.h>
#include <stdlib.h>

enum { SNAP = 262144 };

struct filter { pcap_t *handle; struct bpf_program program; };

struct filter *filter_new(const char *expression, uint32_t link, char error[FILTER_ERROR])
{
    struct filter *f = calloc(1, sizeof *f);
    const int dlt = link == 101 ? DLT_RAW : (int)link;       /* the one whose number in files is another */
    if (f)
        f->handle = pcap_open_dead(dlt, SNAP);
    if (!f || !f->handle) {
        snprintf(error, FILTER_ERROR, "out of memory");
        free(f);
        return NULL;
    }
    if (pcap_compile(f->handle, &f->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0)
        return f;
    snprintf(error, FILTER_ERROR, "%s", pcap_geterr(f->handle));
    pcap_close(f->handle);
    free(f);
    return NULL;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    pcap_freecode(&f->program);
    pcap_close(f->handle);
    free(f);
}

bool filter_takes(const struct filter *f, const uint8_t *bytes, uint32_t n_bytes, uint32_t len)
{
    const struct pcap_pkthdr h = { .caplen = n_bytes, .len = len };
    return pcap_offline_filter(&f->program, &h, bytes) != 0;
}

void filter_print(const struct filter *f) { bpf_dump(&f->program, 1); }
