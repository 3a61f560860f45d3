// A connection that is read through a buffer: the RPC layer reads a message in about five pieces,
// each of which would be a system call.
//
// Thread: that of the event loop.
#pragma once

#include <kj/async-io.h>

// KJ destroys what it owns by a function it kept, not by a virtual destructor.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

namespace cairn::rpc {

class BufferedStream : public kj::AsyncIoStream {
 public:
  // Takes the connection over.
  explicit BufferedStream(kj::Own<kj::AsyncIoStream> inner, size_t buffer_bytes = 64u << 10);

  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override;
  kj::Promise<void> write(const void* buffer, size_t size) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, kj::uint length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, kj::uint* length) override {
    inner_->getsockname(address, length);
  }
  void getpeername(struct sockaddr* address, kj::uint* length) override {
    inner_->getpeername(address, length);
  }

 protected:
  // Every byte that came, once, before anybody reads it. An exception ends the connection.
  virtual void saw(kj::ArrayPtr<const kj::byte>) {}

 private:
  kj::Own<kj::AsyncIoStream> inner_;
  kj::Array<kj::byte> buffer_;
  kj::ArrayPtr<const kj::byte> left_;  // of it
};

}  // namespace cairn::rpc

#pragma GCC diagnostic pop
