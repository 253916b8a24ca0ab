// A log of transactions: an exception leaves two owners of one buffer, and both destructors free
// it.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ledger {

class Overdrawn : public std::runtime_error {
  public:
    Overdrawn(const std::string &account, long missing)
        : std::runtime_error(account + " lacks " + std::to_string(missing)) {}
};

/* Bytes that grow; their owner deletes them. */
class Buffer {
  public:
    explicit Buffer(size_t capacity) : data_(new char[capacity]), capacity_(capacity) {}
    Buffer(char *data, size_t size, size_t capacity)
        : data_(data), size_(size), capacity_(capacity) {}
    ~Buffer() {
        delete[] data_; // WRONG: the second owner
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;

    void append(const void *bytes, size_t count) {
        if (size_ + count > capacity_)
            grow(size_ + count);
        std::memcpy(data_ + size_, bytes, count);
        size_ += count;
    }
    void append(const std::string &text) {
        const auto length = static_cast<uint32_t>(text.size());
        append(&length, sizeof length);
        append(text.data(), text.size());
    }

    char *data() const { return data_; }
    size_t size() const { return size_; }
    size_t capacity() const { return capacity_; }

    /* The bytes are somebody else's from now on. */
    void release() { data_ = nullptr, size_ = capacity_ = 0; }

  private:
    void grow(size_t needed) {
        size_t capacity = capacity_;
        while (capacity < needed)
            capacity *= 2;
        char *larger = new char[capacity];
        std::memcpy(larger, data_, size_);
        delete[] data_;
        data_ = larger;
        capacity_ = capacity;
    }

    char *data_;
    size_t size_ = 0;
    size_t capacity_;
};

struct Transfer {
    std::string from;
    std::string to;
    long amount = 0;
};

/* The records of a transaction that was carried out. */
class Record {
  public:
    Record(char *data, size_t size, size_t capacity) : bytes_(data, size, capacity) {}
    size_t size() const { return bytes_.size(); }

  private:
    Buffer bytes_;
};

class Accounts {
  public:
    void open(const std::string &name, long balance) { balances_[name] = balance; }

    void apply(const Transfer &transfer) {
        auto from = balances_.find(transfer.from);
        auto to = balances_.find(transfer.to);
        if (from == balances_.end() || to == balances_.end())
            throw std::out_of_range("no such account");
        if (from->second < transfer.amount)
            throw Overdrawn(transfer.from, transfer.amount - from->second);
        from->second -= transfer.amount;
        to->second += transfer.amount;
    }

    long total() const {
        long total = 0;
        for (const auto &account : balances_)
            total += account.second;
        return total;
    }

  private:
    std::map<std::string, long> balances_;
};

class Transaction {
  public:
    Transaction(Accounts &accounts, std::vector<std::unique_ptr<Record>> &log)
        : accounts_(accounts), log_(log) {}

    void add(const Transfer &transfer) {
        transfers_.push_back(transfer);
        buffer_.append(transfer.from);
        buffer_.append(transfer.to);
        buffer_.append(&transfer.amount, sizeof transfer.amount);
    }

    void commit() {
        auto record = std::make_unique<Record>(buffer_.data(), buffer_.size(), buffer_.capacity());
        for (const Transfer &transfer : transfers_)
            accounts_.apply(transfer); // may throw
        buffer_.release(); // too late for that: the record owns the bytes since two lines
        log_.push_back(std::move(record));
    }

  private:
    Accounts &accounts_;
    std::vector<std::unique_ptr<Record>> &log_;
    std::vector<Transfer> transfers_;
    Buffer buffer_{32};
};

class Ledger {
  public:
    Accounts &accounts() { return accounts_; }

    bool transfer(const std::vector<Transfer> &transfers) {
        try {
            Transaction transaction(accounts_, log_);
            for (const Transfer &transfer : transfers)
                transaction.add(transfer);
            transaction.commit();
            return true;
        } catch (const Overdrawn &error) {
            refused_.push_back(error.what());
            return false;
        }
    }

    size_t logged() const { return log_.size(); }
    const std::vector<std::string> &refused() const { return refused_; }

  private:
    Accounts accounts_;
    std::vector<std::unique_ptr<Record>> log_;
    std::vector<std::string> refused_;
};

} // namespace ledger

int main() {
    ledger::Ledger books;
    for (const char *name : {"anna", "bert", "carl"})
        books.accounts().open(name, 100);
    for (int i = 0; i < 10; i++)
        books.transfer({{"anna", "bert", 5}, {"bert", "carl", 5}, {"carl", "anna", 5}});
    std::printf("%zu in the log, %ld in all\n", books.logged(), books.accounts().total());
    std::fflush(stdout);
    books.transfer({{"anna", "bert", 60}, {"anna", "carl", 60}});
    std::printf("%zu in the log, %zu refused\n", books.logged(), books.refused().size());
    return 0;
}
