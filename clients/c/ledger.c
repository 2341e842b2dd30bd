/* ledger.c - see ledger.h. */
#include "ledger.h"

#include <stdlib.h>

/* ---- unanswered ------------------------------------------------------------------------------------------------- */

bool ledger_is_full(const struct ledger *ledger, size_t count)
{
    return ledger->request_count >= LEDGER_MAX_REQUESTS ||
           (ledger->request_count > 0 && ledger->position_count + count > LEDGER_MAX_POSITIONS);
}

struct ledger_request *ledger_begin(size_t count)
{
    struct ledger_request *request = malloc(sizeof(*request) + count * sizeof(request->positions[0]));

    if (request != NULL)
        *request = (struct ledger_request){ .count = 0 };
    return request;
}

void ledger_add(struct ledger *ledger, struct ledger_request *request)
{
    request->younger = NULL;
    request->older = ledger->newest;
    if (ledger->newest != NULL)
        ledger->newest->younger = request;
    else
        ledger->oldest = request;
    ledger->newest = request;
    ledger->request_count++;
    ledger->position_count += request->count;
}

/* Answers come nearly in order, so it is nearly always the first. */
struct ledger_request *ledger_find(const struct ledger *ledger, uint32_t id)
{
    struct ledger_request *request = ledger->oldest;

    while (request != NULL && request->id != id)
        request = request->younger;
    return request;
}

void ledger_settle(struct ledger *ledger, struct ledger_request *request)
{
    if (request->older != NULL)
        request->older->younger = request->younger;
    else
        ledger->oldest = request->younger;
    if (request->younger != NULL)
        request->younger->older = request->older;
    else
        ledger->newest = request->older;
    ledger->request_count--;
    ledger->position_count -= request->count;
    free(request);
}

void ledger_lose(struct ledger *ledger)
{
    while (ledger->oldest != NULL) {
        ledger->lost = true;
        ledger_refuse_all(ledger, ledger->oldest, VARVE_DISCONNECTED);
        ledger_settle(ledger, ledger->oldest);
    }
}

void ledger_free(struct ledger *ledger)
{
    while (ledger->oldest != NULL)
        ledger_settle(ledger, ledger->oldest);
}

/* ---- refused ---------------------------------------------------------------------------------------------------- */

void ledger_refuse(struct ledger *ledger, uint64_t position, enum varve_status status)
{
    if (ledger->handed_over)
        ledger->refused_begin = ledger->refused_count = 0;
    ledger->handed_over = false;
    uint32_t at = (ledger->refused_begin + ledger->refused_count) % VARVE_MAX_REFUSED;
    ledger->refused[at] = (struct varve_refused_ack){ position, status };
    if (ledger->refused_count < VARVE_MAX_REFUSED)
        ledger->refused_count++;
    else
        ledger->refused_begin = (ledger->refused_begin + 1) % VARVE_MAX_REFUSED;
}

void ledger_refuse_all(struct ledger *ledger, const struct ledger_request *request, enum varve_status status)
{
    for (uint32_t i = 0; i < request->count; i++)
        ledger_refuse(ledger, request->positions[i], status);
}

static void reverse(struct varve_refused_ack *refused, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct varve_refused_ack other = refused[i];

        refused[i] = refused[count - 1 - i];
        refused[count - 1 - i] = other;
    }
}

/* A ring that begins elsewhere is full: it is turned until it begins at its front. */
size_t ledger_hand_over(struct ledger *ledger, const struct varve_refused_ack **ret_refused)
{
    if (ledger->handed_over)
        ledger->refused_begin = ledger->refused_count = 0;
    if (ledger->refused_begin > 0) {
        reverse(ledger->refused, ledger->refused_begin);
        reverse(ledger->refused + ledger->refused_begin, VARVE_MAX_REFUSED - ledger->refused_begin);
        reverse(ledger->refused, VARVE_MAX_REFUSED);
        ledger->refused_begin = 0;
    }
    ledger->handed_over = true;
    *ret_refused = ledger->refused;
    return ledger->refused_count;
}
