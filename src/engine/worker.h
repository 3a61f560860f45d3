// Runs jobs one after the other on a thread of its own, which start() or the first job starts.
//
// Ownership: a job's captures must outlive it; the destructor runs what was posted, then ends the
// thread. Thread: any, at any time. A job must not throw: it reports in its own way.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cairn::engine {

class Worker {
 public:
  // `name`, at most 15 bytes: of the thread, as `top -H` shows it. `max_waiting` > 0 jobs may wait
  // behind the running one; beyond it post() waits.
  Worker(const char* name, size_t max_waiting) : name_(name), max_waiting_(max_waiting) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread now, so that no later post() can fail to. Throws std::system_error.
  void start();
  void post(std::function<void()> job);
  // Returns when everything posted so far has run.
  void wait_idle();
  bool idle() const;

 private:
  void run();

  const char* const name_;
  const size_t max_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool running_ = false;  // a job is
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cairn::engine
