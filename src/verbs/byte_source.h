// Bytes of a file or of stdin, decompressed on the way: plain, gzip (also several members in a row)
// or zstd (also several frames). The first bytes tell which, never the name.
//
// Resource; one thread. Constant memory: two buffers and the decoder's window.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::verbs {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills some of `out` and returns how much; 0 = the end. What could be decoded before a fault is
  // returned first. Errors: Io, Corruption (the compressed data is damaged or cut short), Closed
  // (the stop flag was raised while waiting for input). The message starts with the name.
  virtual Result<size_t> read(std::span<char> out) = 0;
  // Bytes taken from the file so far, before decompression.
  virtual uint64_t consumed() const = 0;
};

// Says what is wrong with a path before anything is read: NotFound, InvalidArgument (a directory),
// Io (no permission ...). "-" is stdin and always fine. Returns the size in bytes if it has one.
Result<std::optional<uint64_t>> check_readable(const std::string& path);

// What happens while a pipe or terminal is silent.
struct WaitHooks {
  const std::atomic<bool>* stop = nullptr;  // raised: the wait ends with Closed; may be null
  std::function<void()> on_idle;            // called every 100 ms of silence; may be null
};

// `hooks` point to what outlives the source.
Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path, WaitHooks hooks = {});
// The same of bytes in memory, which messages call `name`; borrowed by the source.
Result<std::unique_ptr<ByteSource>> open_memory(const std::string& name, std::string_view bytes);

}  // namespace cairn::verbs
