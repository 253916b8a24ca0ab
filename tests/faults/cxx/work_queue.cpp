// A pool of threads: a job that timed out is deleted by the supervisor, and by the worker that
// finishes it late.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pool {

enum class State { Waiting, Running, Done, TimedOut };

struct Job {
    unsigned id = 0;
    std::string name;
    std::function<long()> work;
    State state = State::Waiting;
    long result = 0;
    unsigned ticks_left = 0;
};

/* A queue with an end: take returns nothing once it is closed and empty. */
class Queue {
  public:
    void put(Job *job) {
        std::lock_guard<std::mutex> hold(lock_);
        waiting_.push_back(job);
        changed_.notify_one();
    }

    Job *take() {
        std::unique_lock<std::mutex> hold(lock_);
        changed_.wait(hold, [this] { return closed_ || !waiting_.empty(); });
        if (waiting_.empty())
            return nullptr;
        Job *job = waiting_.front();
        waiting_.pop_front();
        return job;
    }

    void close() {
        std::lock_guard<std::mutex> hold(lock_);
        closed_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<Job *> waiting_;
    bool closed_ = false;
};

/* Lets a job stop at a point until somebody opens it: what a slow disk does in real life. */
class Gate {
  public:
    void open() {
        std::lock_guard<std::mutex> hold(lock_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock<std::mutex> hold(lock_);
        arrived_ = true;
        changed_.notify_all();
        changed_.wait(hold, [this] { return open_; });
    }
    void wait_for_arrival() {
        std::unique_lock<std::mutex> hold(lock_);
        changed_.wait(hold, [this] { return arrived_; });
    }

  private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool open_ = false;
    bool arrived_ = false;
};

class Pool {
  public:
    explicit Pool(unsigned threads) {
        for (unsigned i = 0; i < threads; i++)
            workers_.emplace_back([this] { work(); });
    }
    ~Pool() {
        queue_.close();
        for (std::thread &worker : workers_)
            worker.join();
    }
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    void submit(std::string name, unsigned ticks, std::function<long()> work) {
        Job *job = new Job;
        job->id = ++last_id_;
        job->name = std::move(name);
        job->work = std::move(work);
        job->ticks_left = ticks;
        {
            std::lock_guard<std::mutex> hold(lock_);
            supervised_.push_back(job);
        }
        queue_.put(job);
    }

    /* A tick of the supervisor: jobs whose time is over are given up. */
    unsigned tick() {
        unsigned given_up = 0;
        std::lock_guard<std::mutex> hold(lock_);
        for (size_t i = 0; i < supervised_.size();) {
            Job *job = supervised_[i];
            if (job->ticks_left-- > 1) {
                i++;
                continue;
            }
            supervised_.erase(supervised_.begin() + static_cast<std::ptrdiff_t>(i));
            job->state = State::TimedOut;
            retire(job);
            given_up++;
        }
        return given_up;
    }

    long sum() {
        std::lock_guard<std::mutex> hold(lock_);
        return sum_;
    }

  private:
    void work() {
        while (Job *job = queue_.take()) {
            const std::function<long()> work = job->work;
            const long result = work();
            finish(job, result);
        }
    }

    void finish(Job *job, long result) {
        std::lock_guard<std::mutex> hold(lock_);
        sum_ += result;
        for (size_t i = 0; i < supervised_.size(); i++)
            if (supervised_[i] == job) {
                supervised_.erase(supervised_.begin() + static_cast<std::ptrdiff_t>(i));
                break;
            }
        delete job; // WRONG: also when the supervisor has given it up
    }

    static void retire(Job *job) { delete job; }

    Queue queue_;
    std::mutex lock_;
    std::vector<Job *> supervised_;
    std::vector<std::thread> workers_;
    unsigned last_id_ = 0;
    long sum_ = 0;
};

} // namespace pool

int main() {
    pool::Gate disk;
    pool::Pool workers(1);
    for (int i = 0; i < 20; i++)
        workers.submit("add " + std::to_string(i), 1000, [i] { return static_cast<long>(i); });
    workers.submit("read from a slow disk", 2, [&disk] {
        disk.pass();
        return 100L;
    });
    disk.wait_for_arrival();
    std::printf("given up: %u\n", workers.tick() + workers.tick());
    std::fflush(stdout);
    disk.open();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::printf("sum %ld\n", workers.sum());
    return 0;
}
