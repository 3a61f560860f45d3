#include "engine/worker.h"

#include <pthread.h>
#include <sys/resource.h>

#include <utility>

namespace cairn::engine {
namespace {

// A third of the share of others when all cores are busy: sealing must keep up with writing.
constexpr int kBackgroundNice = 5;

}  // namespace

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> job) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
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
  // On Linux each thread has a priority of its own. Where it cannot be lowered it stays as it is.
  if (urgency_ == Urgency::Background) setpriority(PRIO_PROCESS, 0, kBackgroundNice);
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
