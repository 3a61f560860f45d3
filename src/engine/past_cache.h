// Stores as of moments that lists are read on from, so that walking the pages of a list beside an
// import pays for its past once. Few, and not for long: each holds a state in memory and keeps the
// index's pages of when it was made from being used again.
//
// Thread: any.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/store.h"

namespace cairn::engine {

class PastCache {
 public:
  static constexpr size_t kKept = 4;                             // those asked for last
  static constexpr int64_t kIdleUs = 60 * kMicrosPerSecond;      // since it was asked for
  static constexpr int64_t kLongestUs = 300 * kMicrosPerSecond;  // since it was made

  // `clock`: nullptr: a steady one; borrowed.
  explicit PastCache(Clock* clock = nullptr) : clock_(clock != nullptr ? clock : &own_clock_) {}
  PastCache(const PastCache&) = delete;
  PastCache& operator=(const PastCache&) = delete;

  using Make = std::function<Result<std::unique_ptr<Store>>()>;
  // The store as of `lsn` with what retention had left by `base`; made when it is not held. One is
  // made at a time.
  Result<std::shared_ptr<const Store>> at(Lsn lsn, Lsn base, const Make& make);
  // Lets go of those held too long. Who is using one keeps it.
  void drop_old();
  struct Entry {
    Lsn lsn{};
    Lsn base{};
    TimeUs made{};
    TimeUs used{};
    std::shared_ptr<const Store> store;
  };
  // Lets go of all; the caller frees them, not while others wait.
  [[nodiscard]] std::list<Entry> clear();
  size_t size() const;

 private:
  std::shared_ptr<const Store> find(Lsn lsn, Lsn base);

  SteadyClock own_clock_;
  Clock* const clock_;
  std::mutex making_;  // taken before mutex_
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // asked for last in front
};

}  // namespace cairn::engine
