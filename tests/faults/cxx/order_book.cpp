// An order book: expired orders are erased from a std::map inside the loop that walks it.
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace book {

enum class Side { Buy, Sell };

struct Order {
    uint64_t id = 0;
    std::string owner;
    Side side = Side::Buy;
    uint32_t quantity = 0;
    uint64_t expires_at = 0;
};

struct Trade {
    uint64_t buyer = 0;
    uint64_t seller = 0;
    int64_t price = 0;
    uint32_t quantity = 0;
};

/* The orders of one side by price, oldest first within a price. */
class Ladder {
  public:
    explicit Ladder(Side side) : side_(side) {}

    void add(int64_t price, Order order) { levels_[key(price)].push_back(std::move(order)); }

    bool empty() const { return levels_.empty(); }

    int64_t best_price() const {
        if (levels_.empty())
            throw std::out_of_range("best_price: no orders on this side");
        return price_of(levels_.begin()->first);
    }

    Order &best_order() { return levels_.begin()->second.front(); }

    void drop_best() {
        auto level = levels_.begin();
        level->second.erase(level->second.begin());
        if (level->second.empty())
            levels_.erase(level);
    }

    size_t count() const {
        size_t orders = 0;
        for (const auto &level : levels_)
            orders += level.second.size();
        return orders;
    }

    size_t expire(uint64_t now);

  private:
    /* The best price of both sides is the smallest key. */
    int64_t key(int64_t price) const { return side_ == Side::Buy ? -price : price; }
    int64_t price_of(int64_t key) const { return side_ == Side::Buy ? -key : key; }

    Side side_;
    std::map<int64_t, std::vector<Order>> levels_;
};

/* Takes out the orders whose time is over, and the levels that are empty then. */
size_t Ladder::expire(uint64_t now) {
    size_t expired = 0;
    for (auto &[price, orders] : levels_) { // WRONG: goes on from the level that was erased below
        for (size_t i = 0; i < orders.size();) {
            if (orders[i].expires_at <= now) {
                orders.erase(orders.begin() + static_cast<std::ptrdiff_t>(i));
                expired++;
            } else {
                i++;
            }
        }
        if (orders.empty())
            levels_.erase(price);
    }
    return expired;
}

class Book {
  public:
    uint64_t submit(Side side, int64_t price, uint32_t quantity, const std::string &owner,
                    uint64_t expires_at) {
        Order order;
        order.id = next_id_++;
        order.owner = owner;
        order.side = side;
        order.quantity = quantity;
        order.expires_at = expires_at;
        const uint64_t id = order.id;
        match(price, order);
        if (order.quantity > 0)
            side_of(side).add(price, std::move(order));
        return id;
    }

    void tick(uint64_t now) {
        expired_ += buys_.expire(now);
        expired_ += sells_.expire(now);
    }

    std::optional<int64_t> spread() const {
        if (buys_.empty() || sells_.empty())
            return std::nullopt;
        return sells_.best_price() - buys_.best_price();
    }

    size_t open_orders() const { return buys_.count() + sells_.count(); }
    size_t expired() const { return expired_; }
    const std::vector<Trade> &trades() const { return trades_; }

  private:
    Ladder &side_of(Side side) { return side == Side::Buy ? buys_ : sells_; }

    static bool crosses(Side side, int64_t price, int64_t other) {
        return side == Side::Buy ? price >= other : price <= other;
    }

    void match(int64_t price, Order &order) {
        Ladder &others = side_of(order.side == Side::Buy ? Side::Sell : Side::Buy);
        while (order.quantity > 0 && !others.empty() &&
               crosses(order.side, price, others.best_price())) {
            Order &best = others.best_order();
            const uint32_t quantity =
                best.quantity < order.quantity ? best.quantity : order.quantity;
            Trade trade;
            trade.buyer = order.side == Side::Buy ? order.id : best.id;
            trade.seller = order.side == Side::Buy ? best.id : order.id;
            trade.price = others.best_price();
            trade.quantity = quantity;
            trades_.push_back(trade);
            best.quantity -= quantity;
            order.quantity -= quantity;
            if (best.quantity == 0)
                others.drop_best();
        }
    }

    Ladder buys_{Side::Buy};
    Ladder sells_{Side::Sell};
    std::vector<Trade> trades_;
    uint64_t next_id_ = 1;
    size_t expired_ = 0;
};

} // namespace book

int main() {
    book::Book orders;
    for (int i = 0; i < 40; i++) {
        const std::string owner = "account number " + std::to_string(i);
        orders.submit(book::Side::Buy, 1000 - i, 10, owner, 100 + static_cast<uint64_t>(i % 7));
        orders.submit(book::Side::Sell, 1010 + i, 10, owner, 200);
    }
    orders.submit(book::Side::Sell, 995, 35, "a seller in a hurry", 300);
    std::printf("%zu trades, %zu open, spread %lld\n", orders.trades().size(), orders.open_orders(),
                static_cast<long long>(orders.spread().value_or(-1)));
    for (uint64_t now = 90; now < 120; now++)
        orders.tick(now);
    std::printf("%zu expired, %zu open\n", orders.expired(), orders.open_orders());
    return 0;
}
