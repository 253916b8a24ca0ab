// A text editor: a cursor points into the line that it stands in, and the line is joined to another.
// room: the registers that point into the heap, which the compiler chooses
#include <algorithm>
#include <cstdio>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace editor {

struct Line {
    std::string text;
    bool changed = false;
    unsigned edits = 0;
};

class Document {
  public:
    explicit Document(std::string_view text) {
        while (!text.empty()) {
            const size_t end = text.find('\n');
            append(text.substr(0, end));
            if (end == std::string_view::npos)
                break;
            text.remove_prefix(end + 1);
        }
    }

    Line *line(size_t index) { return index < lines_.size() ? lines_[index].get() : nullptr; }
    size_t index_of(const Line *line) const {
        for (size_t i = 0; i < lines_.size(); i++)
            if (lines_[i].get() == line)
                return i;
        throw std::out_of_range("index_of: no line of this document");
    }
    size_t size() const { return lines_.size(); }

    Line *split(size_t index, size_t column) {
        Line *first = lines_.at(index).get();
        auto second = std::make_unique<Line>();
        second->text = first->text.substr(std::min(column, first->text.size()));
        first->text.resize(std::min(column, first->text.size()));
        first->changed = second->changed = true;
        Line *made = second.get();
        lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(index + 1), std::move(second));
        return made;
    }

    /* Puts the line behind it to the end of a line. */
    bool join(size_t index) {
        if (index + 1 >= lines_.size())
            return false;
        Line *first = lines_[index].get();
        first->text += lines_[index + 1]->text;
        first->changed = true;
        lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(index + 1));
        return true;
    }

    std::string text() const {
        std::string all;
        for (const auto &line : lines_)
            all += line->text + "\n";
        return all;
    }

  private:
    void append(std::string_view text) {
        auto line = std::make_unique<Line>();
        line->text = std::string(text);
        lines_.push_back(std::move(line));
    }

    std::deque<std::unique_ptr<Line>> lines_;
};

/* A place in the document. There can be many: multiple cursors, marks, the other half of a split
 * window. */
class Cursor {
  public:
    Cursor(Document &document, size_t index, size_t column)
        : document_(document), line_(document.line(index)), column_(column) {
        if (line_ == nullptr)
            throw std::out_of_range("Cursor: behind the end");
    }

    void type(std::string_view text) {
        for (const char letter : text) {
            if (letter == '\n') {
                line_ = document_.split(document_.index_of(line_), column_);
                column_ = 0;
            } else {
                insert(letter);
            }
        }
    }

    void backspace() {
        if (column_ > 0) {
            line_->text.erase(--column_, 1);
            touch();
            return;
        }
        const size_t index = document_.index_of(line_);
        if (index == 0)
            return;
        Line *before = document_.line(index - 1);
        column_ = before->text.size();
        document_.join(index - 1); // other cursors in this line keep their pointers
        line_ = before;
    }

    /* Counts an edit without a change of the text, as a macro's "touch" does. */
    void touch() {
        line_->edits++; // WRONG: the line of this cursor was joined to the one before it
        line_->changed = true;
    }

  private:
    void insert(char letter) {
        line_->text.insert(std::min(column_, line_->text.size()), 1, letter);
        column_++;
        touch();
    }

    Document &document_;
    Line *line_;
    size_t column_;
};

class Window {
  public:
    explicit Window(Document &document) : document_(document) {}
    Cursor &add_cursor(size_t index, size_t column) {
        cursors_.emplace_back(document_, index, column);
        return cursors_.back();
    }
    void touch_all() {
        for (Cursor &cursor : cursors_)
            cursor.touch();
    }

  private:
    Document &document_;
    std::list<Cursor> cursors_;
};

} // namespace editor

int main() {
    editor::Document document(
        "the first line\nthe second line, which is a longer one\nthe third line\nthe last line");
    editor::Window left(document), right(document);
    editor::Cursor &writer = left.add_cursor(1, 0);
    right.add_cursor(0, 4);
    right.add_cursor(2, 4);
    right.touch_all();
    writer.type("in ");
    writer.type("two\nlines: ");
    std::printf("%zu lines\n", document.size());
    for (int i = 0; i < 7; i++)
        writer.backspace();
    std::printf("%zu lines\n", document.size());
    editor::Cursor &other = left.add_cursor(3, 0);
    other.backspace();
    other.backspace();
    editor::Cursor &third = left.add_cursor(2, 0);
    third.backspace();
    std::printf("%zu lines, %zu bytes\n", document.size(), document.text().size());
    std::fflush(stdout);
    right.touch_all();
    std::printf("done\n");
    return 0;
}
