/* The monitor's loop: output to the log and to who is attached, their input to the command. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "idle.h"
#include "util.h"

/* Slots of what is polled. */
enum { POLL_INIT, POLL_OUTPUTS, POLL_INPUT = POLL_OUTPUTS + 2, POLL_ATTACH };
#define POLL_COUNT (POLL_ATTACH + ATTACH_POLLS)

/* What two pipes can hold that were made as large as they may be (pipe(7)): what comes beyond that
 * after the end is of somebody outside, to whom the command gave its output. */
#define DRAIN_MAX (2 * 1024 * 1024)

_Static_assert(ATTACH_CHUNK <= LOG_CHUNK_MAX, "what is read at once, the log takes at once");

void relay_begin(struct relay *relay, struct sandbox *sandbox, struct log *log)
{
    relay->init = sandbox->pidfd;
    relay->log = log;
    if (sandbox->terminal >= 0) {
        (void)fcntl(sandbox->terminal, F_SETFL, O_RDWR | O_NONBLOCK);
        relay->input.terminal = true;
        relay->input.fd = relay->outputs[ATTACH_STDOUT] = TAKE_FD(sandbox->terminal);
        relay->outputs[ATTACH_STDERR] = -1;
        return;
    }
    relay->input.terminal = false;
    relay->input.fd = TAKE_FD(sandbox->input);
    relay->outputs[ATTACH_STDOUT] = TAKE_FD(sandbox->output);
    relay->outputs[ATTACH_STDERR] = TAKE_FD(sandbox->errors);
}

static void output_close(struct relay *relay, size_t which)
{
    /* Terminals are both. */
    if (relay->input.fd == relay->outputs[which])
        relay->input.fd = -1;
    close(relay->outputs[which]);
    relay->outputs[which] = -1;
}

/* Hands one chunk on; its size, 0 when there is none now. */
static size_t output_read(struct relay *relay, size_t which)
{
    static const enum log_stream streams[] = {LOG_STDOUT, LOG_STDERR};
    char data[ATTACH_CHUNK];

    if (relay->outputs[which] < 0)
        return 0;
    ssize_t got = read(relay->outputs[which], data, sizeof(data));
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) { /* EIO: nobody has the terminal open any more */
        output_close(relay, which);
        return 0;
    }
    log_write(relay->log, streams[which], data, (size_t)got);
    attach_send(&relay->attach, (enum attach_type)which, data, (size_t)got);
    return (size_t)got;
}

/* Waits, by poll(2) or alike, for what comes next and works on it. */
static void relay_step(struct relay *relay, int (*wait)(struct pollfd *, nfds_t, int),
                       struct pollfd polls[POLL_COUNT])
{
    const bool has_room = attach_has_room(&relay->attach);
    int timeout = attach_prepare(&relay->attach, &relay->input, polls + POLL_ATTACH);

    polls[POLL_INIT] = (struct pollfd){.fd = relay->init, .events = POLLIN};
    for (size_t i = 0; i < 2; i++)
        polls[POLL_OUTPUTS + i] =
            (struct pollfd){.fd = has_room ? relay->outputs[i] : -1, .events = POLLIN};
    polls[POLL_INPUT] = (struct pollfd){
        .fd = input_is_waiting(&relay->input) ? relay->input.fd : -1, .events = POLLOUT};
    if (wait(polls, POLL_COUNT, timeout) < 0) {
        polls[POLL_INIT].revents = 0;
        return; /* interrupted */
    }
    /* The first one's output may have taken the room that was there for either. */
    for (size_t i = 0; i < 2; i++)
        if (polls[POLL_OUTPUTS + i].revents != 0 && attach_has_room(&relay->attach))
            (void)output_read(relay, i);
    if (polls[POLL_INPUT].revents != 0)
        input_flush(&relay->input);
    attach_handle(&relay->attach, &relay->input, polls + POLL_ATTACH);
}

void relay_run(struct relay *relay)
{
    struct pollfd polls[POLL_COUNT] = {0};

    for (relay_step(relay, idle_poll, polls); polls[POLL_INIT].revents == 0;)
        relay_step(relay, poll, polls);
}

void relay_drain(struct relay *relay)
{
    struct pollfd polls[POLL_COUNT] = {0};

    relay->init = -1;
    for (size_t drained = 0; drained < DRAIN_MAX;) {
        if (!attach_has_room(&relay->attach)) {
            relay_step(relay, poll, polls);
            continue;
        }
        size_t size = output_read(relay, ATTACH_STDOUT);
        if (attach_has_room(&relay->attach))
            size += output_read(relay, ATTACH_STDERR);
        if (size == 0 && attach_has_room(&relay->attach))
            return;
        drained += size;
    }
}
