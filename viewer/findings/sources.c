/* Paths of source files as the repository has them, which is how services find the line to mark. */
#include "viewer/findings/findings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"

/* Finds the folder at or above `directory` that holds .git (a folder, or a file in a worktree);
 * false: none does, and `directory` stays. */
static bool climb_to_repository(char *directory) {
    char path[2 * PATH_MAX], mark[2 * PATH_MAX + 8];
    snprintf(path, sizeof path, "%s", directory);
    for (char *slash = path + strlen(path); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        snprintf(mark, sizeof mark, "%s/.git", path);
        if (access(mark, F_OK) == 0) {
            snprintf(directory, PATH_MAX, "%.*s", PATH_MAX - 1, path[0] ? path : "/");
            return true;
        }
    }
    return false;
}

const char *sources_root(struct view *view) {
    static char root[PATH_MAX];
    const char *given = view_value(view, "sources");
    if (root[0])
        return root;
    if (!realpath(given && given[0] ? given : ".", root))
        snprintf(root, sizeof root, "%s", given && given[0] ? given : "");
    if (!given)
        climb_to_repository(root);
    size_t length = strlen(root);
    if (length > 0 && root[length - 1] == '/')
        root[length - 1] = '\0';
    return root;
}

/* Copies `path` without "/./", "//" and "/x/../", as compilers leave them in. */
static void simplify(char *to, size_t bytes, const char *path) {
    size_t length = 0;
    to[0] = '\0';
    while (*path) {
        size_t part = strcspn(path, "/");
        if (part == 2 && memcmp(path, "..", 2) == 0 && length > 0) {
            char *slash = strrchr(to, '/');
            length = slash ? (size_t)(slash - to) : 0;
            to[length] = '\0';
        } else if (part > 0 && !(part == 1 && path[0] == '.') && length + part + 2 < bytes) {
            to[length++] = '/';
            memcpy(to + length, path, part);
            length += part;
            to[length] = '\0';
        }
        path += part;
        path += *path == '/';
    }
}

bool sources_add_path(struct hak_text *text, struct view *view, const char *file) {
    char path[2 * PATH_MAX];
    const char *root = sources_root(view);
    size_t length = strlen(root);
    if (file[0] != '/') { /* compiled with a path from somewhere: is it from here? */
        snprintf(path, sizeof path, "%s/%s", root, file);
        bool is_here = file[0] != '\0' && access(path, F_OK) == 0;
        simplify(path, sizeof path, file);
        const char *as_given = is_here ? path + 1 : file;
        hak_text_add_bytes(text, as_given, strlen(as_given));
        return is_here;
    }
    simplify(path, sizeof path, file);
    if (strncmp(path, root, length) == 0 && path[length] == '/') {
        hak_text_add_bytes(text, path + length + 1, strlen(path + length + 1));
        return true;
    }
    hak_text_add_bytes(text, path, strlen(path));
    return false;
}

int sources_find_frame(struct view *view, const struct finding *finding) {
    if (finding->stack_count == 0)
        return -1;
    const struct hak_frames *frames = &finding->stacks[0].frames;
    int telling = hak_words_telling_frame(frames->frame, frames->count);
    for (int i = telling < 0 ? 0 : telling; i < frames->count; i++) {
        struct hak_text path = {0};
        const struct hak_frame *frame = &frames->frame[i];
        bool inside = frame->file[0] &&
                      hak_words_frame_role(frames->frame, frames->count, i) == HAK_FRAME_PROGRAM &&
                      sources_add_path(&path, view, frame->file);
        hak_text_free(&path);
        if (inside)
            return i;
    }
    return -1;
}
