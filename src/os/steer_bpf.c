#include "os/steer_bpf.h"
#include "os/bpf_insn.h"
#include <linux/filter.h>
#include <sys/syscall.h>
#include <unistd.h>

/* R6: the packet, R7: length of the IP header, R8: protocol, R9: the hash.  A load beyond the
 * packet's end ends the program with 0. */
#define LOAD_IP(size, at)       INSN(BPF_LD | BPF_ABS | (size), 0, 0, 0, SKF_NET_OFF + (at))     /* into R0, host order */
#define LOAD_L4(size, at)       INSN(BPF_LD | BPF_IND | (size), 0, 7, 0, SKF_NET_OFF + (at))
/* steer_mix(R9, R0): seven instructions, of which CONST64 is two. */
#define MIX                     ALU(BPF_XOR, 9, 0), CONST64(1, UINT64_C(0x9e3779b97f4a7c15)), ALU(BPF_MUL, 9, 1), \
                                MOV(1, 9), ALUI(BPF_RSH, 1, 32), ALU(BPF_XOR, 9, 1)

enum { FRAGMENT = 0x3fff, MIX_LEN = 7, IP4_LEN = 38 + 2 * MIX_LEN };    /* instructions, from zero: to ip6: */
#define LOAD_MIX(at)            LOAD_IP(BPF_W, at), MIX
#define MIX_ADDR6(at)           LOAD_MIX(at), LOAD_MIX((at) + 4), LOAD_MIX((at) + 8), LOAD_MIX((at) + 12)

int steer_bpf_load(const struct steer *s)
{
    const struct bpf_insn program[] = {
        MOV(6, 1),
        CONST64(9, s->key),
        LOAD_IP(BPF_B, 0), MOV(7, 0), ALUI(BPF_AND, 0, 0xf0),
        JUMPI(BPF_JEQ, 0, 0x40, 3),                             /* IPv4 */
        JUMPI(BPF_JEQ, 0, 0x60, IP4_LEN),                       /* to ip6 */
        MOVI(0, 0), EXIT,                                       /* zero: */
        ALUI(BPF_AND, 7, 0x0f), ALUI(BPF_LSH, 7, 2),
        LOAD_IP(BPF_H, 6), JUMPI(BPF_JSET, 0, FRAGMENT, -6),
        LOAD_IP(BPF_B, 9), MOV(8, 0),
        JUMPI(BPF_JEQ, 8, IP_TCP, MIX_LEN + 5),                 /* to full */
        JUMPI(BPF_JNE, 8, IP_UDP, -10),
        LOAD_L4(BPF_H, 2),
        JUMPI(BPF_JEQ, 0, STEER_DHCP_CLIENT, -12),
        JUMPI(BPF_JLT, 0, STEER_UDP_FIRST, MIX_LEN + 1),        /* to full */
        MIX,
        JUMP(3 * MIX_LEN + 7),                                  /* to out */
        LOAD_IP(BPF_W, 12), MIX,                                   /* full: from whom */
        LOAD_IP(BPF_W, 16), MIX,                                   /* to whom */
        LOAD_L4(BPF_W, 0), MOV(1, 0), ALU32I(BPF_LSH, 1, 16), ALUI(BPF_RSH, 0, 16), ALU(BPF_OR, 0, 1), MIX,     /* to which port, from which */
        MOV(0, 9), ALU32I(BPF_MOD, 0, s->n), EXIT,              /* out: */
        MOVI(7, 40), LOAD_IP(BPF_B, 6), MOV(8, 0),              /* ip6: of packets without extension headers */
        JUMPI(BPF_JEQ, 8, IP_TCP, MIX_LEN + 5),                 /* to full6 */
        JUMPI(BPF_JNE, 8, IP_UDP, 10 * MIX_LEN + 20),           /* to zero6 */
        LOAD_L4(BPF_H, 2),
        JUMPI(BPF_JEQ, 0, STEER_DHCP6_CLIENT, 10 * MIX_LEN + 18),
        JUMPI(BPF_JLT, 0, STEER_UDP_FIRST, MIX_LEN + 1),        /* to full6 */
        MIX,
        JUMP(9 * MIX_LEN + 13),                                 /* to out6 */
        MIX_ADDR6(8), MIX_ADDR6(24),                            /* full6: */
        LOAD_L4(BPF_W, 0), MOV(1, 0), ALU32I(BPF_LSH, 1, 16), ALUI(BPF_RSH, 0, 16), ALU(BPF_OR, 0, 1), MIX,
        MOV(0, 9), ALU32I(BPF_MOD, 0, s->n), EXIT,              /* out6: */
        MOVI(0, 0), EXIT,                                       /* zero6: */
    };
    union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)program, .insn_cnt = sizeof program / sizeof program[0],
                         .license = (uintptr_t)"Dual MIT/GPL" };
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
}

int steer_bpf_ask(int fd, const uint8_t *frame, uint32_t len)
{
    union bpf_attr a = { .test = { .prog_fd = (uint32_t)fd, .data_in = (uintptr_t)frame, .data_size_in = len } };
    return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &a, sizeof a) == 0 ? (int)a.test.retval : -1;
}
