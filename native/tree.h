#ifndef MCM_TREE_H
#define MCM_TREE_H

#include <dirent.h>
#include <stdbool.h>

/* Walking trees that a container may have made hostile: by fds, and never through a link. */

#define _cleanup_dir_ __attribute__((cleanup(cleanup_dir)))

void cleanup_dir(DIR **directory);

/* Opens a directory for reading its entries, unless it is a link or another file system's. NULL with
 * errno. */
DIR *directory_open(int parent, const char *name);

/* "." and "..", which every directory lists. */
bool is_self_or_parent(const char *name);

#endif
