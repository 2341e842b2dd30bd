/* outbox_kafka_ear.c - what librdkafka tells by callbacks: errors of connections, log lines, statistics. */
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { LINES_AT_ONCE = 8, LINE_EVERY_MS = 5000, TROUBLE_MS = 3000, SCRAM_MENDED = 0x020601ff /* librdkafka 2.6.1 */ };

void kafka_ear_init(struct kafka_ear *ear, const struct outbox_kafka_options *options)
{
    *ear = (struct kafka_ear){ .options = options, .lines = LINES_AT_ONCE, .lines_at_ms = kafka_now_ms() };
}

/* ---- errors ---- */

/* A connection that never came to be cannot have carried a request. Any other error means that one may still be on its
 * way: also those that nobody here has heard of. The words are librdkafka's; a test holds them to it. */
bool kafka_ear_is_harmless(rd_kafka_resp_err_t error, const char *sentence)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        return true;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
        return (strstr(sentence, ": Connect to ") != NULL && strstr(sentence, " failed: ") != NULL) ||
               strstr(sentence, ": Connection setup timed out in state ") != NULL;
    default:
        return false;
    }
}

/* "No broker is there" never hides why: that comes before. A refused password is not hidden by anything. */
static bool tells_more(rd_kafka_resp_err_t now, rd_kafka_resp_err_t before)
{
    bool was_refused = before == RD_KAFKA_RESP_ERR__AUTHENTICATION || before == RD_KAFKA_RESP_ERR__SSL;

    if (now == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return before == RD_KAFKA_RESP_ERR_NO_ERROR;
    return !was_refused || now == RD_KAFKA_RESP_ERR__AUTHENTICATION || now == RD_KAFKA_RESP_ERR__SSL;
}

/* A refused password may be right all the same: before 2.6.1 librdkafka's SCRAM sends something that newer brokers do
 * not take any more. */
static const char *hint_for(const struct kafka_ear *ear, rd_kafka_resp_err_t error)
{
    const struct outbox_config *config = ear->options->config;

    if (error != RD_KAFKA_RESP_ERR__AUTHENTICATION || rd_kafka_version() >= SCRAM_MENDED)
        return "";
    for (size_t i = 0; i < config->property_count; i++) {
        if (strncmp(config->properties[i].name, "sasl.mechanism", strlen("sasl.mechanism")) == 0 &&
            strncmp(config->properties[i].value, "SCRAM-", strlen("SCRAM-")) == 0)
            return "Kafka 4 takes no SCRAM from librdkafka before 2.6.1: ";
    }
    return "";
}

static void on_error(rd_kafka_t *rk, int code, const char *sentence, void *opaque)
{
    struct kafka_ear *ear = opaque;
    rd_kafka_resp_err_t error = (rd_kafka_resp_err_t)code;

    if (error == RD_KAFKA_RESP_ERR__FATAL)
        return; /* Told by the call that met it. */
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        ear->all_down = true;
    else if (!kafka_ear_is_harmless(error, sentence))
        ear->is_suspect = true;
    if (!tells_more(error, ear->trouble))
        return;
    ear->trouble = error;
    snprintf(ear->sentence, sizeof(ear->sentence), "%s%s", hint_for(ear, error), sentence);
}

/* With nobody there, or nobody who lets us in, it is better to say so soon and to begin anew. */
int64_t kafka_ear_patience_ms(const struct kafka_ear *ear, int64_t otherwise_ms)
{
    bool in_trouble = ear->all_down || ear->trouble == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                      ear->trouble == RD_KAFKA_RESP_ERR__SSL;

    return in_trouble && otherwise_ms > TROUBLE_MS ? TROUBLE_MS : otherwise_ms;
}

/* ---- log lines ---- */

/* An outage must not fill the disk with what it says again and again. */
static bool may_log(struct kafka_ear *ear)
{
    int64_t now = kafka_now_ms();
    uint64_t more = (uint64_t)(now - ear->lines_at_ms) / LINE_EVERY_MS;

    if (more > 0) {
        ear->lines = more + ear->lines > LINES_AT_ONCE ? LINES_AT_ONCE : ear->lines + (unsigned)more;
        ear->lines_at_ms = now;
    }
    if (ear->lines == 0) {
        ear->hidden++;
        return false;
    }
    ear->lines--;
    return true;
}

/* Properties are given to producers and consumers alike, and each warns of the other's. */
static bool is_noise(const char *facility)
{
    return strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "TERMINATE") == 0;
}

/* What Kafka does to us is a warning at most: the outbox says itself what comes of it. */
static void on_log(const rd_kafka_t *rk, int severity, const char *facility, const char *text)
{
    struct kafka_ear *ear = rd_kafka_opaque(rk);
    const struct outbox_kafka_options *options = ear->options;
    enum log_level level = severity <= 4 ? LOG_LEVEL_WARN : severity <= 6 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;

    if (options->log == NULL || level < log_level_of(options->log) || is_noise(facility) || !may_log(ear))
        return;
    log_event(options->log, level, "outbox.librdkafka",
              LOG_FIELDS(log_text("outbox", options->config->name), log_text("facility", facility),
                         log_text("text", text), log_number("hidden", ear->hidden)));
    ear->hidden = 0;
}

/* ---- statistics ---- */

static int on_stats(rd_kafka_t *rk, char *json, size_t size, void *opaque)
{
    struct kafka_ear *ear = opaque;
    struct outbox_figures *figures = ear->options->figures;
    char digest[sizeof(figures->broker_stats)];

    if (figures != NULL && kafka_stats_digest(json, size, digest, sizeof(digest))) {
        pthread_mutex_lock(&figures->lock);
        snprintf(figures->broker_stats, sizeof(figures->broker_stats), "%s", digest);
        pthread_mutex_unlock(&figures->lock);
    }
    return 0; /* The text stays librdkafka's. */
}

void kafka_ear_attach(struct kafka_ear *ear, rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_opaque(conf, ear);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_stats_cb(conf, on_stats);
}
