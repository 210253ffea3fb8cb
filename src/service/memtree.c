#include "service/memtree.h"
#include <stdlib.h>
#include <string.h>

struct listing { const struct memtree *m; size_t prefix; const char *path; uint32_t at; };

/* `path` is a directory on the way to the file. */
static bool is_below(const char *file, const char *path, size_t len)
{
    return len == 0 || (strncmp(file, path, len) == 0 && file[len] == '/');
}

static struct tree_info info_of(const struct memtree *m, const struct memfile *f)
{
    return (struct tree_info){ .kind = TREE_FILE, .size = f->size, .version = (uint64_t)m->modified_ns, .modified_ns = m->modified_ns };
}

static enum plumb_err op_open(void *tree, const char *path, void **file, struct tree_info *info)
{
    const struct memtree *m = tree;
    const size_t len = strlen(path);
    for (uint32_t i = 0; i < m->count; i++) {
        if (strcmp(m->files[i].path, path) == 0) {
            *file = (void *)(uintptr_t)&m->files[i];
            *info = info_of(m, &m->files[i]);
            return PLUMB_OK;
        }
        if (is_below(m->files[i].path, path, len)) {
            *info = (struct tree_info){ .kind = TREE_DIR, .modified_ns = m->modified_ns };
            return PLUMB_OK;
        }
    }
    return PLUMB_NOT_FOUND;
}

static size_t op_read(void *file, uint64_t offset, uint8_t *to, size_t max)
{
    const struct memfile *f = file;
    const uint64_t left = offset < f->size ? f->size - offset : 0;
    const size_t n = left < max ? (size_t)left : max;
    if (f->bytes && n)
        memcpy(to, (const uint8_t *)f->bytes + offset, n);
    for (size_t i = 0; !f->bytes && i < n; i++)
        to[i] = memtree_pattern(offset + i);
    return n;
}

static void op_close(void *file) { (void)file; }

static void *op_list(void *tree, const char *path)
{
    struct listing *l = malloc(sizeof *l);
    if (l)
        *l = (struct listing){ .m = tree, .path = path, .prefix = strlen(path) };
    return l;
}

/* Whether an earlier file lies in the same directory below: then it was told already. */
static bool told(const struct listing *l, const char *rest, size_t len)
{
    for (uint32_t i = 0; i + 1 < l->at; i++) {
        const char *other = l->m->files[i].path;
        if (is_below(other, l->path, l->prefix) && strncmp(other + l->prefix + (l->prefix > 0), rest, len + 1) == 0)
            return true;
    }
    return false;
}

static bool op_next(void *list, char name[TREE_NAME], struct tree_info *info)
{
    struct listing *l = list;
    while (l->at < l->m->count) {
        const struct memfile *f = &l->m->files[l->at++];
        if (!is_below(f->path, l->path, l->prefix))
            continue;
        const char *rest = f->path + l->prefix + (l->prefix > 0);
        const size_t len = strcspn(rest, "/");
        const bool dir = rest[len] == '/';
        if (len >= TREE_NAME || (dir && told(l, rest, len)))
            continue;
        memcpy(name, rest, len);
        name[len] = 0;
        *info = dir ? (struct tree_info){ .kind = TREE_DIR, .modified_ns = l->m->modified_ns } : info_of(l->m, f);
        return true;
    }
    return false;
}

static const struct tree_ops ops = { op_open, op_read, op_close, op_list, op_next, free };

struct tree memtree_tree(struct memtree *m) { return (struct tree){ .ops = &ops, .arg = m }; }
