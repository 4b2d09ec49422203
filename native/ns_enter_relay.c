/*
 * One poll loop between the client, the command and the container's life. It never waits on one of
 * them alone: output that nobody takes keeps neither an interrupt from the command nor us from
 * ending with the container.
 */
#include "ns_enter_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ns_enter_control.h"
#include "ns_enter_session.h"
#include "ns_enter_stream.h"
#include "status.h"
#include "util.h"

#define HANGUP_GRACE_MS 1000
#define SESSION_LOOK_MS 50

/* What two pipes or a terminal can hold at most, for one who may not raise it (pipe(7)): what is
 * read beyond that after the command's end was written by others that it left behind. */
#define LEFT_BEHIND_MAX (2 * 1024 * 1024)

enum poll_slot {
    SLOT_COMMAND,
    SLOT_INIT,
    SLOT_CONTROL,
    SLOT_SIGNAL,
    SLOT_STREAMS, /* from here two a stream: from, to */
};

enum stream_name { INPUT, OUTPUT, ERRORS, STREAM_COUNT };

#define SLOT_COUNT (SLOT_STREAMS + 2 * STREAM_COUNT)

struct relay {
    const struct relay_ends *ends;
    pid_t pid;
    int pidfd; /* -1: reaped */
    int master;
    struct stream streams[STREAM_COUNT];
    struct control control;
    bool exited;
    siginfo_t exit;
    size_t left_behind; /* bytes that may still be read after the exit */
    bool init_gone;
    bool hung_up;
    bool killed;
    int64_t kill_at; /* milliseconds of the monotonic clock */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int relay_open(struct relay *relay, const struct entered *entered, struct error *error)
{
    relay->pid = entered->pid;
    relay->pidfd = entered->pidfd;
    relay->master = entered->master;
    if (entered->master < 0) {
        stream_open(&relay->streams[INPUT], STDIN_FILENO, entered->input);
        stream_open(&relay->streams[OUTPUT], entered->output, STDOUT_FILENO);
        stream_open(&relay->streams[ERRORS], entered->errors, STDERR_FILENO);
        return 0;
    }
    /* Each its own: so a stream that ends closes what is its, and resizing goes on. */
    int input = fcntl(entered->master, F_DUPFD_CLOEXEC, 3);
    int output = fcntl(entered->master, F_DUPFD_CLOEXEC, 3);
    if (input < 0 || output < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot duplicate the terminal");
    stream_open(&relay->streams[INPUT], STDIN_FILENO, input);
    stream_open(&relay->streams[OUTPUT], output, STDOUT_FILENO);
    relay->streams[ERRORS].from = relay->streams[ERRORS].to = -1;
    return 0;
}

/* The client went. What the command still writes is dropped, so that it can act on the signal. */
static void relay_hang_up(struct relay *relay)
{
    if (relay->hung_up)
        return;
    relay->hung_up = true;
    relay->killed = relay->exited; /* what a command left behind on its own stays */
    relay->kill_at = now_ms() + HANGUP_GRACE_MS;
    stream_close(&relay->streams[INPUT]);
    stream_discard(&relay->streams[OUTPUT]);
    stream_discard(&relay->streams[ERRORS]);
    if (relay->exited)
        return;
    session_signal(relay->pid, SIGHUP);
    session_signal(relay->pid, SIGCONT); /* a stopped process sees the other one only then */
}

/* To the terminal's foreground process group, else to the command's. */
static void relay_signal(const struct relay *relay, int number)
{
    pid_t group = relay->pid;

    if (relay->exited || (relay->master >= 0 && ioctl(relay->master, TIOCGPGRP, &group) < 0))
        return;
    /* A terminal can be without a group, and kill(2) takes 0 and -1 for "many". */
    if (group > 1)
        kill(-group, number);
}

static void control_act(struct relay *relay)
{
    for (;;) {
        struct control_request request = control_next(&relay->control);
        switch (request.kind) {
        case CONTROL_RESIZE:
            if (relay->master >= 0)
                terminal_resize(relay->master, request.size);
            break;
        case CONTROL_SIGNAL:
            relay_signal(relay, request.signal);
            break;
        case CONTROL_UNKNOWN:
            status_warning(relay->ends->status_fd, STEP_OPTIONS,
                           "a line of the control fd is neither 'resize ROWS COLS' nor 'signal N'");
            break;
        case CONTROL_END:
            relay_hang_up(relay);
            return;
        case CONTROL_NOTHING:
            return;
        }
    }
}

/* Reaps at once: a container's init cannot end before the last zombie of its pid namespace has. */
static void command_reap(struct relay *relay)
{
    if (waitid(P_PIDFD, (id_t)relay->pidfd, &relay->exit, WEXITED) < 0)
        return;
    close(TAKE_FD(relay->pidfd));
    relay->exited = true;
    relay->left_behind = LEFT_BEHIND_MAX;
    stream_close(&relay->streams[INPUT]);
}

/* The end of our own input: closed for a pipe, typed for a terminal. */
static void input_end(struct relay *relay)
{
    struct stream *input = &relay->streams[INPUT];
    struct termios settings;

    if (relay->master < 0)
        stream_close(input);
    else if (tcgetattr(relay->master, &settings) == 0)
        stream_push(input, (char)settings.c_cc[VEOF]);
}

static void stream_take(struct relay *relay, enum stream_name name)
{
    struct stream *stream = &relay->streams[name];

    if (!stream_read(stream))
        return;
    if (name == INPUT && stream->from < 0)
        input_end(relay);
    else if (stream_has_ended(stream))
        stream_close(stream);
}

static void stream_give(struct relay *relay, enum stream_name name)
{
    struct stream *stream = &relay->streams[name];

    /* A reader of the command's pipe that went is the command's to notice, by SIGPIPE; a terminal
     * has no such thing, and input that a command does not want is dropped. */
    bool refused = !stream_write(stream) && name != INPUT && relay->master < 0;
    if (refused || stream_has_ended(stream))
        stream_close(stream);
}

/* After the exit: what is left in pipe or terminal, without waiting for more. */
static void stream_drain(struct relay *relay, struct stream *stream)
{
    while (stream->from >= 0 && stream_is_empty(stream)) {
        if (stream->to < 0 || relay->left_behind == 0 || !stream_read(stream)) {
            stream_close(stream);
            return;
        }
        size_t size = stream->end;
        relay->left_behind -= size < relay->left_behind ? size : relay->left_behind;
    }
    if (stream_has_ended(stream))
        stream_close(stream);
}

static void relay_drain(struct relay *relay)
{
    stream_drain(relay, &relay->streams[OUTPUT]);
    stream_drain(relay, &relay->streams[ERRORS]);
}

/* After the container's death: what can be written right now, and no waiting for the client. */
static void relay_flush(struct relay *relay)
{
    for (enum stream_name name = OUTPUT; name <= ERRORS; name++) {
        struct stream *stream = &relay->streams[name];
        for (;;) {
            stream_drain(relay, stream);
            size_t start = stream->start;
            if (stream_is_empty(stream) || !stream_write(stream) || stream->start == start)
                break;
        }
    }
}

static bool relay_is_done(struct relay *relay)
{
    if (!relay->exited)
        return false;
    if (relay->init_gone)
        return true;
    if (relay->hung_up)
        return relay->killed || session_signal(relay->pid, 0) == 0;
    return stream_has_ended(&relay->streams[OUTPUT]) && stream_has_ended(&relay->streams[ERRORS]);
}

/* Milliseconds until something is due without an event; -1: never. */
static int relay_timeout(const struct relay *relay)
{
    if (!relay->hung_up || relay->killed)
        return -1;
    int64_t left = relay->kill_at - now_ms();
    if (left < 0)
        return 0;
    /* That the last process of the session went is nothing to poll for. */
    return relay->exited && left > SESSION_LOOK_MS ? SESSION_LOOK_MS : (int)left;
}

/* An fd that is not of interest now is -1, which poll(2) passes over. */
static void relay_prepare(const struct relay *relay, struct pollfd slots[SLOT_COUNT])
{
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        slots[slot] = (struct pollfd){.fd = -1, .events = POLLIN};
    slots[SLOT_COMMAND].fd = relay->pidfd;
    slots[SLOT_INIT].fd = relay->ends->init_pidfd;
    slots[SLOT_CONTROL].fd = relay->control.fd;
    slots[SLOT_SIGNAL].fd = relay->hung_up ? -1 : relay->ends->signal_fd;
    for (int name = 0; name < STREAM_COUNT; name++) {
        const struct stream *stream = &relay->streams[name];
        struct pollfd *pair = &slots[SLOT_STREAMS + 2 * name];
        if (stream_is_empty(stream)) {
            pair[0].fd = stream->from;
        } else {
            pair[1].fd = stream->to;
            pair[1].events = POLLOUT;
        }
    }
}

static void relay_handle(struct relay *relay, const struct pollfd slots[SLOT_COUNT])
{
    if (slots[SLOT_COMMAND].revents)
        command_reap(relay);
    if (slots[SLOT_INIT].revents)
        relay->init_gone = true;
    if (slots[SLOT_CONTROL].revents)
        control_act(relay);
    if (slots[SLOT_SIGNAL].revents)
        relay_hang_up(relay);
    for (enum stream_name name = INPUT; name < STREAM_COUNT; name++) {
        const struct stream *stream = &relay->streams[name];
        /* An event above may have closed it. */
        if (slots[SLOT_STREAMS + 2 * name].revents && stream->from >= 0)
            stream_take(relay, name);
        else if (slots[SLOT_STREAMS + 2 * name + 1].revents && stream->to >= 0)
            stream_give(relay, name);
    }
    if (relay->hung_up && !relay->killed && now_ms() >= relay->kill_at) {
        session_kill(relay->pid);
        relay->killed = true;
    }
}

int relay_run(const struct entered *entered, const struct relay_ends *ends,
              struct command_end *ret_end, struct error *error)
{
    static struct relay relay;

    relay = (struct relay){.ends = ends};
    control_open(&relay.control, ends->control_fd);
    if (relay_open(&relay, entered, error) < 0)
        return -1;
    while (!relay_is_done(&relay)) {
        struct pollfd slots[SLOT_COUNT];

        relay_prepare(&relay, slots);
        if (poll(slots, SLOT_COUNT, relay_timeout(&relay)) < 0 && errno != EINTR)
            return error_set(error, STEP_MONITOR, errno, "cannot wait for the command");
        relay_handle(&relay, slots);
        if (relay.exited)
            relay_drain(&relay);
    }
    relay_flush(&relay);
    bool signalled = relay.exit.si_code != CLD_EXITED;
    *ret_end = (struct command_end){
        .exit_code = signalled ? 0 : relay.exit.si_status,
        .signal = signalled ? relay.exit.si_status : 0,
    };
    return 0;
}
