#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"
#include "trace.h"
#include "util.h"

#define HEADER_SIZE 3 /* type, length */
#define RECENT_MAX  (64 * 1024)
#define QUEUE_MAX   (RECENT_MAX + ATTACH_CHUNK + 2 * HEADER_SIZE) /* output and the end */
#define PATIENCE_MS 10000
#define RESIZE_SIZE 4

/* Types of frames from the clients. */
enum { FROM_INPUT, FROM_RESIZE, FROM_END };

struct client {
    int fd;
    /* On the way to it. */
    size_t start, length;
    int64_t progress_ms; /* when it last took something, or there was nothing to take */
    unsigned char queue[QUEUE_MAX];
    /* On the way from it: the frame that is being read. */
    size_t header_length, payload_left, resize_length;
    unsigned char header[HEADER_SIZE], resize[RESIZE_SIZE];
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int attach_open(int run_dir, bool keep_recent, struct attach *ret_attach, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* By the directory's fd: the address is shorter than most paths (unix(7)). */
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" ATTACH_SOCKET,
             run_dir);
    if (fd < 0)
        return error_set(error, STEP_MONITOR, errno, "cannot make a socket");
    if (unlinkat(run_dir, ATTACH_SOCKET, 0) < 0 && errno != ENOENT)
        return error_set(error, STEP_MONITOR, errno, "cannot remove an old attach.sock");
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, ATTACH_CLIENTS) < 0)
        return error_set(error, STEP_MONITOR, errno, "cannot make attach.sock");
    *ret_attach = (struct attach){.keep_recent = keep_recent};
    ret_attach->listener = TAKE_FD(fd);
    trace_step(STEP_MONITOR, "bind", trace_path("path", run_dir, ATTACH_SOCKET));
    return 0;
}

// ---- to the clients

static void client_drop(struct attach *attach, size_t index)
{
    close(attach->clients[index]->fd);
    free(attach->clients[index]);
    attach->clients[index] = NULL;
}

