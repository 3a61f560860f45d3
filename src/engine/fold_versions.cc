#include "engine/fold_versions.h"

#include <algorithm>
#include <new>

#include "base/assert.h"

namespace cairn::engine {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// Most questions end by then, and of those that do not, many end before a copy would.
constexpr microseconds kLeastWorthWaiting{15'000};
constexpr microseconds kMostWorthWaiting{200'000};
constexpr std::chrono::seconds kPauseWithoutMemory{1};

// Read or not, as many may be alive.
constexpr size_t kMostAlive = 16;

}  // namespace

struct FoldVersions::Version {
  Version() = default;
  explicit Version(const Materializer& from) : fold(from) {}

  Materializer fold;
  std::mutex mutex;
  std::condition_variable unread;
  int readers = 0;  // under the mutex, which also orders what they read before what is folded next
};

const Materializer& FoldVersions::Hold::fold() const { return version_->fold; }

void FoldVersions::Hold::let_go() {
  if (!version_) return;
  {
    const std::lock_guard guard(version_->mutex);
    if (--version_->readers == 0) version_->unread.notify_all();
  }
  version_ = nullptr;
}

FoldVersions::FoldVersions() : newest_(std::make_shared<Version>()) { older_.reserve(kMostAlive); }
FoldVersions::~FoldVersions() = default;

Materializer& FoldVersions::newest() { return newest_->fold; }
const Materializer& FoldVersions::newest() const { return newest_->fold; }

std::shared_ptr<const Materializer> FoldVersions::share_newest() const {
  return {newest_, &newest_->fold};
}

FoldVersions::Hold FoldVersions::hold() const {
  const std::lock_guard guard(newest_->mutex);
  ++newest_->readers;
  return Hold(newest_);
}

bool FoldVersions::wait_until_unread(microseconds longest) const {
  std::unique_lock guard(newest_->mutex);
  return newest_->unread.wait_for(guard, longest, [&] { return newest_->readers == 0; });
}

microseconds FoldVersions::worth_waiting() const {
  return std::clamp(copy_time_, kLeastWorthWaiting, kMostWorthWaiting);
}

bool FoldVersions::copy_newest() {
  const auto begin = steady_clock::now();
  if (older() >= kMostOlder || begin < no_copy_before_) return false;
  {
    const std::lock_guard guard(mutex_);
    if (older_.size() == kMostAlive) return false;
  }
  try {
    copy_ = std::make_shared<Version>(newest_->fold);
  } catch (const std::bad_alloc&) {
    no_copy_before_ = steady_clock::now() + kPauseWithoutMemory;
    return false;
  }
  copy_time_ = std::chrono::duration_cast<microseconds>(steady_clock::now() - begin);
  return true;
}

void FoldVersions::go_on_in_copy() noexcept {
  CAIRN_ASSERT(copy_);
  const std::lock_guard guard(mutex_);
  older_.push_back(newest_);  // there is room
  ++copies_;
  newest_ = std::exchange(copy_, nullptr);
}

size_t FoldVersions::older() const {
  const std::lock_guard guard(mutex_);
  std::erase_if(older_, [](const auto& version) { return version.expired(); });
  // One that is only being sealed from is not read.
  return static_cast<size_t>(std::count_if(older_.begin(), older_.end(), [](const auto& one) {
    const std::shared_ptr<Version> version = one.lock();
    if (!version) return false;
    const std::lock_guard reading(version->mutex);
    return version->readers > 0;
  }));
}

uint64_t FoldVersions::copies() const {
  const std::lock_guard guard(mutex_);
  return copies_;
}

}  // namespace cairn::engine
