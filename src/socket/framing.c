/* Finds messages in a stream again. */
#include <plumb/framing.h>
#include <stdlib.h>
#include <string.h>

static bool sane(const struct plumb_framing *how)
{
    switch (how->kind) {
    case PLUMB_FRAMING_LENGTH:
        return how->max > 0 && (how->length_bytes == 4 || ((how->length_bytes == 1 || how->length_bytes == 2) && how->max < 1u << 8 * how->length_bytes));
    case PLUMB_FRAMING_FIXED:
        return how->fixed > 0 && how->fixed <= how->max;
    case PLUMB_FRAMING_DELIMITER:
        return how->max > 0 && how->delimiter_len > 0 && how->delimiter_len <= PLUMB_FRAMING_DELIMITER_MAX;
    }
    return false;
}

bool plumb_framer_init(struct plumb_framer *f, const struct plumb_framing *how)
{
    *f = (struct plumb_framer){ .how = *how };
    if (!sane(how) || how->max > UINT32_MAX - PLUMB_FRAMING_DELIMITER_MAX)
        return false;
    f->room = how->max + (how->kind == PLUMB_FRAMING_DELIMITER ? how->delimiter_len : 0);
    f->bytes = malloc(f->room);
    return f->bytes != NULL;
}

void plumb_framer_fini(struct plumb_framer *f)
{
    free(f->bytes);
    *f = (struct plumb_framer){ 0 };
}

static void start_next(struct plumb_framer *f)
{
    f->have = f->header = f->wanted = 0;
    f->whole = false;
}

/* Copies towards a message of `wanted` bytes. */
static size_t fill(struct plumb_framer *f, uint32_t wanted, const uint8_t *bytes, size_t len)
{
    const size_t n = len < wanted - f->have ? len : wanted - f->have;
    if (n)
        memcpy(f->bytes + f->have, bytes, n);
    f->have += (uint32_t)n;
    f->whole = f->have == wanted;
    return n;
}

static size_t take_length(struct plumb_framer *f, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    for (; f->header < f->how.length_bytes && at < len; f->header++)
        f->wanted = f->wanted << 8 | bytes[at++];
    if (f->header < f->how.length_bytes)
        return at;
    f->broken = f->wanted > f->how.max;
    return f->broken ? at : at + fill(f, f->wanted, bytes + at, len - at);
}

/* Byte by byte: a delimiter may come in pieces, too. */
static size_t take_delimited(struct plumb_framer *f, const uint8_t *bytes, size_t len)
{
    const uint32_t d = f->how.delimiter_len;
    size_t at = 0;
    while (at < len && !f->whole && !f->broken) {
        if (f->have == f->room) {
            f->broken = true;
            break;
        }
        f->bytes[f->have++] = bytes[at++];
        f->whole = f->have >= d && memcmp(f->bytes + f->have - d, f->how.delimiter, d) == 0;
    }
    if (f->whole)
        f->have -= d;
    return at;
}

enum plumb_framer_state plumb_framer_take(struct plumb_framer *f, const uint8_t *bytes, size_t len, size_t *used)
{
    if (f->whole)
        start_next(f);
    *used = 0;
    if (!f->broken) {
        switch (f->how.kind) {
        case PLUMB_FRAMING_LENGTH:    *used = take_length(f, bytes, len); break;
        case PLUMB_FRAMING_FIXED:     *used = fill(f, f->how.fixed, bytes, len); break;
        case PLUMB_FRAMING_DELIMITER: *used = take_delimited(f, bytes, len); break;
        }
    }
    return f->broken ? PLUMB_FRAMER_TOO_LONG : f->whole ? PLUMB_FRAMER_MESSAGE : PLUMB_FRAMER_WANTS_MORE;
}

static bool holds(const uint8_t *bytes, size_t len, const uint8_t *part, size_t part_len)
{
    for (size_t at = 0; at + part_len <= len; at++)
        if (memcmp(bytes + at, part, part_len) == 0)
            return true;
    return false;
}

size_t plumb_framing_write(const struct plumb_framing *how, const void *message, size_t len, uint8_t *out, size_t max)
{
    const size_t before = how->kind == PLUMB_FRAMING_LENGTH ? how->length_bytes : 0, after = how->kind == PLUMB_FRAMING_DELIMITER ? how->delimiter_len : 0;
    if (!sane(how) || len > how->max || before + len + after > max)
        return 0;
    if (how->kind == PLUMB_FRAMING_FIXED && len != how->fixed)
        return 0;
    for (size_t i = 0; i < before; i++)
        out[i] = (uint8_t)(len >> 8 * (before - 1 - i));
    if (len)
        memcpy(out + before, message, len);
    if (after)
        memcpy(out + before + len, how->delimiter, after);
    /* found before its place: in the message, or across the joint */
    if (after && holds(out, len + after - 1, how->delimiter, after))
        return 0;
    return before + len + after;
}
