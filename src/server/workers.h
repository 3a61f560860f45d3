// Threads that answer: questions and verbs, which may take long, run here and never on the loop.
//
// Thread: all functions that of the loop. Work runs on any of the threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/bridge.h"

namespace cairn::server {

class Workers {
 public:
  // `name` of the threads, as `top -H` shows it: at most 15 bytes.
  Workers(Bridge& bridge, size_t threads, const char* name);
  // Finishes what is queued. Whoever waits for an answer must be gone.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // What work(cancelled) returned; T is a plain value that any thread may make and destroy.
  // Dropping the promise raises `cancelled`, and work that has not begun does not.
  template <class T>
  kj::Promise<T> run(std::function<T(const std::atomic<bool>&)> work) {
    struct Slot {
      std::atomic<bool> cancelled{false};
      std::optional<T> value;
    };
    auto slot = std::make_shared<Slot>();
    auto arrival = bridge_.expect();
    const uint64_t number = arrival.number;
    Bridge& bridge = bridge_;
    add([slot, work = std::move(work), number, &bridge] {
      if (slot->cancelled.load(std::memory_order_relaxed)) return;
      slot->value.emplace(work(slot->cancelled));
      bridge.post([number, &bridge] { bridge.arrive(number); });
    });
    return arrival.promise.then([slot] { return std::move(*slot->value); })
        .attach(kj::defer([slot] { slot->cancelled.store(true, std::memory_order_relaxed); }));
  }

  // Work that nobody waits for.
  void add(std::function<void()> work);

  // Queued and not yet begun.
  size_t waiting() const;

 private:
  void work();

  Bridge& bridge_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool ending_ = false;                      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace cairn::server
