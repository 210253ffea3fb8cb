/* A process that asks itself, from another thread. */
#include "../test.h"
#include "os/control.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop loop;
static struct wait *w;
static unsigned asked;
static atomic_bool over;

static bool answer(void *arg, const char *question, FILE *to)
{
    asked++;
    assert_ptr_equal(arg, &loop);
    if (strcmp(question, "many") == 0)
        for (int i = 0; i < 200000; i++)
            fprintf(to, "line %d\n", i);
    else if (strcmp(question, "one") == 0)
        fputs("one\n", to);
    else
        return false;
    return true;
}

static char *one, *many, *unknown, *nobody;
static void *ask(void *arg)
{
    char error[CONTROL_ERROR];
    one = control_ask((long)getpid(), "one", error);
    many = control_ask((long)getpid(), "many", error);
    unknown = control_ask((long)getpid(), "else", error);
    nobody = control_ask(1, "one", error);
    atomic_store(&over, true);
    return arg;
}

static void answers(void **state)
{
    (void)state;
    pthread_t thread;
    loop_init(&loop, clock_now_ns(), clock_civil_ns());
    w = wait_new(&loop);
    struct control *c = control_new(w, &loop, answer, &loop);
    assert_non_null(c);
    assert_null(control_new(w, &loop, answer, &loop));          /* the name is taken */
    assert_int_equal(pthread_create(&thread, NULL, ask, NULL), 0);
    for (int i = 0; i < 1000 && !atomic_load(&over); i++)
        (void)wait_run_until(w, clock_now_ns() + 20 * NS_PER_MS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(one, "one\n");
    assert_non_null(many);
    assert_int_equal(strlen(many), 2288890);
    assert_non_null(strstr(unknown, "error"));
    assert_null(nobody);
    assert_int_equal(asked, 3);
    free(one);
    free(many);
    free(unknown);
    control_free(c);
    wait_free(w);
}

TESTS(answers)
