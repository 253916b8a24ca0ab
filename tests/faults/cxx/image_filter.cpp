// A filter over images: the margin of the blurred image has one row too few, and the last row is
// written behind it.

// optimise: -O2

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace image {

/* Grey values, row by row, with a margin of some pixels on each side. */
class Plane {
  public:
    Plane(unsigned width, unsigned height, unsigned margin)
        : width_(width), height_(height), margin_(margin), stride_(width + 2 * margin) {
        pixels_ = make_pixels();
    }

    unsigned width() const { return width_; }
    unsigned height() const { return height_; }
    unsigned margin() const { return margin_; }

    /* A row, the margin's rows among them: from -margin to height + margin - 1. */
    float *row(int y) {
        return pixels_.get() + static_cast<size_t>(y + static_cast<int>(margin_)) * stride_ +
               margin_;
    }
    const float *row(int y) const { return const_cast<Plane *>(this)->row(y); }

    void fill_margin();

  private:
    /* Height and one margin; the margin below is forgotten. */
    __attribute__((noinline)) std::unique_ptr<float[]> make_pixels() const {
        const size_t rows = height_ + margin_;
        return std::unique_ptr<float[]>(new float[rows * stride_]()); // a margin's rows too short
    }

    unsigned width_, height_, margin_, stride_;
    std::unique_ptr<float[]> pixels_;
};

/* Repeats the outermost pixels outwards. */
void Plane::fill_margin() {
    const int height = static_cast<int>(height_), margin = static_cast<int>(margin_);
    for (int y = 0; y < height; y++) {
        float *pixels = row(y);
        for (int x = 1; x <= margin; x++) {
            pixels[-x] = pixels[0];
            pixels[width_ + static_cast<unsigned>(x) - 1] = pixels[width_ - 1];
        }
    }
    const float *bottom = row(height - 1) - margin;
    for (int y = 1; y <= margin; y++) {
        std::copy_n(row(0) - margin, stride_, row(-y) - margin);
        std::copy_n(bottom, stride_, row(height - 1 + y) - margin); // WRONG: past the end
    }
}

class Filter {
  public:
    virtual ~Filter() = default;
    virtual std::string name() const = 0;
    virtual void apply(const Plane &from, Plane &to) const = 0;
};

/* A Gaussian blur of five by five, in one pass. */
class Blur : public Filter {
  public:
    explicit Blur(double sigma) {
        double sum = 0;
        for (int i = -2; i <= 2; i++)
            sum += weight_[static_cast<size_t>(i + 2)] = std::exp(-i * i / (2 * sigma * sigma));
        for (double &weight : weight_)
            weight /= sum;
    }
    std::string name() const override { return "blur"; }
    void apply(const Plane &from, Plane &to) const override {
        for (int y = 0; y < static_cast<int>(from.height()); y++)
            for (int x = 0; x < static_cast<int>(from.width()); x++)
                to.row(y)[x] = static_cast<float>(at(from, x, y));
    }

  private:
    double at(const Plane &from, int x, int y) const {
        double sum = 0;
        for (int j = -2; j <= 2; j++)
            for (int i = -2; i <= 2; i++)
                sum += weight_[static_cast<size_t>(j + 2)] * weight_[static_cast<size_t>(i + 2)] *
                       static_cast<double>(
                           from.row(std::min(y + j, static_cast<int>(from.height()) - 1))[x + i]);
        return sum;
    }
    std::array<double, 5> weight_{};
};

/* More contrast around the middle. */
class Contrast : public Filter {
  public:
    explicit Contrast(float factor) : factor_(factor) {}
    std::string name() const override { return "contrast"; }
    void apply(const Plane &from, Plane &to) const override {
        for (int y = 0; y < static_cast<int>(from.height()); y++)
            std::transform(from.row(y), from.row(y) + from.width(), to.row(y), [this](float value) {
                return std::clamp((value - 0.5f) * factor_ + 0.5f, 0.0f, 1.0f);
            });
    }

  private:
    float factor_;
};

class Pipeline {
  public:
    void add(std::unique_ptr<Filter> filter) { filters_.push_back(std::move(filter)); }

    Plane run(const Plane &image) const {
        Plane from(image.width(), image.height(), 2);
        for (int y = 0; y < static_cast<int>(image.height()); y++)
            std::copy_n(image.row(y), image.width(), from.row(y));
        for (const auto &filter : filters_) {
            Plane to(image.width(), image.height(), 2);
            from.fill_margin();
            filter->apply(from, to);
            from = std::move(to);
        }
        return from;
    }

  private:
    std::vector<std::unique_ptr<Filter>> filters_;
};

double mean(const Plane &plane) {
    double sum = 0;
    for (int y = 0; y < static_cast<int>(plane.height()); y++)
        for (unsigned x = 0; x < plane.width(); x++)
            sum += static_cast<double>(plane.row(y)[x]);
    return sum / (static_cast<double>(plane.width()) * plane.height());
}

} // namespace image

int main() {
    image::Pipeline pipeline;
    pipeline.add(std::make_unique<image::Blur>(1.2));
    pipeline.add(std::make_unique<image::Contrast>(1.5f));
    image::Plane picture(46, 30, 0);
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 46; x++)
            picture.row(y)[x] = static_cast<float>((x * 7 + y * 13) % 64) / 64.0f;
    std::printf("mean before %.3f\n", image::mean(picture));
    std::fflush(stdout);
    const image::Plane result = pipeline.run(picture);
    std::printf("mean after %.3f\n", image::mean(result));
    return 0;
}

// chance: of the 400 bytes written some are those that were due
