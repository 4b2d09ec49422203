#ifndef MCM_INROOT_H
#define MCM_INROOT_H

/*
 * Paths inside a root directory that may be hostile: links are followed, but as if that directory
 * were "/", and never through /proc's magic ones (openat2(2)). All return an O_PATH fd, or -1 with
 * errno.
 */

/* What is there. `flags` are added to O_PATH | O_CLOEXEC. */
int inroot_open(int root, const char *path, int flags);

/* A directory, made with those above it when it is not there. */
int inroot_make_directory(int root, const char *path);

/* A file, made with the directories above it when it is not there; a link that leads nowhere is
 * replaced by it. */
int inroot_make_file(int root, const char *path);

#endif