/* False when the client is gone. */
static bool client_flush(struct client *client)
{
    while (client->length > 0) {
        ssize_t sent =
            send(client->fd, client->queue + client->start, client->length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        client->start += (size_t)sent;
        client->length -= (size_t)sent;
        client->progress_ms = now_ms();
    }
    return true;
}

/* The caller knows that there is room. */
static void client_queue(struct client *client, const unsigned char *data, size_t size)
{
    if (client->length == 0)
        client->progress_ms = now_ms();
    if (client->start + client->length + size > QUEUE_MAX) {
        memmove(client->queue, client->queue + client->start, client->length);
        client->start = 0;
    }
    memcpy(client->queue + client->start + client->length, data, size);
    client->length += size;
}

bool attach_has_room(const struct attach *attach)
{
    for (size_t i = 0; i < ATTACH_CLIENTS; i++)
        if (attach->clients[i] != NULL &&
            attach->clients[i]->length > QUEUE_MAX - ATTACH_CHUNK - 2 * HEADER_SIZE)
            return false;
    return true;
}

static void client_queue_end(struct client *client)
{
    client_queue(client, (const unsigned char[HEADER_SIZE]){ATTACH_END}, HEADER_SIZE);
}

/* Whole frames go, the oldest first, until there is room for `size` bytes. */
static void recent_make_room(struct attach *attach, size_t size)
{
    size_t dropped = 0;

    while (attach->recent_length - dropped + size > RECENT_MAX) {
        const unsigned char *frame = attach->recent + dropped;
        /* recent_keep() has: NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        dropped += HEADER_SIZE + ((size_t)frame[1] << 8 | frame[2]);
    }
    attach->recent_length -= dropped;
    memmove(attach->recent, attach->recent + dropped, attach->recent_length);
}

static void recent_keep(struct attach *attach, const unsigned char *frame, size_t size)
{
    if (attach->recent == NULL)
        attach->recent = malloc(RECENT_MAX);
    if (attach->recent == NULL)
        return; /* a convenience, not worth a container */
    recent_make_room(attach, size);
    memcpy(attach->recent + attach->recent_length, frame, size);
    attach->recent_length += size;
}

void attach_send(struct attach *attach, enum attach_type type, const char *data, size_t size)
{
    unsigned char frame[HEADER_SIZE + ATTACH_CHUNK];

    frame[0] = (unsigned char)type;
    frame[1] = (unsigned char)(size >> 8);
    frame[2] = (unsigned char)size;
    memcpy(frame + HEADER_SIZE, data, size);
    if (attach->keep_recent)
        recent_keep(attach, frame, HEADER_SIZE + size);
    for (size_t i = 0; i < ATTACH_CLIENTS; i++) {
        if (attach->clients[i] == NULL)
            continue;
        if (attach->clients[i]->length + HEADER_SIZE + size > QUEUE_MAX) {
            client_drop(attach, i); /* attach_has_room() was not asked: nothing is overwritten */
            continue;
        }
        client_queue(attach->clients[i], frame, HEADER_SIZE + size);
        if (!client_flush(attach->clients[i]))
            client_drop(attach, i);
    }
}

// ---- from the clients

/* A part of a frame's payload. */
static void client_take(struct client *client, struct input *input, const unsigned char *data,
                        size_t size)
{
    switch (client->header[0]) {
    case FROM_INPUT:
        input_put(input, (const char *)data, size);
        break;
    case FROM_RESIZE:
        while (size-- > 0 && client->resize_length < RESIZE_SIZE)
            client->resize[client->resize_length++] = *data++;
        break;
    default: /* of a later version */
        break;
    }
}

/* The frame is complete. */
static void client_frame_end(struct client *client, struct input *input)
{
    const unsigned char *resize = client->resize;

    if (client->header[0] == FROM_END)
        input_end(input);
    if (client->header[0] == FROM_RESIZE && client->resize_length == RESIZE_SIZE &&
        input->terminal && input->fd >= 0) {
        const struct terminal_size size = {.rows = (uint16_t)(resize[0] << 8 | resize[1]),
                                           .columns = (uint16_t)(resize[2] << 8 | resize[3])};
        (void)terminal_resize(input->fd, size);
    }
    client->header_length = 0;
    client->resize_length = 0;
}

/*
 * Reads once: the rest of a header, or as much of a payload as the command's input can take. False
 * when the client is gone.
 */
static bool client_read(struct client *client, struct input *input)
{
    unsigned char data[INPUT_MAX];
    bool in_header = client->header_length < HEADER_SIZE;
    size_t wanted = in_header ? HEADER_SIZE - client->header_length : client->payload_left;

    ssize_t got =
        recv(client->fd, data, wanted < sizeof(data) ? wanted : sizeof(data), MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    if (in_header) {
        memcpy(client->header + client->header_length, data, (size_t)got);
        client->header_length += (size_t)got;
        if (client->header_length < HEADER_SIZE)
            return true;
        client->payload_left = (size_t)client->header[1] << 8 | client->header[2];
    } else {
        client_take(client, input, data, (size_t)got);
        client->payload_left -= (size_t)got;
    }
    if (client->payload_left == 0)
        client_frame_end(client, input);
    return true;
}

static void client_accept(struct attach *attach)
{
    for (size_t i = 0; i < ATTACH_CLIENTS; i++) {
        if (attach->clients[i] != NULL)
            continue;
        int fd = accept4(attach->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct client *client = fd < 0 ? NULL : malloc(sizeof(*client));
        if (client == NULL) {
            cleanup_close(&fd);
            return;
        }
        client->fd = fd;
        client->start = client->length = 0;
        client->header_length = client->payload_left = client->resize_length = 0;
        client->progress_ms = now_ms();
        attach->clients[i] = client;
        attach->was_attended = true;
        if (attach->recent_length > 0)
            client_queue(client, attach->recent, attach->recent_length);
        if (attach->ended)
            client_queue_end(client);
        return;
    }
}

// ---- the loop's side

static bool has_free_place(const struct attach *attach)
{
    for (size_t i = 0; i < ATTACH_CLIENTS; i++)
        if (attach->clients[i] == NULL)
            return true;
    return false;
}

/* When a client is dropped unless it does something before. */
static int64_t client_due(const struct attach *attach, const struct client *client)
{
    int64_t due = client->length > 0 ? client->progress_ms + PATIENCE_MS : INT64_MAX;

    return attach->deadline > 0 && attach->deadline < due ? attach->deadline : due;
}

int attach_prepare(const struct attach *attach, const struct input *input,
                   struct pollfd polls[ATTACH_POLLS])
{
    const int64_t now = now_ms();
    int timeout = -1;

    polls[0] =
        (struct pollfd){.fd = has_free_place(attach) ? attach->listener : -1, .events = POLLIN};
    for (size_t i = 0; i < ATTACH_CLIENTS; i++) {
        const struct client *client = attach->clients[i];
        struct pollfd *poller = &polls[1 + i];
        *poller = (struct pollfd){.fd = client != NULL ? client->fd : -1};
        if (client == NULL)
            continue;
        if (!input_is_waiting(input))
            poller->events |= POLLIN;
        if (client->length > 0)
            poller->events |= POLLOUT;
        int64_t due = client_due(attach, client);
        if (due < INT64_MAX && (timeout < 0 || due - now < timeout))
            timeout = due > now ? (int)(due - now) : 0;
        if (poller->events == 0)
            poller->fd = -1; /* its hanging up would be reported on and on */
    }
    return timeout;
}

void attach_handle(struct attach *attach, struct input *input,
                   const struct pollfd polls[ATTACH_POLLS])
{
    const int64_t now = now_ms();

    for (size_t i = 0; i < ATTACH_CLIENTS; i++) {
        struct client *client = attach->clients[i];
        short found = polls[1 + i].revents;
        if (client == NULL)
            continue;
        bool alive = (found & POLLOUT) == 0 || client_flush(client);
        if (alive && (found & (POLLIN | POLLHUP | POLLERR)) != 0 && !input_is_waiting(input))
            alive = client_read(client, input);
        if (now >= client_due(attach, client))
            alive = false;
        if (!alive)
            client_drop(attach, i);
    }
    if ((polls[0].revents & POLLIN) != 0)
        client_accept(attach);
}

void attach_limit(struct attach *attach)
{
    attach->deadline = now_ms() + ATTACH_END_MS;
}

static bool has_clients(const struct attach *attach)
{
    for (size_t i = 0; i < ATTACH_CLIENTS; i++)
        if (attach->clients[i] != NULL)
            return true;
    return false;
}

void attach_close(struct attach *attach, int run_dir, bool await_first)
{
    struct input none = {.fd = -1}; /* what clients still send is read, and for nobody */
    struct pollfd polls[ATTACH_POLLS];
    bool waits = true;

    attach->ended = true;
    for (size_t i = 0; i < ATTACH_CLIENTS; i++)
        if (attach->clients[i] != NULL)
            client_queue_end(attach->clients[i]);
    while (waits) {
        int64_t left = attach->deadline - now_ms();
        /* Without anybody to wait for one look remains, at those who wait to be accepted. */
        waits = left > 0 && (has_clients(attach) || (await_first && !attach->was_attended));
        (void)attach_prepare(attach, &none, polls);
        if (poll(polls, ATTACH_POLLS, waits ? (int)left : 0) < 0 && errno != EINTR)
            break;
        attach_handle(attach, &none, polls);
        waits = waits || has_clients(attach);
    }
    (void)unlinkat(run_dir, ATTACH_SOCKET, 0);
    close(attach->listener);
    attach->listener = -1;
    for (size_t i = 0; i < ATTACH_CLIENTS; i++)
        if (attach->clients[i] != NULL)
            client_drop(attach, i);
    free(attach->recent);
    attach->recent = NULL;
}
