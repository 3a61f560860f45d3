// A short queue between one producer and one consumer thread; a full queue makes the producer wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace cairn {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit) : limit_(limit) {}

  // False: the consumer wants no more.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return cancelled_ || items_.size() < limit_; });
    if (cancelled_) return false;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }
  // By the producer: nothing follows.
  void finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    filled_.notify_one();
  }
  // By the consumer: nothing more is wanted.
  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    room_.notify_one();
  }

  // The next item; nullopt after finish() or when `patience` is over (then ended() is false).
  std::optional<T> pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, patience, [&] { return finished_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return finished_ && items_.empty();
  }

 private:
  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<T> items_;
  bool finished_ = false;
  bool cancelled_ = false;
};

}  // namespace cairn
