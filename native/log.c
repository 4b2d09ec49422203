#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

_Static_assert(LOG_CHUNK_MAX + TIMESTAMP_SIZE + 16 < LOG_MAX_LEAST / 2,
               "one chunk without a newline fits in what is written at once");

#define CURRENT "log"
#define OLDER   "log.1"

#define HEAD_SIZE (TIMESTAMP_SIZE + sizeof(" stdout F "))

static int log_open_current(int directory, int flags)
{
    return openat(directory, CURRENT,
                  O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
}

int log_open(int directory, uint64_t max, struct log *ret_log, struct error *error)
{
    struct stat status;

    _cleanup_close_ int fd = log_open_current(directory, 0);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(error, STEP_LOG, errno, "cannot open the log");
    *ret_log = (struct log){.directory = directory, .size = (uint64_t)status.st_size, .max = max};
    ret_log->fd = TAKE_FD(fd);
    trace_step(STEP_LOG, "open", trace_path("path", directory, CURRENT));
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

static void log_append(struct log *log, const char *records, size_t size)
{
    if (log->size > 0 && log->size + size > log->max / 2)
        log_rotate(log);
    ssize_t written = write(log->fd, records, size);
    if (written == (ssize_t)size)
        log->size += size;
    else if (written > 0 && ftruncate(log->fd, (off_t)log->size) < 0)
        log->size += (uint64_t)written;
}

void log_write(struct log *log, enum log_stream stream, const char *data, size_t size)
{
    static const char *const streams[] = {[LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr"};
    static char records[LOG_MAX_LEAST / 2]; /* not on the stack, whose pages stay */
    char now[TIMESTAMP_SIZE], head[HEAD_SIZE];
    size_t used = 0;

    timestamp_now(now);
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        size_t head_length = (size_t)snprintf(head, sizeof(head), "%s %s %c ", now, streams[stream],
                                              newline ? 'F' : 'P');
        if (used + head_length + length + 1 > sizeof(records)) {
            log_append(log, records, used);
            used = 0;
        }
        memcpy(records + used, head, head_length);
        memcpy(records + used + head_length, data, length);
        used += head_length + length;
        records[used++] = '\n';
        length += newline != NULL;
        data += length;
        size -= length;
    }
    if (used > 0)
        log_append(log, records, used);
}
