#include "sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

/* The frames that are no struct error have one byte. */
#define READY    'r'
#define PREPARED 'p'

int sync_make(int ret_fds[2], struct error *error)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
        return error_set(error, STEP_SYNC, errno, "cannot make a socket pair");
    trace_step(STEP_SYNC, "socketpair", trace_text("type", "SOCK_SEQPACKET"));
    return 0;
}

int sync_send_ready(int fd, struct error *error)
{
    if (send(fd, &(char){READY}, 1, MSG_NOSIGNAL) != 1)
        return error_set(error, STEP_SYNC, errno, "cannot reach the container's first process");
    trace_step(STEP_SYNC, "send", trace_text("what", "ready"));
    return 0;
}

bool sync_await_ready(int fd)
{
    char frame = 0;
    ssize_t got;

    do
        got = recv(fd, &frame, 1, 0);
    while (got < 0 && errno == EINTR);
    trace_step(STEP_SYNC, "recv", trace_text("what", "ready"));
    return got == 1 && frame == READY;
}

void sync_send_prepared(int fd, int terminal)
{
    char frame = PREPARED;
    struct iovec part = {.iov_base = &frame, .iov_len = 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (terminal >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &terminal, sizeof(int));
    }
    (void)sendmsg(fd, &message, MSG_NOSIGNAL);
}

void sync_send_error(int fd, const struct error *error)
{
    (void)send(fd, error, sizeof(*error), MSG_NOSIGNAL);
}

static int received_fd(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof(int));
    return fd;
}

/* What the child sends, told apart by size. */
union frame {
    char byte;
    struct error error;
    struct trace_record step;
};

_Static_assert(sizeof(struct trace_record) != sizeof(struct error), "they are told apart by size");

static ssize_t frame_receive(int fd, union frame *frame, int *ret_terminal)
{
    struct iovec part = {.iov_base = frame, .iov_len = sizeof(*frame)};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t got;

    do
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    *ret_terminal = got > 0 ? received_fd(&message) : -1;
    return got;
}

enum sync_event sync_receive(int fd, int *ret_terminal, struct error *child_error)
{
    union frame frame;
    ssize_t got = frame_receive(fd, &frame, ret_terminal);

    while (got == (ssize_t)sizeof(frame.step)) {
        trace_relay(&frame.step);
        got = frame_receive(fd, &frame, ret_terminal);
    }
    if (got == sizeof(frame.byte))
        return SYNC_PREPARED;
    if (got != (ssize_t)sizeof(frame.error)) {
        trace_relay_end();
        return SYNC_END;
    }
    *child_error = frame.error;
    child_error->message[sizeof(child_error->message) - 1] = '\0';
    return SYNC_FAILED;
}
