/* Strings short and long, views of what lives, C strings while their owner lives. */
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "../corpus/shapes.h"

SHAPE(grown) {
    std::string text;
    for (int i = 0; i < 5000; i++) {
        text += static_cast<char>('a' + i % 26);
        require(text.c_str()[text.size()] == 0, "closed by a zero");
    }
    for (size_t length = 5000; length > 0; length /= 2) {
        text.resize(length);
        text.shrink_to_fit();
    }
}

SHAPE(views) {
    std::string text(200, 'v');
    std::string_view view = text, part = view.substr(50, 20);
    text[55] = 'w';
    require(part[5] == 'w' && view.size() == 200, "they see the same");
    text.reserve(5000);
    view = text;
    require(view.find('w') == 55, "found again");
}

SHAPE(replaced_and_inserted) {
    std::string text = "a text with some words in it that are long enough";
    text.replace(2, 4, std::string(100, 'r'));
    text.insert(10, text);
    text.erase(0, 50);
    std::string copy = text, moved = std::move(copy);
    copy = "used again after it was moved from";
    require(moved == text, "the same text");
    std::swap(copy, moved);
}

SHAPE(wide) {
    std::wstring text(100, L'w');
    std::u16string shorter(77, u's');
    std::u32string longer(77, U'l');
    text += L"and more";
    shorter[76] = u't';
    longer[76] = U't';
}

SHAPE(as_buffer) {
    std::string buffer(64, 0);
    require(snprintf(buffer.data(), buffer.size() + 1, "%064d", 5) == 64,
            "the closing zero has its place");
    std::vector<char> bytes(32);
    require(snprintf(bytes.data(), bytes.size(), "%s", buffer.c_str()) == 64, "cut off");
}

RUN_ALL()
