#include "os/xdp_bpf.h"
#include "os/bpf_insn.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <unistd.h>

enum { ETH = 14, TYPE = 12, IP = ETH, UDP = IP + 20, BOOTP = UDP + 8 };
enum { ARP_TARGET = ETH + 24, ARP_END = ETH + 28, PROTO = IP + 9, UDP_TO = UDP + 2, CHADDR = BOOTP + 28, CHADDR_END = CHADDR + 6 };

/* ------------------------------------------------------------- the program */

enum label { PASS, TAKE, IS_IP, LOOK_UP, LABELS };
enum { INSNS = 80, FRAME = 7, END = 8 };        /* registers that hold where the frame begins and ends */

/* A jump's distance is filled in when the program is whole: until then it holds a label. */
struct program { struct bpf_insn insn[INSNS]; bool jumps[INSNS]; uint32_t n, at[LABELS]; };

static void put(struct program *p, struct bpf_insn i) { p->insn[p->n++] = i; }
static void jump(struct program *p, struct bpf_insn i)
{
    p->jumps[p->n] = true;
    put(p, i);
}
static void here(struct program *p, enum label l) { p->at[l] = p->n; }

static void resolve(struct program *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->jumps[i])
            p->insn[i].off = (int16_t)((int32_t)p->at[p->insn[i].off] - (int32_t)i - 1);
}

/* Fields are compared as they lie in memory. */
static int32_t in_memory16(uint8_t a, uint8_t b)
{
    uint16_t v;
    memcpy(&v, (uint8_t[2]){ a, b }, 2);
    return v;
}
static int32_t in_memory32(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return v;
}

static void unless_long(struct program *p, int bytes, enum label l)
{
    put(p, MOV(1, FRAME));
    put(p, ALUI(BPF_ADD, 1, bytes));
    jump(p, JUMPR(BPF_JGT, 1, END, l));
}
static void unless_byte(struct program *p, int at, uint8_t value, enum label l)
{
    put(p, LOAD(BPF_B, 1, FRAME, at));
    jump(p, JUMPI(BPF_JNE, 1, value, l));
}
static void unless_word(struct program *p, int at, uint16_t value, enum label l)
{
    put(p, LOAD(BPF_H, 1, FRAME, at));
    jump(p, JUMPI(BPF_JNE, 1, in_memory16((uint8_t)(value >> 8), (uint8_t)value), l));
}
/* The six bytes at `at` are this MAC: TAKE. */
static void take_if(struct program *p, int at, struct mac m)
{
    put(p, LOAD(BPF_W, 1, FRAME, at));
    put(p, JUMP32I(BPF_JNE, 1, in_memory32(m.b), 2));
    put(p, LOAD(BPF_H, 1, FRAME, at + 4));
    jump(p, JUMPI(BPF_JEQ, 1, in_memory16(m.b[4], m.b[5]), TAKE));
}

