// Classes of C++17 that tell hakmem what a pool of the program hands out (hakmem.h):
//
//     std::pmr::monotonic_buffer_resource arena;
//     hakmem::pool_resource told{"request", &arena};    // a std::pmr::memory_resource
//     std::pmr::vector<int> numbers{&told};
//
//     hakmem::pool rows{"rows"};                        // an allocator, around another one
//     std::list<int, hakmem::pool_allocator<int>> list{rows};
//
//     hakmem::pool_resource caught{"request", hakmem::guarded, &arena};
//
// They take memory as the resource or the allocator beneath does. With `guarded` some of it is
// hakmem's, between closed pages, which stop a use behind the pool's reset at its instruction
// (hak_pool_alloc_guarded): not where it has to be the arena's own, as memory that is shared or
// locked. Where hakmem-debug.so does not serve the program, each call costs a compare with memory
// and a jump more, with `guarded` two.
#ifndef HAKMEM_POOLS_HPP
#define HAKMEM_POOLS_HPP

#include "hakmem.h"

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <type_traits>
#include <utility>

namespace hakmem {

// The pool gives pieces up to hakmem, which are guarded where HAKMEM_GUARD chooses them.
struct guarded_t {
    explicit guarded_t() = default;
};
inline constexpr guarded_t guarded{};

// A pool, from its constructor to its destructor. Its functions tell what happens and do nothing
// else, but for those of guarded pieces. Its address stands for it.
class pool {
  public:
    explicit pool(const char *name) noexcept : pool(name, false) {}
    pool(const char *name, guarded_t) noexcept : pool(name, true) {}
    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;
    ~pool() {
        if (hak_pool_destroy)
            hak_pool_destroy(this);
    }

    // The pool has handed the piece out.
    void take(const void *piece, std::size_t bytes) noexcept {
        if (hak_pool_alloc)
            hak_pool_alloc(this, piece, bytes);
    }
    // The piece comes back; before the pool takes it.
    void give(const void *piece) noexcept {
        if (hak_pool_free)
            hak_pool_free(this, piece);
    }
    // A piece that hakmem hands out for the pool, which take() is not called for; null: none.
    void *take_guarded(std::size_t bytes, std::size_t alignment) noexcept {
        if (hak_pool_alloc_guarded && is_guarded_)
            return hak_pool_alloc_guarded(this, bytes, alignment);
        return nullptr;
    }
    // Before give(): whether the piece was such a one, which is gone now.
    bool give_guarded(const void *piece) noexcept {
        return hak_pool_free_guarded && is_guarded_ && hak_pool_free_guarded(this, piece);
    }
    // All pieces come back; before the pool hands out again.
    void reset() noexcept {
        if (hak_pool_reset)
            hak_pool_reset(this);
    }

  private:
    pool(const char *name, bool is_guarded) noexcept : is_guarded_(is_guarded) {
        if (hak_pool_create)
            hak_pool_create(this, name);
    }

    bool is_guarded_;
};

// A memory resource that passes on to `upstream` and tells. Equal to itself alone, so that a
// container does not take the memory of another pool. Lives no longer than `upstream`.
class pool_resource : public std::pmr::memory_resource {
  public:
    explicit pool_resource(const char *name, std::pmr::memory_resource *upstream =
                                                 std::pmr::get_default_resource()) noexcept
        : pool_(name), upstream_(upstream) {}
    pool_resource(const char *name, guarded_t,
                  std::pmr::memory_resource *upstream = std::pmr::get_default_resource()) noexcept
        : pool_(name, guarded), upstream_(upstream) {}

    // Before upstream's release(), or whatever gives all its memory back.
    void reset() noexcept { pool_.reset(); }
    std::pmr::memory_resource *upstream_resource() const noexcept { return upstream_; }

  private:
    void *do_allocate(std::size_t bytes, std::size_t alignment) override {
        void *piece = pool_.take_guarded(bytes, alignment);
        if (piece)
            return piece;
        piece = upstream_->allocate(bytes, alignment);
        pool_.take(piece, bytes);
        return piece;
    }
    void do_deallocate(void *piece, std::size_t bytes, std::size_t alignment) override {
        if (pool_.give_guarded(piece))
            return;
        pool_.give(piece);
        upstream_->deallocate(piece, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override {
        return this == &other;
    }

    pool pool_;
    std::pmr::memory_resource *upstream_;
};

// An allocator that passes on to `Allocator` and tells the pool. Equal to another one if both have
// the same pool, and equal allocators beneath. Lives no longer than the pool.
template <class T, class Allocator = std::allocator<T>> class pool_allocator {
    using traits = std::allocator_traits<Allocator>;
    static_assert(std::is_pointer_v<typename traits::pointer>,
                  "the allocator gives plain pointers");
    template <class, class> friend class pool_allocator;

  public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::false_type;
    template <class U> struct rebind {
        using other = pool_allocator<U, typename traits::template rebind_alloc<U>>;
    };

    pool_allocator(pool &told, const Allocator &beneath = Allocator()) noexcept
        : pool_(&told), beneath_(beneath) {}
    template <class U, class Other>
    pool_allocator(const pool_allocator<U, Other> &other) noexcept
        : pool_(other.pool_), beneath_(other.beneath_) {}

    T *allocate(std::size_t count) {
        T *piece = take_guarded(count);
        if (piece)
            return piece;
        piece = traits::allocate(beneath_, count);
        pool_->take(piece, count * sizeof(T));
        return piece;
    }
    void deallocate(T *piece, std::size_t count) noexcept {
        if (pool_->give_guarded(piece))
            return;
        pool_->give(piece);
        traits::deallocate(beneath_, piece, count);
    }

    template <class U, class Other>
    bool operator==(const pool_allocator<U, Other> &other) const noexcept {
        return pool_ == other.pool_ && beneath_ == Allocator(other.beneath_);
    }
    template <class U, class Other>
    bool operator!=(const pool_allocator<U, Other> &other) const noexcept {
        return !(*this == other);
    }

  private:
    // One of a size that no memory has is the allocator's to refuse.
    T *take_guarded(std::size_t count) noexcept {
        if (count > static_cast<std::size_t>(-1) / sizeof(T))
            return nullptr;
        return static_cast<T *>(pool_->take_guarded(count * sizeof(T), alignof(T)));
    }

    pool *pool_;
    Allocator beneath_;
};

} // namespace hakmem

#endif
