// A scene graph: parents and children hold each other by shared_ptr, so a removed part of the
// scene stays for ever.

// variables: HAKMEM_LEAKS=error

#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace scene {

struct Vector3 {
    double x = 0, y = 0, z = 0;
    Vector3 operator+(const Vector3 &other) const {
        return {x + other.x, y + other.y, z + other.z};
    }
    Vector3 operator*(double factor) const { return {x * factor, y * factor, z * factor}; }
    double length() const { return std::sqrt(x * x + y * y + z * z); }
};

struct Mesh {
    std::string name;
    std::vector<Vector3> corners;
};

class Node : public std::enable_shared_from_this<Node> {
  public:
    explicit Node(std::string name) : name_(std::move(name)) {}
    virtual ~Node() = default;
    Node(const Node &) = delete;
    Node &operator=(const Node &) = delete;

    void add(const std::shared_ptr<Node> &child) {
        child->parent_ = shared_from_this(); // should be a weak_ptr
        children_.push_back(child);
    }

    /* Takes the child with this name out, wherever it is below. */
    std::shared_ptr<Node> remove(const std::string &name) {
        for (size_t i = 0; i < children_.size(); i++) {
            if (children_[i]->name_ == name) {
                std::shared_ptr<Node> child = children_[i];
                children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
                child->parent_.reset();
                return child;
            }
            if (auto found = children_[i]->remove(name))
                return found;
        }
        return nullptr;
    }

    void visit(const std::function<void(const Node &, const Vector3 &)> &visitor,
               const Vector3 &origin = Vector3()) const {
        const Vector3 here = origin + position_;
        visitor(*this, here);
        for (const auto &child : children_)
            child->visit(visitor, here);
    }

    /* The node with this name, or nothing. */
    const Node *find(const std::string &name) const {
        if (name_ == name)
            return this;
        for (const auto &child : children_)
            if (const Node *found = child->find(name))
                return found;
        return nullptr;
    }

    void move(const Vector3 &by) { position_ = position_ + by; }
    const std::string &name() const { return name_; }
    virtual size_t corners() const { return 0; }

    /* For a scene that ends: the whole tree lets go of each other. */
    void dissolve() {
        for (const auto &child : children_)
            child->dissolve();
        children_.clear();
        parent_.reset();
    }

  private:
    std::string name_;
    Vector3 position_;
    std::shared_ptr<Node> parent_;
    std::vector<std::shared_ptr<Node>> children_;
};

class MeshNode : public Node {
  public:
    MeshNode(std::string name, std::shared_ptr<Mesh> mesh)
        : Node(std::move(name)), mesh_(std::move(mesh)) {}
    size_t corners() const override { return mesh_->corners.size(); }

  private:
    std::shared_ptr<Mesh> mesh_;
};

std::shared_ptr<Mesh> make_ring(const std::string &name, unsigned corners) {
    auto mesh = std::make_shared<Mesh>();
    mesh->name = name;
    for (unsigned i = 0; i < corners; i++) {
        const double angle = 6.283185307 * i / corners;
        mesh->corners.push_back({std::cos(angle), std::sin(angle), 0});
    }
    return mesh;
}

/* A car of one body and four wheels. */
std::shared_ptr<Node> make_car(const std::string &name, const std::shared_ptr<Mesh> &wheel) {
    auto car = std::make_shared<Node>(name); // ALLOCATED: kept by its own wheels
    for (int i = 0; i < 4; i++) {
        auto node = std::make_shared<MeshNode>(name + ", wheel number " + std::to_string(i), wheel);
        node->move(Vector3{i % 2 ? 1.0 : -1.0, i / 2 ? 2.0 : -2.0, 0});
        car->add(node);
    }
    return car;
}

struct Totals {
    size_t nodes = 0;
    size_t corners = 0;
    double farthest = 0;
};

Totals totals_of(const Node &root) {
    Totals totals;
    root.visit([&totals](const Node &node, const Vector3 &where) {
        totals.nodes++;
        totals.corners += node.corners();
        if (where.length() > totals.farthest)
            totals.farthest = where.length();
    });
    return totals;
}

void print(const char *when, const Node &root) {
    const Totals totals = totals_of(root);
    std::printf("%s: %zu nodes, %zu corners, farthest %.1f\n", when, totals.nodes, totals.corners,
                totals.farthest);
}

} // namespace scene

/* A day in the street: cars come and go. */
static void simulate(const std::shared_ptr<scene::Node> &street, unsigned cars) {
    auto wheel = scene::make_ring("wheel", 24);
    for (unsigned i = 0; i < cars; i++) {
        auto car = scene::make_car("car " + std::to_string(i), wheel);
        car->move(scene::Vector3{static_cast<double>(i) * 5, 0, 0});
        street->add(car);
    }
    scene::print("morning", *street);
    if (street->find("car 0, wheel number 3") == nullptr)
        std::printf("a wheel is missing\n");
    for (unsigned i = 0; i < cars; i += 2)
        street->remove("car " + std::to_string(i));
    scene::print("evening", *street);
}

int main() {
    auto street = std::make_shared<scene::Node>("street");
    simulate(street, 6);
    street->dissolve();
    street.reset();
    return 0;
}
