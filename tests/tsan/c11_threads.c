/* c11_threads.c - C11's threads, mutexes and conditions as POSIX's, for programs with the thread sanitizer.
 *
 * librdkafka is built with C11's calls. The sanitizer (clang 14) knows only POSIX's: a thread that it has not seen
 * begin crashes in the first call that the sanitizer looks at, and locks that it does not see make races of everything.
 * Linked into the program, these come before libc's, also for shared libraries; the types are the same inside glibc. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t) &&
               sizeof(thrd_t) == sizeof(pthread_t), "C11's types are POSIX's");

struct start {
    thrd_start_t run;
    void *argument;
};

static void *run(void *user)
{
    struct start start = *(struct start *)user;

    free(user);
    return (void *)(intptr_t)start.run(start.argument);
}

static int outcome(int error)
{
    return error == 0 ? thrd_success : thrd_error;
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    struct start *start = malloc(sizeof(*start));

    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){ function, argument };
    int error = pthread_create((pthread_t *)thread, NULL, run, start);
    if (error != 0)
        free(start);
    return outcome(error);
}

int thrd_join(thrd_t thread, int *ret)
{
    void *result = NULL;
    int error = pthread_join((pthread_t)thread, &result);

    if (ret != NULL)
        *ret = (int)(intptr_t)result;
    return outcome(error);
}

/* That everybody sees a new mutex, and that nobody uses an old one, librdkafka knows from atomic flags and counters,
 * which the sanitizer does not see. So it is shown neither beginning nor end of them: in glibc they hold nothing. */
__attribute__((no_sanitize("thread"))) int mtx_init(mtx_t *mutex, int type)
{
    *(pthread_mutex_t *)mutex = (type & mtx_recursive) != 0 ? (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP
                                                             : (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    return thrd_success;
}

void mtx_destroy(mtx_t *mutex)
{
    (void)mutex;
}

int mtx_lock(mtx_t *mutex)
{
    return outcome(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return outcome(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

__attribute__((no_sanitize("thread"))) int cnd_init(cnd_t *condition)
{
    *(pthread_cond_t *)condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    return thrd_success;
}

void cnd_destroy(cnd_t *condition)
{
    (void)condition;
}

int cnd_signal(cnd_t *condition)
{
    return outcome(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
    return outcome(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return outcome(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    int error = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);

    return error == ETIMEDOUT ? thrd_timedout : outcome(error);
}
