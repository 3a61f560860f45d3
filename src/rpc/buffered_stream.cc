#include "rpc/buffered_stream.h"

#include <algorithm>
#include <cstring>

namespace cairn::rpc {

BufferedStream::BufferedStream(kj::Own<kj::AsyncIoStream> inner, size_t buffer_bytes)
    : inner_(kj::mv(inner)), buffer_(kj::heapArray<kj::byte>(buffer_bytes)) {}

kj::Promise<size_t> BufferedStream::tryRead(void* buffer, size_t least, size_t most) {
  auto* out = static_cast<kj::byte*>(buffer);
  const size_t taken = std::min(left_.size(), most);
  if (taken > 0) std::memcpy(out, left_.begin(), taken);  // there may be no buffer yet
  left_ = left_.slice(taken, left_.size());
  if (taken >= least) return taken;
  const size_t missing = least - taken;
  if (missing >= buffer_.size()) {  // large pieces go where they belong at once
    return inner_->tryRead(out + taken, missing, most - taken).then([this, out, taken](size_t got) {
      saw(kj::arrayPtr(out + taken, got));
      return taken + got;
    });
  }
  return inner_->tryRead(buffer_.begin(), missing, buffer_.size())
      .then([this, out, taken, most](size_t got) {
        saw(buffer_.slice(0, got));
        const size_t more = std::min(got, most - taken);
        std::memcpy(out + taken, buffer_.begin(), more);
        left_ = buffer_.slice(more, got);
        return taken + more;
      });
}

kj::Promise<void> BufferedStream::write(const void* buffer, size_t size) {
  return inner_->write(buffer, size);
}

kj::Promise<void> BufferedStream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  return inner_->write(pieces);
}

}  // namespace cairn::rpc
