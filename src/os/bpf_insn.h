/* BPF instructions by name, for programs short enough to be written as such (Linux
 * Documentation/bpf/standardization/instruction-set.rst).  d and s are registers, jumps count
 * instructions from the next one. */
#pragma once
#include <linux/bpf.h>
#include <stdint.h>

#define INSN(c, d, s, o, i)     ((struct bpf_insn){ .code = (uint8_t)(c), .dst_reg = (d), .src_reg = (s), .off = (int16_t)(o), .imm = (int32_t)(i) })
#define MOV(d, s)               INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVI(d, i)              INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ALU(op, d, s)           INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define ALUI(op, d, i)          INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALU32I(op, d, i)        INSN(BPF_ALU | (op) | BPF_K, d, 0, 0, i)
#define JUMPI(op, d, i, off)    INSN(BPF_JMP | (op) | BPF_K, d, 0, off, i)
#define JUMP32I(op, d, i, off)  INSN(BPF_JMP32 | (op) | BPF_K, d, 0, off, i)
#define JUMPR(op, d, s, off)    INSN(BPF_JMP | (op) | BPF_X, d, s, off, 0)
#define JUMP(off)               INSN(BPF_JMP | BPF_JA, 0, 0, off, 0)
#define LOAD(size, d, s, at)    INSN(BPF_LDX | BPF_MEM | (size), d, s, at, 0)
#define STORE(size, d, at, s)   INSN(BPF_STX | BPF_MEM | (size), d, s, at, 0)
#define CONST64(d, v)           INSN(BPF_LD | BPF_DW | BPF_IMM, d, 0, 0, (uint32_t)(v)), INSN(0, 0, 0, 0, (uint32_t)((uint64_t)(v) >> 32))
#define MAP(d, fd)              INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define CALL(function)          INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define EXIT                    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
