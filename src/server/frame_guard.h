// Where messages of Cap'n Proto begin and end in a stream of bytes, and whether one is larger than
// it may be. The framing: u32 number of segments - 1, a u32 of words for each segment, padding to 8
// bytes, the segments.
//
// Value; thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::server {

class FrameGuard {
 public:
  explicit FrameGuard(uint64_t limit_bytes) : limit_(limit_bytes) {}

  // From the next message on.
  void set_limit(uint64_t bytes) { limit_ = bytes; }
  void saw(const uint8_t* bytes, size_t size);
  // A message was too large or had too many segments. Nothing that follows is looked at.
  bool refused() const { return refused_; }
  bool in_message() const { return body_left_ > 0 || table_left_ > 0 || have_ > 0; }

 private:
  static constexpr uint32_t kMostSegments = 512;  // as many as Cap'n Proto itself takes
  void take_number(uint32_t number);

  uint64_t limit_;
  bool refused_ = false;
  uint64_t body_left_ = 0;   // bytes of segments
  uint32_t table_left_ = 0;  // numbers of the table, padding included
  uint32_t sizes_left_ = 0;  // of these, those that are sizes
  uint64_t words_ = 0;
  uint8_t number_[4] = {};
  uint32_t have_ = 0;  // bytes of number_
};

}  // namespace cairn::server
