#include "engine/fold_versions.h"

#include <algorithm>
#include <new>

#include "base/assert.h"

namespace cairn::engine {

using std::chrono::steady_clock;

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

FoldVersions::FoldVersions() : newest_(std::make_shared<Version>()) {}
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

bool FoldVersions::wait_until_unread(std::chrono::microseconds least) const {
  std::unique_lock guard(newest_->mutex);
  return newest_->unread.wait_for(guard, std::max(least, copy_time_),
                                  [&] { return newest_->readers == 0; });
}

bool FoldVersions::copy_newest() {
  if (older() >= kMostOlder) return false;
  const auto begin = steady_clock::now();
  try {
    copy_ = std::make_shared<Version>(newest_->fold);
  } catch (const std::bad_alloc&) {
    return false;
  }
  copy_time_ = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
  return true;
}

void FoldVersions::go_on_in_copy() {
  CAIRN_ASSERT(copy_);
  const std::lock_guard guard(mutex_);
  older_.push_back(newest_);
  ++copies_;
  newest_ = std::exchange(copy_, nullptr);
}

size_t FoldVersions::older() const {
  const std::lock_guard guard(mutex_);
  std::erase_if(older_, [](const auto& version) { return version.expired(); });
  return older_.size();
}

uint64_t FoldVersions::copies() const {
  const std::lock_guard guard(mutex_);
  return copies_;
}

}  // namespace cairn::engine
