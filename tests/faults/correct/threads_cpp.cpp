/* Threads of the C++ library: results, queues, thread-local objects, detached ones at the end. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>
#include "../corpus/shapes.h"

SHAPE(queue) {
    std::queue<std::unique_ptr<std::string>> waiting;
    std::mutex mutex;
    std::condition_variable arrived;
    size_t total = 0;
    std::thread consumer([&] {
        for (int i = 0; i < 2000; i++) {
            std::unique_lock<std::mutex> lock(mutex);
            arrived.wait(lock, [&] { return !waiting.empty(); });
            total += waiting.front()->size();
            waiting.pop();
        }
    });
    for (size_t i = 0; i < 2000; i++) {
        std::lock_guard<std::mutex> lock(mutex);
        waiting.push(std::make_unique<std::string>(i % 100, 'q'));
        arrived.notify_one();
    }
    consumer.join();
    require(total == 99000, "all arrived");
}

static thread_local std::vector<std::string> of_thread;

SHAPE(thread_local_objects) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; i++)
        threads.emplace_back([] {
            for (int j = 0; j < 50; j++)
                of_thread.push_back(std::string(40, 't'));
        });
    for (auto &thread : threads)
        thread.join();
    of_thread.assign(10, std::string(50, 'm'));
}

SHAPE(promises) {
    std::promise<std::vector<int>> promise;
    std::future<std::vector<int>> future = promise.get_future();
    std::thread thread([&promise] { promise.set_value(std::vector<int>(500, 1)); });
    require(future.get().size() == 500, "its result");
    thread.join();
    auto answer = std::async(std::launch::async, [] { return std::string(100, 'a'); });
    require(answer.get().size() == 100, "the answer");
}

SHAPE(shared_between) {
    auto shared = std::make_shared<std::string>(100, 's');
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([shared] {
            for (int j = 0; j < 1000; j++) {
                auto copy = shared;
                require(copy->size() == 100, "still there");
            }
        });
    shared.reset();
    for (auto &thread : threads)
        thread.join();
}

static std::atomic<bool> started;

SHAPE(detached_at_the_end) {
    std::thread([] {
        std::vector<std::string> held(20, std::string(60, 'd'));
        started = true;
        for (;;)
            std::this_thread::sleep_for(std::chrono::seconds(1));
    }).detach();
    while (!started)
        std::this_thread::yield();
}

RUN_ALL()
