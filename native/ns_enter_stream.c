#include "ns_enter_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void set_non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void stream_open(struct stream *stream, int from, int to)
{
    set_non_blocking(from);
    set_non_blocking(to);
    stream->from = from;
    stream->to = to;
    stream->start = stream->end = 0;
}

bool stream_read(struct stream *stream)
{
    ssize_t size = read(stream->from, stream->buffer, sizeof(stream->buffer));

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    /* EIO is how a terminal's master says that nobody holds the other end. */
    if (size <= 0) {
        close_end(&stream->from);
        return true;
    }
    stream->start = 0;
    stream->end = stream->to >= 0 ? (size_t)size : 0;
    return true;
}

bool stream_write(struct stream *stream)
{
    ssize_t size = write(stream->to, stream->buffer + stream->start, stream->end - stream->start);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (size < 0) {
        stream_discard(stream);
        return false;
    }
    stream->start += (size_t)size;
    return true;
}

void stream_push(struct stream *stream, char byte)
{
    if (stream->to < 0)
        return;
    stream->buffer[0] = byte;
    stream->start = 0;
    stream->end = 1;
}

void stream_discard(struct stream *stream)
{
    close_end(&stream->to);
    stream->start = stream->end = 0;
}

void stream_close(struct stream *stream)
{
    stream_discard(stream);
    close_end(&stream->from);
}
