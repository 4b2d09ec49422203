/*
 * The frames that a client sends to a monitor: byte 0 says in pieces of which size. What is for the
 * command's input comes out of it in order and whole.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attach.h"

#define SENT_MAX 8192 /* less than the socket and the pipe hold */
#define HEADER   3

enum { FROM_INPUT, FROM_RESIZE, FROM_END };

/* The payloads of the input frames up to an end of input, also of one that is cut off. */
static size_t expected_input(const uint8_t *data, size_t size, uint8_t out[SENT_MAX])
{
    size_t length = 0;

    while (size >= HEADER) {
        size_t payload = (size_t)data[1] << 8 | data[2];
        size_t there = payload < size - HEADER ? payload : size - HEADER;
        if (data[0] == FROM_END && there == payload)
            break;
        if (data[0] == FROM_INPUT) {
            memcpy(out + length, data + HEADER, there);
            length += there;
        }
        data += HEADER + there;
        size -= HEADER + there;
    }
    return length;
}

/* A listening socket without a name in the file system (unix(7), autobind), and one connected. */
static struct attach attach_make(int *ret_client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof(address.sun_family);
    struct attach attach = {.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};

    CHECK(bind(attach.listener, (struct sockaddr *)&address, length) == 0);
    CHECK(listen(attach.listener, 1) == 0);
    length = sizeof(address);
    CHECK(getsockname(attach.listener, (struct sockaddr *)&address, &length) == 0);
    *ret_client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(*ret_client, (struct sockaddr *)&address, length) == 0);
    return attach;
}

/* Takes turns until there is nothing to do; the client never has to wait, nor do we. */
static void turns(struct attach *attach, struct input *input)
{
    struct pollfd polls[ATTACH_POLLS];

    for (;;) {
        (void)attach_prepare(attach, input, polls);
        int ready = poll(polls, ATTACH_POLLS, 0);
        CHECK(ready >= 0);
        if (ready == 0)
            return;
        attach_handle(attach, input, polls);
    }
}

static void check_input(int fd, const uint8_t *data, size_t size)
{
    static uint8_t expected[SENT_MAX], taken[SENT_MAX + 1];
    size_t length = expected_input(data, size, expected);
    ssize_t got = read(fd, taken, sizeof(taken));

    CHECK((got > 0 ? (size_t)got : 0) == length);
    CHECK(memcmp(taken, expected, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;
    int client, pipes[2];

    if (size < 1 || size > SENT_MAX)
        return -1;
    const size_t piece = (size_t)data[0] + 1;
    data++;
    size--;
    struct attach attach = attach_make(&client);
    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    input = (struct input){.fd = pipes[1]};
    for (size_t sent = 0; sent < size; sent += piece) {
        size_t length = size - sent < piece ? size - sent : piece;
        CHECK(send(client, data + sent, length, 0) == (ssize_t)length);
        turns(&attach, &input);
    }
    check_input(pipes[0], data, size);
    close(client);
    turns(&attach, &input);
    CHECK(attach.clients[0] == NULL);
    attach_close(&attach, -1, false);
    if (input.fd >= 0)
        close(pipes[1]);
    close(pipes[0]);
    return 0;
}
