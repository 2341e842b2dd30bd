/* terminal.c - see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80, USUAL_HEIGHT = 24 };

/* Another screen, no cursor, no wrapping at the right edge; and back. */
#define TAKE "\033[?1049h\033[?25l\033[?7l\033[2J"
#define GIVE_BACK "\033[0m\033[?7h\033[?25h\033[?1049l"

static struct {
    bool taken, reads; /* of standard input something may still come */
    struct termios before;
    struct grid shown; /* no cells: nothing is */
    struct text out;
} terminal;
static volatile sig_atomic_t ends, stops, resized;

static void on_signal(int number)
{
    if (number == SIGTSTP)
        stops = 1;
    else if (number == SIGWINCH)
        resized = 1;
    else
        ends = 1;
}

static void catch(int number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler }; /* Without SA_RESTART: waiting ends. */

    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

bool terminal_is_there(void)
{
    const char *term = getenv("TERM");

    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

void terminal_catch_signals(void)
{
    catch(SIGINT, on_signal);
    catch(SIGTERM, on_signal);
    catch(SIGHUP, on_signal);
}

static void write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            ends = 1; /* Nobody looks any more. */
            return;
        }
        bytes += written;
        size -= (size_t)written;
    }
}

static void take(void)
{
    struct termios keys;

    terminal.taken = tcgetattr(STDIN_FILENO, &terminal.before) == 0;
    if (terminal.taken) {
        keys = terminal.before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 0;
        keys.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
    }
    write_all(TAKE, sizeof(TAKE) - 1);
    grid_free(&terminal.shown);
}

static void give_back(void)
{
    write_all(GIVE_BACK, sizeof(GIVE_BACK) - 1);
    if (terminal.taken)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.before);
    terminal.taken = false;
}

void terminal_begin(void)
{
    terminal_catch_signals();
    catch(SIGTSTP, on_signal);
    catch(SIGWINCH, on_signal);
    terminal.reads = true;
    take();
}

void terminal_end(void)
{
    give_back();
    grid_free(&terminal.shown);
    text_free(&terminal.out);
}

void terminal_size(unsigned *ret_width, unsigned *ret_height)
{
    struct winsize size = { 0 };

    *ret_width = USUAL_WIDTH;
    *ret_height = USUAL_HEIGHT;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *ret_width = size.ws_col;
        *ret_height = size.ws_row;
    }
}

void terminal_show(const struct grid *grid, bool colour)
{
    struct grid *shown = &terminal.shown;

    text_clear(&terminal.out);
    grid_to_terminal(grid, shown->cells != NULL ? shown : NULL, colour, &terminal.out);
    write_all(text_view(&terminal.out).data, terminal.out.size);
    grid_reset(shown, grid->width, grid->height);
    memcpy(shown->cells, grid->cells, (size_t)grid->width * grid->height * sizeof(*grid->cells));
}

/* ---- news ------------------------------------------------------------------------------------------------------- */

/* As whoever typed Ctrl-Z expects; goes on here when continued. */
static void stop(void)
{
    stops = 0;
    give_back();
    catch(SIGTSTP, SIG_DFL);
    raise(SIGTSTP);
    catch(SIGTSTP, on_signal);
    take();
    resized = 1;
}

static bool read_key(char *ret_key)
{
    ssize_t size = read(STDIN_FILENO, ret_key, 1);

    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN))
        terminal.reads = false; /* It has gone: poll() would say so for ever. */
    return size == 1;
}

static bool signalled(enum terminal_news *ret)
{
    if (stops && !ends)
        stop();
    if (!ends && !resized)
        return false;
    *ret = ends ? TERMINAL_ENDS : TERMINAL_RESIZED;
    resized = 0;
    return true;
}

/* Signals are let in only while poll waits: one that came just before would be slept through. */
static int wait_for_input(int64_t timeout_us, bool *ret_input)
{
    struct pollfd input = { .fd = terminal.reads ? STDIN_FILENO : -1, .events = POLLIN };
    const struct timespec timeout = { .tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000 };
    sigset_t none;

    sigemptyset(&none);
    int ready = ppoll(&input, 1, &timeout, &none);
    *ret_input = ready > 0;
    return ready;
}

enum terminal_news terminal_wait(int64_t timeout_us, char *ret_key)
{
    enum terminal_news news = TERMINAL_TIMEOUT;
    sigset_t ours, before;
    bool input = false;

    sigemptyset(&ours);
    for (size_t i = 0; i < 5; i++)
        sigaddset(&ours, (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH }[i]);
    sigprocmask(SIG_BLOCK, &ours, &before);
    if (!ends && !stops && !resized)
        wait_for_input(timeout_us > 0 ? timeout_us : 0, &input);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (signalled(&news))
        return news;
    return input && read_key(ret_key) ? TERMINAL_KEY : TERMINAL_TIMEOUT;
}
