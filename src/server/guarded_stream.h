// A connection from outside: read through a buffer, with its messages' sizes looked at as they
// come, and an account of when something last came or went.
//
// Cap'n Proto would take memory for a message as large as its first bytes say; here a message that
// is larger than what its sender may send ends the connection before that.
//
// Thread: that of the loop.
#pragma once

#include "base/clock.h"
#include "rpc/buffered_stream.h"
#include "server/frame_guard.h"
#include "server/metrics.h"

namespace cairn::server {

class GuardedStream final : public rpc::BufferedStream {
 public:
  GuardedStream(kj::Own<kj::AsyncIoStream> inner, uint64_t limit, Clock& steady)
      : BufferedStream(kj::mv(inner), kBuffer),
        guard_(limit),
        steady_(steady),
        last_(steady.now()) {}

  void set_limit(uint64_t bytes) { guard_.set_limit(bytes); }
  // Since when a message is being read, or written, and has not ended.
  bool in_message() const { return guard_.in_message() || writing_ > 0; }
  // Of the last byte that came or the last write that was taken.
  TimeUs last() const { return last_; }

  kj::Promise<void> write(const void* buffer, size_t size) override {
    return noted(BufferedStream::write(buffer, size));
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return noted(BufferedStream::write(pieces));
  }

 protected:
  void saw(kj::ArrayPtr<const kj::byte> bytes) override {
    if (bytes.size() > 0) last_ = steady_.now();
    guard_.saw(bytes.begin(), bytes.size());
    KJ_REQUIRE(!guard_.refused(), "a message is too large, or no message");
  }

 private:
  static constexpr size_t kBuffer = 32u << 10;  // thousands of connections have one each

  kj::Promise<void> noted(kj::Promise<void> writing) {
    ++writing_;
    return writing.then([this] { last_ = steady_.now(); }).attach(kj::defer([this] {
      --writing_;
    }));
  }

  FrameGuard guard_;
  Clock& steady_;
  TimeUs last_;
  uint32_t writing_ = 0;
};

}  // namespace cairn::server
