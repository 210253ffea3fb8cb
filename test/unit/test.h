/* cmocka's headers in the order it wants, and a main from a list of tests. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define T1(a) cmocka_unit_test(a),
#define T2(a, ...) T1(a) T1(__VA_ARGS__)
#define T3(a, ...) T1(a) T2(__VA_ARGS__)
#define T4(a, ...) T1(a) T3(__VA_ARGS__)
#define T5(a, ...) T1(a) T4(__VA_ARGS__)
#define T6(a, ...) T1(a) T5(__VA_ARGS__)
#define T7(a, ...) T1(a) T6(__VA_ARGS__)
#define T8(a, ...) T1(a) T7(__VA_ARGS__)
#define T9(a, ...) T1(a) T8(__VA_ARGS__)
#define T10(a, ...) T1(a) T9(__VA_ARGS__)
#define T11(a, ...) T1(a) T10(__VA_ARGS__)
#define T12(a, ...) T1(a) T11(__VA_ARGS__)
#define T13(a, ...) T1(a) T12(__VA_ARGS__)
#define T14(a, ...) T1(a) T13(__VA_ARGS__)
#define T15(a, ...) T1(a) T14(__VA_ARGS__)
#define T16(a, ...) T1(a) T15(__VA_ARGS__)
#define PICK(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, name, ...) name
#define EACH(...) PICK(__VA_ARGS__, T16, T15, T14, T13, T12, T11, T10, T9, T8, T7, T6, T5, T4, T3, T2, T1)(__VA_ARGS__)

/* TESTS(one, two): a program that runs them; at most 16 (split the file beyond). */
#define TESTS(...)                                                      \
    int main(void)                                                      \
    {                                                                   \
        const struct CMUnitTest all[] = { EACH(__VA_ARGS__) };          \
        return cmocka_run_group_tests(all, NULL, NULL);                 \
    }
