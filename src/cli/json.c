#include "cli/json.h"
#include "cli/cli.h"
#include "view/journey.h"
#include <inttypes.h>

static void put_key(struct json *j, const char *key)
{
    if (j->comma)
        putc(',', j->to);
    j->comma = true;
    if (!key)
        return;
    json_string(j->to, key);
    putc(':', j->to);
}

void json_open(struct json *j, const char *key, char bracket)
{
    put_key(j, key);
    putc(bracket, j->to);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    putc(bracket == '{' ? '}' : ']', j->to);
    j->comma = true;
}

void json_text(struct json *j, const char *key, const char *text)
{
    put_key(j, key);
    if (text)
        json_string(j->to, text);
    else
        fputs("null", j->to);
}

void json_raw(struct json *j, const char *element)
{
    put_key(j, NULL);
    fputs(element, j->to);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    put_key(j, key);
    fprintf(j->to, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    put_key(j, key);
    fputs(value ? "true" : "false", j->to);
}

void json_ms(struct json *j, const char *key, int64_t ns)
{
    put_key(j, key);
    fprintf(j->to, "%s%" PRId64 ".%06" PRId64, ns < 0 ? "-" : "", (ns < 0 ? -ns : ns) / 1000000, (ns < 0 ? -ns : ns) % 1000000);
}

void json_real(struct json *j, const char *key, double value)
{
    put_key(j, key);
    fprintf(j->to, "%.6g", value);
}

struct json json_begin(const char *schema)
{
    struct json j = { .to = stdout };
    json_open(&j, NULL, '{');
    json_text(&j, "schema", schema);
    return j;
}

bool json_end(struct json *j)
{
    json_close(j, '{');
    putc('\n', j->to);
    if (fflush(j->to) == 0 && !ferror(j->to))
        return true;
    complain("the JSON could not be written: %m");
    return false;
}
