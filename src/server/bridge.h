// The way from other threads back to the event loop: they post what is to be done there.
//
// Only std primitives and an eventfd are shared: nothing of KJ is touched by two threads.
// Thread: post() any; everything else that of the loop, which must outlive all who post.
#pragma once

#include <kj/async-unix.h>
#include <kj/io.h>

#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace cairn::server {

class Bridge {
 public:
  explicit Bridge(kj::UnixEventPort& port);
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  // `work` runs on the loop, in the order of the calls. What it holds is destroyed there too.
  void post(std::function<void()> work);

  // Runs what is posted, as long as the promise lives.
  kj::Promise<void> run();

  // A promise that ends with arrive(number). Dropping it forgets the number.
  struct Arrival {
    uint64_t number;
    kj::Promise<void> promise;
  };
  Arrival expect();
  void arrive(uint64_t number);

 private:
  kj::Promise<void> loop();

  const kj::AutoCloseFd fd_;  // before its observer, which looks at it to the end
  kj::UnixEventPort::FdObserver observer_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::unordered_map<uint64_t, kj::Own<kj::PromiseFulfiller<void>>> expected_;
  uint64_t next_ = 1;
};

}  // namespace cairn::server
