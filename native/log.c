#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util.h"

#define CURRENT "log"
#define OLDER   "log.1"

static int log_open_current(int directory, int flags)
{
    return openat(directory, CURRENT, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags,
                  0600);
}

int log_open(int directory, uint64_t max, struct log *ret_log, struct error *error)
{
    struct stat status;

    _cleanup_close_ int fd = log_open_current(directory, 0);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(error, STEP_LOG, errno, "cannot open the log");
    *ret_log = (struct log){.directory = directory, .size = (uint64_t)status.st_size, .max = max};
    ret_log->fd = TAKE_FD(fd);
    return 0;
}

/* The current half becomes the older one. On failure we go on in the one that is too long: it is
 * better to keep lines than to keep the bound. */
static void log_rotate(struct log *log)
{
    if (renameat(log->directory, CURRENT, log->directory, OLDER) < 0)
        return;
    int fd = log_open_current(log->directory, O_EXCL);
    if (fd < 0)
        return;
    close(log->fd);
    log->fd = fd;
    log->size = 0;
}

static void log_append(struct log *log, struct iovec *parts, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;

    if (log->size > 0 && log->size + length > log->max / 2)
        log_rotate(log);
    ssize_t written = writev(log->fd, parts, count);
    if (written == (ssize_t)length)
        log->size += length;
    else if (written > 0 && ftruncate(log->fd, (off_t)log->size) < 0)
        log->size += (uint64_t)written;
}

void log_write(struct log *log, enum log_stream stream, const char *data, size_t size)
{
    static const char *const streams[] = {[LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr"};
    char now[TIMESTAMP_SIZE], head[TIMESTAMP_SIZE + sizeof(" stdout F ")];

    timestamp_now(now);
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        int head_length =
            snprintf(head, sizeof(head), "%s %s %c ", now, streams[stream], newline ? 'F' : 'P');
        struct iovec parts[] = {
            {.iov_base = head, .iov_len = (size_t)head_length},
            {.iov_base = (void *)(uintptr_t)data, .iov_len = length},
            {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
        };
        log_append(log, parts, 3);
        length += newline != NULL;
        data += length;
        size -= length;
    }
}
