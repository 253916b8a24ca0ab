/* The folder of cache files: $XDG_CACHE_HOME/hakmem, else ~/.cache/hakmem. */
#ifndef HAK_REMOTE_CACHE_FOLDER_H
#define HAK_REMOTE_CACHE_FOLDER_H

#include <stdint.h>

/* Bytes of all cache files, and of one; a file that was used lately stays. */
enum { HAK_CACHE_MOST_MIB = 2048, HAK_CACHE_FILE_MIB = 1024 };

/* The path of the cache file `name`, which is there and this user's alone; to be freed. NULL: there
 * is no such place, or somebody else may write there. */
char *hak_cache_file(const char *name);

/* Removes the files that were not used for the longest time, until HAK_CACHE_MOST_MIB are left. The
 * file `path` of this folder stays. */
void hak_cache_make_room(const char *path);

#endif
