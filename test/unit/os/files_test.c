#include "../test.h"
#include "os/files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[] = "/tmp/plumb-files-XXXXXX";
static struct files *files;
static struct tree tree;

static void put(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int up(void **state)
{
    enum plumb_err e;
    (void)state;
    assert_non_null(mkdtemp(base));
    assert_int_equal(chdir(base), 0);
    put("secret", "never");
    assert_int_equal(mkdir("www", 0755) | mkdir("www/dir", 0755), 0);
    put("www/a.txt", "alpha");
    put("www/dir/b.txt", "beta");
    assert_int_equal(symlink("a.txt", "www/inside") | symlink("../a.txt", "www/dir/up") | symlink("../secret", "www/outside")
                     | symlink("/etc", "www/etc") | symlink("..", "www/parent") | symlink("self", "www/self") | mkfifo("www/fifo", 0600), 0);
    files = files_open("www", &e);
    assert_non_null(files);
    tree = files_tree(files);
    return 0;
}
static int down(void **state)
{
    (void)state;
    files_close(files);
    static const char *const all[] = { "secret", "www/a.txt", "www/dir/b.txt", "www/inside", "www/dir/up", "www/outside", "www/etc", "www/parent",
                                       "www/self", "www/fifo" };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        unlink(all[i]);
    rmdir("www/dir");
    rmdir("www");
    assert_int_equal(chdir("/") | rmdir(base), 0);
    return 0;
}

static const char *content(const char *path)
{
    static char text[100];
    struct tree_info info;
    void *f = NULL;
    const enum plumb_err e = tree.ops->open(tree.arg, path, &f, &info);
    if (e != PLUMB_OK)
        return plumb_err_text(e);
    if (info.kind != TREE_FILE)
        return info.kind == TREE_DIR ? "(directory)" : "(other)";
    const size_t n = tree.ops->read(f, 1, (uint8_t *)text, sizeof text - 1);
    assert_int_equal(n + 1, info.size);
    assert_int_equal(tree.ops->read(f, 1000, (uint8_t *)text + n, 1), 0);
    text[n] = 0;
    tree.ops->close(f);
    return text;
}

static void stays_inside(void **state)
{
    (void)state;
    assert_string_equal(content("a.txt"), "lpha");
    assert_string_equal(content("dir/b.txt"), "eta");
    assert_string_equal(content("inside"), "lpha");
    assert_string_equal(content("dir/up"), "lpha");
    assert_string_equal(content(""), "(directory)");
    assert_string_equal(content("dir"), "(directory)");
    assert_string_equal(content("fifo"), "(other)");
    assert_string_equal(content("outside"), "permission denied");
    assert_string_equal(content("etc/passwd"), "permission denied");
    assert_string_equal(content("parent/secret"), "permission denied");
    assert_string_equal(content("../secret"), "permission denied");
    assert_string_equal(content("/etc/passwd"), "permission denied");
    assert_string_equal(content("self"), "permission denied");
    assert_string_equal(content("none"), "not found");
    assert_string_equal(content("a.txt/x"), "not found");
    static char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    assert_string_equal(content(longest), "not found");
}

static void lists(void **state)
{
    char name[TREE_NAME];
    struct tree_info info;
    int n = 0;
    (void)state;
    void *l = tree.ops->list(tree.arg, "dir");
    assert_non_null(l);
    for (; tree.ops->next(l, name, &info); n++)
        assert_true((strcmp(name, "b.txt") == 0 && info.size == 4 && info.kind == TREE_FILE) || (strcmp(name, "up") == 0 && info.kind == TREE_OTHER));
    tree.ops->end(l);
    assert_int_equal(n, 2);
    assert_null(tree.ops->list(tree.arg, "parent"));
    assert_null(tree.ops->list(tree.arg, "a.txt"));
    enum plumb_err e;
    assert_null(files_open("nowhere", &e));
    assert_int_equal(e, PLUMB_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest all[] = { cmocka_unit_test(stays_inside), cmocka_unit_test(lists) };
    return cmocka_run_group_tests(all, up, down);
}
