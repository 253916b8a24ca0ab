// cache.cpp: keeps the three newest pages, and counts how often each was shown.
#include <cstdio>
#include <list>
#include <memory>
#include <string>

struct Page {
    std::string title;
    int views;
};

class Cache {
    std::list<std::unique_ptr<Page>> pages;

public:
    Page *load(const char *title) {
        if (pages.size() == 3)
            pages.pop_front();
        pages.push_back(std::unique_ptr<Page>(new Page{title, 0}));
        return pages.back().get();
    }
};

int main() {
    Cache cache;
    Page *home = cache.load("home");
    for (const char *title : {"news", "shop", "help"})
        cache.load(title);
    home->views++;
    printf("%s was shown %d times\n", home->title.c_str(), home->views);
}
