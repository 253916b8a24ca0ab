// A drawing program: shapes are deleted through a base class whose destructor is not virtual.

// optimise: -O2

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace drawing {

struct Box {
    double left = 0, top = 0, right = 0, bottom = 0;
    double area() const { return std::max(0.0, right - left) * std::max(0.0, bottom - top); }
    void include(const Box &other) {
        left = std::min(left, other.left);
        top = std::min(top, other.top);
        right = std::max(right, other.right);
        bottom = std::max(bottom, other.bottom);
    }
};

/* Common part of all shapes; its destructor should be virtual. */
class Shape {
  public:
    explicit Shape(unsigned layer) : layer_(layer) {}
    ~Shape() = default;
    virtual Box bounds() const = 0;
    virtual double area() const = 0;
    virtual void draw(std::ostream &out) const = 0;
    unsigned layer() const { return layer_; }

  private:
    unsigned layer_;
};

class Circle final : public Shape {
  public:
    Circle(unsigned layer, double x, double y, double radius)
        : Shape(layer), x_(x), y_(y), radius_(radius) {}
    Box bounds() const override { return {x_ - radius_, y_ - radius_, x_ + radius_, y_ + radius_}; }
    double area() const override { return 3.14159265 * radius_ * radius_; }
    void draw(std::ostream &out) const override {
        out << "circle " << x_ << ' ' << y_ << ' ' << radius_ << '\n';
    }

  private:
    double x_, y_, radius_;
};

class Polygon final : public Shape {
  public:
    Polygon(unsigned layer, unsigned corners, double x, double y, double size)
        : Shape(layer), corners_(corners) {
        if (corners < 3 || corners > 8)
            throw std::invalid_argument("Polygon: 3 to 8 corners");
        for (unsigned i = 0; i < corners; i++) {
            const double angle = 6.283185307 * i / corners;
            points_[i] = {x + size * std::cos(angle), y + size * std::sin(angle)};
        }
    }
    Box bounds() const override {
        Box box = {points_[0].first, points_[0].second, points_[0].first, points_[0].second};
        for (unsigned i = 1; i < corners_; i++)
            box.include({points_[i].first, points_[i].second, points_[i].first, points_[i].second});
        return box;
    }
    double area() const override {
        double sum = 0;
        for (unsigned i = 0; i < corners_; i++) {
            const auto &a = points_[i], &b = points_[(i + 1) % corners_];
            sum += a.first * b.second - b.first * a.second;
        }
        return std::fabs(sum) / 2;
    }
    void draw(std::ostream &out) const override {
        out << "polygon";
        for (unsigned i = 0; i < corners_; i++)
            out << ' ' << points_[i].first << ',' << points_[i].second;
        out << '\n';
    }

  private:
    unsigned corners_;
    std::pair<double, double> points_[8];
};

/* Owns its shapes. */
class Canvas {
  public:
    Canvas() = default;
    ~Canvas() {
        while (!shapes_.empty())
            remove_last();
    }
    Canvas(const Canvas &) = delete;
    Canvas &operator=(const Canvas &) = delete;

    template <typename Kind, typename... Arguments> Kind &add(Arguments &&...arguments) {
        auto *shape = new Kind(std::forward<Arguments>(arguments)...);
        shapes_.push_back(shape);
        return *shape;
    }

    void remove_last() {
        Shape *shape = shapes_.back();
        shapes_.pop_back();
        delete shape; // WRONG: gives operator delete the size of a Shape
    }

    Box bounds() const {
        if (shapes_.empty())
            return {};
        Box box = shapes_.front()->bounds();
        for (const Shape *shape : shapes_)
            box.include(shape->bounds());
        return box;
    }

    double area(unsigned layer) const {
        double sum = 0;
        for (const Shape *shape : shapes_)
            if (shape->layer() == layer)
                sum += shape->area();
        return sum;
    }

    /* How many shapes a point lies in the box of. */
    size_t count_at(double x, double y) const {
        return static_cast<size_t>(
            std::count_if(shapes_.begin(), shapes_.end(), [x, y](const Shape *shape) {
                const Box box = shape->bounds();
                return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
            }));
    }

    std::string draw() const {
        std::ostringstream out;
        for (const Shape *shape : shapes_)
            shape->draw(out);
        return out.str();
    }

    size_t size() const { return shapes_.size(); }

  private:
    std::vector<Shape *> shapes_;
};

} // namespace drawing

int main() {
    drawing::Canvas canvas;
    for (unsigned i = 0; i < 12; i++) {
        const double x = 10.0 * i;
        if (i % 3 == 0)
            canvas.add<drawing::Polygon>(i % 2, 3 + i % 6, x, 20.0, 5.0);
        else
            canvas.add<drawing::Circle>(i % 2, x, 30.0, 4.0);
    }
    std::printf("%zu shapes, area %.1f and %.1f in a box of %.1f, %zu letters\n", canvas.size(),
                canvas.area(0), canvas.area(1), canvas.bounds().area(), canvas.draw().size());
    std::fflush(stdout);
    std::printf("%zu at the third circle\n", canvas.count_at(40, 30));
    std::fflush(stdout);
    canvas.remove_last();
    std::printf("%zu shapes\n", canvas.size());
    return 0;
}
