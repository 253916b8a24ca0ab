/* The files for the compiler and for the user's test, in the command's folder. */
#include "viewer/reduce/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/bytes.h"

bool file_path(const char *name, char *path) {
    const char *folder = view_folder_make("reduce");
    if (folder)
        snprintf(path, PATH_MAX + 16, "%s/%s", folder, name);
    return folder != NULL;
}

bool file_write(const char *name, const char *text, char *path) {
    if (!file_path(name, path))
        return false;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = file >= 0 && hak_write_fully(file, text, strlen(text));
    int error = errno;
    if (file >= 0 && close(file) != 0 && good) {
        error = errno;
        good = false;
    }
    if (!good)
        view_error("reduce: %s cannot be written: %s", path, strerror(error));
    return good;
}
