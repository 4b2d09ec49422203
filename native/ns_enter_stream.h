#ifndef MCM_NS_ENTER_STREAM_H
#define MCM_NS_ENTER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#define STREAM_BUFFER_SIZE 65536 /* what a pipe holds */

/*
 * Bytes on their way from one fd to another. Nothing is read before everything is written, so that
 * whoever does not read stops whoever writes, with one buffer in between.
 */
struct stream {
    int from;          /* -1: its end was reached */
    int to;            /* -1: nobody takes the bytes any more, they are dropped */
    size_t start, end; /* of what is in the buffer */
    char buffer[STREAM_BUFFER_SIZE];
};

/* Owns both fds from now on and makes them non-blocking. */
void stream_open(struct stream *stream, int from, int to);

/* Reads what is there into the empty buffer. False: nothing was there now. */
bool stream_read(struct stream *stream);

/* Writes what can be taken now. False: the reader of `to` has gone, bytes are dropped from here. */
bool stream_write(struct stream *stream);

/* Puts one byte in, after the end of `from`, unless nobody takes it. */
void stream_push(struct stream *stream, char byte);

/* Drops what is in the buffer and all that comes. */
void stream_discard(struct stream *stream);

/* Closes both ends. */
void stream_close(struct stream *stream);

static inline bool stream_is_empty(const struct stream *stream)
{
    return stream->start == stream->end;
}

/* Whether nothing will come out of it any more. */
static inline bool stream_has_ended(const struct stream *stream)
{
    return stream->from < 0 && stream_is_empty(stream);
}

#endif
