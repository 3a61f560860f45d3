#include "engine/worker.h"

#include <pthread.h>

#include <utility>

namespace cairn::engine {

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Worker::start() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Worker::post(std::function<void()> job) {
  start();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.size() < max_waiting_; });
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

void Worker::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty() && !running_; });
}

bool Worker::idle() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() && !running_;
}

void Worker::run() {
  pthread_setname_np(pthread_self(), name_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    {
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = true;
      lock.unlock();
      job();
    }
    lock.lock();
    running_ = false;
    changed_.notify_all();
  }
}

}  // namespace cairn::engine
