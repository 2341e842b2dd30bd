/* request.c - the list of what is under way on one connection. */
#include "request.h"

void request_list_add(struct request_list *list, struct request *request)
{
    request->next = NULL;
    request->previous = list->last;
    if (list->last != NULL)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
    list->count++;
    list->subscription_count += request->kind->is_subscription;
}

void request_list_remove(struct request_list *list, struct request *request)
{
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        list->first = request->next;
    if (request->next != NULL)
        request->next->previous = request->previous;
    else
        list->last = request->previous;
    list->count--;
    list->subscription_count -= request->kind->is_subscription;
}

struct request *request_list_find(const struct request_list *list, uint32_t id)
{
    struct request *request = list->first;

    while (request != NULL && (request->id != id || request->kind->cancel == NULL))
        request = request->next;
    return request;
}

void request_list_note(struct request_list *list, uint32_t id, enum varve_status status)
{
    struct request *request = list->first;

    while (request != NULL && request->id != id)
        request = request->next;
    if (request != NULL)
        request->status = status;
}

void request_list_stop(struct request_list *list, const struct varve_error *why)
{
    for (struct request *request = list->first; request != NULL;) {
        struct request *next = request->next; /* stop() ends this one and no other. */

        if (!request->away && request->kind->stop != NULL)
            request->kind->stop(request, why);
        request = next;
    }
}

void request_list_give_room(struct request_list *list)
{
    for (struct request *request = list->first; request != NULL;) {
        struct request *next = request->next;

        if (!request->away && request->kind->room != NULL)
            request->kind->room(request);
        request = next;
    }
}
