/* api_document.c - GET /v1/openapi.json: what the port offers, for programs that make clients of it. */
#include "api.h"

void handle_api_document(struct http_request *request)
{
    http_reply_text(request, 200, "application/json", api_document);
}
