/* log_pipe.h - where what is under test logs to: the test takes from the other end what was told. */
#ifndef TESTS_LOG_PIPE_H
#define TESTS_LOG_PIPE_H

struct log_pipe {
    int from, to; /* to: for struct log */
};
void log_pipe_open(struct log_pipe *log);
void log_pipe_close(struct log_pipe *log);
/* What was logged since the last call, at most 64 KiB; holds until the next call. */
const char *log_pipe_take(struct log_pipe *log);

#endif
