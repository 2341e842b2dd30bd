/* account.c - an account whose balance is folded from its events, not all of them each time: deposit, withdraw, show.
 *
 *   cc account.c $(pkg-config --cflags --libs varve-client) -o account
 *   ./account varve://127.0.0.1:8278 alice deposit 100
 *   ./account varve://127.0.0.1:8278 alice withdraw 30
 *   ./account varve://127.0.0.1:8278 alice show
 *
 * To decide whether there is enough, the account is loaded: its newest snapshot, the events after it, and its version,
 * which the append then expects. Should somebody else have been quicker, the append is refused, and all is done anew:
 * so of two withdrawals of the same money one is refused. A snapshot is put now and then by whoever has folded. It is
 * never needed; SCHEMA is counted up when this program folds differently, and then all is folded again. */
#include <varve/load.h>
#include <varve/state.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1u
#define SNAPSHOT_EVERY 100u /* events folded behind a snapshot */

struct account {
    int64_t balance;
    int64_t version; /* of its stream; VARVE_EXPECTED_NO_STREAM: it has no events */
    uint64_t folded; /* events behind the snapshot */
};

static const struct varve_view snapshot_type = { "account", 7 };

static void fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    exit(1);
}

/* The number in {"amount":30} or {"balance":70}; written by us, and checked by the server to be JSON. */
static int64_t number_in(struct varve_view data)
{
    const char *colon = memchr(data.data, ':', data.size);

    return colon == NULL ? 0 : strtoll(colon + 1, NULL, 10);
}

static void fold(struct account *account, const struct varve_event *event)
{
    bool in = varve_view_equal(event->type, varve_view_str("account.deposited"));

    account->balance += in ? number_in(event->data) : -number_in(event->data);
    account->folded++;
}

static void load(struct varve_client *client, struct varve_view stream, struct account *ret)
{
    struct varve_load_wanted wanted = { .type = snapshot_type, .schema_version = SCHEMA };
    struct account account = { .version = VARVE_EXPECTED_NO_STREAM };
    const struct varve_event *event = NULL;
    struct varve_loaded loaded = { .more = false };
    struct varve_error error;

    enum varve_status status = varve_client_load_open(client, &stream, 1, &wanted, &error);
    if (status == VARVE_OK)
        status = varve_client_load_stream(client, &loaded, &error);
    if (status == VARVE_OK && loaded.status == VARVE_OK) {
        account.version = loaded.version;
        account.balance = loaded.snapshot == NULL ? 0 : number_in(loaded.snapshot->data);
        while ((status = varve_client_load_event(client, &event, &error)) == VARVE_OK && event != NULL)
            fold(&account, event);
    }
    varve_client_load_close(client);
    if (status != VARVE_OK)
        fail("load", &error);
    if (loaded.status != VARVE_OK && loaded.status != VARVE_STREAM_NOT_FOUND) {
        fprintf(stderr, "load: %s\n", varve_status_name(loaded.status));
        exit(1);
    }
    *ret = account;
}

/* That it could not be put does not matter. */
static void put_snapshot(struct varve_client *client, struct varve_view stream, const struct account *account)
{
    char data[48];
    int size = snprintf(data, sizeof(data), "{\"balance\":%" PRId64 "}", account->balance);
    struct varve_snapshot snapshot = { .stream = stream, .version = account->version, .type = snapshot_type,
                                       .schema_version = SCHEMA, .content_type = VARVE_CONTENT_JSON,
                                       .data = varve_view_of(data, (size_t)size) };

    if (varve_client_snapshot_put(client, &snapshot, 0, NULL, NULL, NULL) == VARVE_OK)
        printf("snapshot at version %" PRId64 "\n", account->version);
}

/* False: somebody else was quicker. */
static bool move_money(struct varve_client *client, struct varve_view stream, const char *type, int64_t amount,
                       struct account *account)
{
    char data[48];
    int size = snprintf(data, sizeof(data), "{\"amount\":%" PRId64 "}", amount);
    struct varve_append_stream target = { stream, account->version };
    struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                 .content_type = VARVE_CONTENT_JSON, .data = varve_view_of(data, (size_t)size) };
    struct varve_append_request request = { &target, 1, &event, NULL, 1 };
    struct varve_error error;

    if (varve_transact_fill_ids(&event, 1, NULL, 0, NULL, 0) != VARVE_OK)
        exit(1);
    enum varve_status status = varve_client_append(client, &request, NULL, &error);
    if (status == VARVE_WRONG_EXPECTED_VERSION)
        return false;
    if (status != VARVE_OK)
        fail("append", &error);
    account->version++;
    fold(account, &event);
    return true;
}

int main(int argc, char **argv)
{
    const char *command = argc > 3 ? argv[3] : "";
    int64_t amount = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
    bool withdraw = strcmp(command, "withdraw") == 0, deposit = strcmp(command, "deposit") == 0, done = false;
    struct varve_client *client;
    struct account account;
    struct varve_error error;
    char stream[128];

    if ((!withdraw && !deposit && strcmp(command, "show") != 0) || amount < 0) {
        fprintf(stderr, "usage: account URL NAME deposit AMOUNT | withdraw AMOUNT | show\n");
        return 2;
    }
    snprintf(stream, sizeof(stream), "account-%s", argv[2]);
    if (varve_client_create(argv[1], NULL, &client, &error) != VARVE_OK)
        fail(argv[1], &error);
    do {
        load(client, varve_view_str(stream), &account);
        if (withdraw && account.balance < amount) {
            fprintf(stderr, "there is not enough: %" PRId64 "\n", account.balance);
            return 3;
        }
        done = (!withdraw && !deposit) || move_money(client, varve_view_str(stream), withdraw ? "account.withdrawn"
                                                                                             : "account.deposited",
                                                     amount, &account);
    } while (!done);
    printf("%" PRId64 "\n", account.balance);
    if (account.folded >= SNAPSHOT_EVERY)
        put_snapshot(client, varve_view_str(stream), &account);
    varve_client_free(client);
    return 0;
}
