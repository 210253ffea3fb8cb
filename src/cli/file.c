#include "cli/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(FILE *f, size_t *out_len)
{
    char *text = NULL;
    size_t len = 0, room = 0, got;
    do {
        if (len + 4096 > room) {
            char *more = realloc(text, (room = (room + 4096) * 2) + 1);
            if (!more) {
                free(text);
                return NULL;
            }
            text = more;
        }
        got = fread(text + len, 1, room - len, f);
        len += got;
    } while (got > 0);
    if (ferror(f)) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    *out_len = len;
    return text;
}

char *file_bytes(const char *name, size_t *len)
{
    if (strcmp(name, "-") == 0)
        return read_all(stdin, len);
    FILE *f = fopen(name, "re");
    if (!f)
        return NULL;
    char *bytes = read_all(f, len);
    fclose(f);
    return bytes;
}

char *file_text(const char *name)
{
    size_t len;
    FILE *f = fopen(name, "re");
    if (!f)
        return NULL;
    char *text = read_all(f, &len);
    fclose(f);
    return text;
}
