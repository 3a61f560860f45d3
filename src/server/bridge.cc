#include "server/bridge.h"

#include <kj/debug.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cairn::server {
namespace {

int make_eventfd() {
  int fd = -1;
  KJ_SYSCALL(fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  return fd;
}

}  // namespace

Bridge::Bridge(kj::UnixEventPort& port)
    : fd_(make_eventfd()), observer_(port, fd_, kj::UnixEventPort::FdObserver::OBSERVE_READ) {}

void Bridge::post(std::function<void()> work) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (!wake) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is far from full, since it is read whenever it is not 0.
  (void)!::write(fd_, &one, sizeof one);
}

kj::Promise<void> Bridge::run() { return loop(); }

kj::Promise<void> Bridge::loop() {
  return observer_.whenBecomesReadable().then([this]() -> kj::Promise<void> {
    uint64_t count = 0;
    (void)!::read(fd_, &count, sizeof count);
    std::vector<std::function<void()>> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(posted_);
    }
    for (auto& one : work) one();
    return loop();
  });
}

Bridge::Arrival Bridge::expect() {
  auto paf = kj::newPromiseAndFulfiller<void>();
  const uint64_t number = next_++;
  expected_.emplace(number, kj::mv(paf.fulfiller));
  return {number, paf.promise.attach(kj::defer([this, number] { expected_.erase(number); }))};
}

void Bridge::arrive(uint64_t number) {
  const auto found = expected_.find(number);
  if (found != expected_.end()) found->second->fulfill();
}

}  // namespace cairn::server
