/* follow_probe.c - see follow_probe.h. */
#include "follow_probe.h"

#include <stdlib.h>
#include <time.h>

#include "varve/record.h"

enum { PATIENCE_S = 60 };

static void deliver(struct follow_member *member, const struct follow_batch *batch)
{
    struct probe *p = (struct probe *)member;

    assert_null(member->follower);
    p->batches++;
    p->error = batch->error;
    if (batch->error.status != VARVE_OK)
        return;
    assert_true(batch->position >= p->position);
    assert_true((batch->frame != NULL) == (batch->count > 0));
    for (uint32_t i = 0; i < batch->count; i++) {
        uint64_t position = varve_record_position(batch->records[i]);

        assert_true(varve_record_verify(batch->records[i], batch->sizes[i]));
        assert_true(batch->records[i] > batch->frame->bytes &&
                    batch->records[i] + batch->sizes[i] < batch->frame->bytes + batch->frame->size);
        assert_true(position > p->position && position <= batch->position);
        assert_true(p->count == 0 || position > p->positions[p->count - 1]);
        assert_true(p->count < PROBE_ROOM);
        p->positions[p->count++] = position;
    }
    p->position = batch->position;
    p->at_end = batch->at_end;
    if (p->stays)
        probe_join(p);
}

struct probe *probe_create(struct fixture *f, const struct varve_filter *filter, uint64_t position)
{
    const struct varve_filter everything = { .stream_count = 0 };
    struct probe *p = calloc(1, sizeof(*p));

    p->fixture = f;
    p->filter = varve_filter_copy(filter != NULL ? filter : &everything);
    p->position = position;
    p->member.deliver = deliver;
    return p;
}

void probe_join(struct probe *p)
{
    struct varve_error error;

    if (follow_join(&p->fixture->server, &p->member, p->filter, p->position, &error) != VARVE_OK)
        fail_msg("%s", error.message);
}

static void wait_a_turn(struct probe *p, time_t until)
{
    fixture_turn(p->fixture);
    assert_true(time(NULL) < until);
}

void probe_take_to_end(struct probe *p)
{
    time_t until = time(NULL) + PATIENCE_S;

    p->stays = true;
    if (p->member.follower == NULL)
        probe_join(p);
    while (p->position < varve_store_last_position(p->fixture->store) && p->error.status == VARVE_OK)
        wait_a_turn(p, until);
}

void probe_take(struct probe *p, unsigned batches)
{
    time_t until = time(NULL) + PATIENCE_S;

    while (p->batches < batches)
        wait_a_turn(p, until);
    assert_int_equal(p->batches, batches);
}

void probe_free(struct probe *p)
{
    follow_leave(&p->member);
    free(p->filter);
    free(p);
}
