/* A master file; what it says is asked of the name server, and the answer judged by the stub.
 * covers: src/name/zone.c src/name/zone_parse.c */
#include "fuzz.h"
#include "name/answer.h"
#include "name/auth.h"

static uint8_t question[600], reply[65535];
static struct answer judged;

static void ask(const struct auth *a, const struct dns_name *name, uint16_t type)
{
    struct writer w = writer_of(question, sizeof question);
    const struct dns_question q = { .name = *name, .type = type, .klass = DNS_IN };
    dns_header_write(&w, &(struct dns_header){ .id = 7, .qd = 1 });
    dns_question_write(&w, &q);
    const size_t len = auth_answer(a, question, wr_len(&w), reply, sizeof reply, true);
    REQUIRE(len >= DNS_HEADER);
    const enum answer_fate fate = answer_judge(reply, len, 7, &q, &judged);
    REQUIRE(fate != ANSWER_NOT_OURS && fate != ANSWER_TRUNCATED);
    REQUIRE(fate != ANSWER_NO_NAME || dns_name_under(&judged.target, name) || judged.header.an > 0);
}

FUZZ_TEXT(text)
{
    char error[ZONE_ERROR];
    struct zone *z = zone_parse(text, "shop.test", error);
    REQUIRE(z ? error[0] == 0 : error[0] != 0);
    struct auth *a = z ? auth_new(NULL) : NULL;
    if (!a || !auth_add_zone(a, z))
        return;
    for (uint32_t i = 0; i < z->count && i < 50; i++) {
        REQUIRE(dns_name_under(&z->at[i].owner, &z->origin));
        ask(a, &z->at[i].owner, z->at[i].type);
        ask(a, &z->at[i].owner, DNS_AAAA);
    }
    auth_free(a);
}
