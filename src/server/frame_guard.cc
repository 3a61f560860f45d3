#include "server/frame_guard.h"

#include <algorithm>

namespace cairn::server {

void FrameGuard::saw(const uint8_t* bytes, size_t size) {
  while (size > 0 && !refused_) {
    if (body_left_ > 0) {
      const auto step = static_cast<size_t>(std::min<uint64_t>(body_left_, size));
      body_left_ -= step;
      bytes += step;
      size -= step;
      continue;
    }
    number_[have_++] = *bytes++;
    --size;
    if (have_ < sizeof number_) continue;
    have_ = 0;
    take_number(static_cast<uint32_t>(number_[0]) | static_cast<uint32_t>(number_[1]) << 8 |
                static_cast<uint32_t>(number_[2]) << 16 | static_cast<uint32_t>(number_[3]) << 24);
  }
}

void FrameGuard::take_number(uint32_t number) {
  constexpr uint64_t kWord = 8;
  if (table_left_ == 0) {  // the first number of a message
    if (number >= kMostSegments) {
      refused_ = true;
      return;
    }
    sizes_left_ = number + 1;
    table_left_ = sizes_left_ + (sizes_left_ + 1) % 2;  // with the first number a multiple of 8
    words_ = 0;
    return;
  }
  --table_left_;
  if (sizes_left_ > 0) {
    --sizes_left_;
    words_ += number;
  }
  if (words_ * kWord > limit_) {
    refused_ = true;
  } else if (table_left_ == 0) {
    body_left_ = words_ * kWord;
  }
}

}  // namespace cairn::server