static void write_program(struct program *p, const struct xdp_bpf *x, struct mac own)
{
    put(p, MOV(6, 1));
    put(p, LOAD(BPF_W, FRAME, 6, offsetof(struct xdp_md, data)));
    put(p, LOAD(BPF_W, END, 6, offsetof(struct xdp_md, data_end)));
    unless_long(p, ETH, PASS);
    take_if(p, 0, own);
    put(p, LOAD(BPF_B, 1, FRAME, 0));           /* for another station, or for all? */
    put(p, ALUI(BPF_AND, 1, 1));
    jump(p, JUMPI(BPF_JEQ, 1, 0, PASS));
    put(p, LOAD(BPF_H, 1, FRAME, 0));           /* a group of IPv6 (RFC 2464 §7): by the four bytes that name it */
    put(p, JUMPI(BPF_JNE, 1, in_memory16(0x33, 0x33), 2));
    put(p, LOAD(BPF_W, 1, FRAME, 2));
    jump(p, JUMP(LOOK_UP));
    unless_word(p, TYPE, 0x0806, IS_IP);
    unless_long(p, ARP_END, PASS);
    put(p, LOAD(BPF_W, 1, FRAME, ARP_TARGET));
    here(p, LOOK_UP);
    put(p, STORE(BPF_W, 10, -4, 1));
    put(p, MOV(2, 10));
    put(p, ALUI(BPF_ADD, 2, -4));
    const struct bpf_insn addrs[2] = { MAP(1, x->addrs) }, sockets[2] = { MAP(1, x->sockets) };
    put(p, addrs[0]);
    put(p, addrs[1]);
    put(p, CALL(BPF_FUNC_map_lookup_elem));
    jump(p, JUMPI(BPF_JNE, 0, 0, TAKE));
    here(p, PASS);
    put(p, MOVI(0, XDP_PASS));
    put(p, EXIT);
    here(p, IS_IP);
    unless_word(p, TYPE, 0x0800, PASS);
    unless_long(p, CHADDR_END, PASS);
    unless_byte(p, IP, 0x45, PASS);
    unless_byte(p, PROTO, 17, PASS);
    unless_word(p, UDP_TO, 68, PASS);
    take_if(p, CHADDR, own);
    jump(p, JUMP(PASS));
    here(p, TAKE);
    put(p, sockets[0]);
    put(p, sockets[1]);
    put(p, LOAD(BPF_W, 2, 6, offsetof(struct xdp_md, rx_queue_index)));
    put(p, MOVI(3, XDP_PASS));                  /* no socket for this queue */
    put(p, CALL(BPF_FUNC_redirect_map));
    put(p, EXIT);
    resolve(p);
}

/* ------------------------------------------------------------------- maps */

static int link_program(int program, unsigned ifindex)
{
    const unsigned modes[2] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
    int link = -1;
    for (unsigned i = 0; i < 2 && link < 0 && errno != EBUSY; i++) {
        DECLARE_LIBBPF_OPTS(bpf_link_create_opts, o, .flags = modes[i]);
        link = bpf_link_create(program, (int)ifindex, BPF_XDP, &o);
    }
    return link;
}

bool xdp_bpf_attach(struct xdp_bpf *x, unsigned ifindex, struct mac own)
{
    struct program p = { 0 };
    *x = (struct xdp_bpf){ .link = -1, .sockets = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "plumb_sockets", 4, 4, XDP_BPF_QUEUES, NULL),
                           .addrs = bpf_map_create(BPF_MAP_TYPE_HASH, "plumb_addrs", 4, 1, XDP_BPF_ADDRS, NULL) };
    if (x->sockets >= 0 && x->addrs >= 0) {
        write_program(&p, x, own);
        const int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "plumb", "Dual MIT/GPL", p.insn, p.n, NULL);
        errno = program < 0 ? errno : 0;
        if (program >= 0) {
            x->link = link_program(program, ifindex);
            const int why = errno;
            close(program);             /* the link holds it */
            errno = why;
        }
    }
    if (x->link >= 0)
        return true;
    const int why = errno;
    xdp_bpf_detach(x);
    errno = why;
    return false;
}

void xdp_bpf_detach(struct xdp_bpf *x)
{
    const int all[] = { x->link, x->sockets, x->addrs };
    for (unsigned i = 0; i < 3; i++)
        if (all[i] >= 0)
            close(all[i]);
    *x = (struct xdp_bpf){ -1, -1, -1 };
}

bool xdp_bpf_socket(const struct xdp_bpf *x, unsigned queue, int fd) { return bpf_map_update_elem(x->sockets, &queue, &fd, BPF_ANY) == 0; }

void xdp_bpf_addr(const struct xdp_bpf *x, const uint8_t addr[4])
{
    const uint8_t is = 1;
    (void)bpf_map_update_elem(x->addrs, addr, &is, BPF_ANY);
}
