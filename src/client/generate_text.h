// What generated occurrences say: names, titles, releases, urls, and the JSON line itself.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "client/generate.h"
#include "client/generate_plan.h"
#include "client/generate_random.h"

namespace cairn::client {

// A block of lines being filled. Every line must stay below kMaxLine and the bytes of its stack
// trace, which the fixed vocabulary guarantees by far.
class LineBlock {
 public:
  static constexpr size_t kMaxLine = 4096;
  static constexpr size_t kFlushAt = size_t{256} << 10;

  explicit LineBlock(size_t body_bytes)
      : bytes_(kFlushAt + kMaxLine + body_bytes, '\0'), at_(bytes_.data()) {}
  LineBlock(const LineBlock&) = delete;
  LineBlock& operator=(const LineBlock&) = delete;

  std::string_view text() const { return {bytes_.data(), size()}; }
  size_t size() const { return static_cast<size_t>(at_ - bytes_.data()); }
  bool full() const { return size() >= kFlushAt; }
  void clear() { at_ = bytes_.data(); }

  // Literals have a constant length, so the copy becomes a few moves.
  template <size_t N>
  void literal(const char (&text)[N]) {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(char c) { *at_++ = c; }
  void decimal(uint64_t value) { at_ = std::to_chars(at_, at_ + 20, value).ptr; }
  void hex(uint64_t value);            // 16 digits
  void milliseconds(int64_t time_ms);  // seconds with three places

 private:
  std::string bytes_;
  char* at_;
};

enum class Platform : uint8_t { Javascript, Python, Java, Go, Cocoa };

// Which fingerprint strikes, and when.
struct Happening {
  uint32_t fingerprint = 0;
  int64_t time_ms = 0;
  uint32_t progress_q32 = 0;  // how much of the time span has passed, in 2^-32
};

// Writes occurrences of one run. Not thread-safe; `plan` must outlive it.
class OccurrenceWriter {
 public:
  OccurrenceWriter(const GenerateOptions& resolved, const FingerprintPlan& plan);
  void write(LineBlock& out, const Happening& happening, Random& random) const;

 private:
  struct Project {
    std::string name;
    Platform platform{};
    LogUniform urls;
  };
  void write_event(LineBlock& out, const Happening& happening, Random& random) const;
  void write_exception(LineBlock& out, const Happening& happening) const;
  void write_release(LineBlock& out, const Happening& happening, uint64_t random_bits) const;
  void write_url(LineBlock& out, const PlannedFingerprint& fingerprint, Random& random) const;

  uint64_t seed_;
  uint32_t releases_;
  uint32_t body_bytes_;
  const FingerprintPlan& plan_;
  LogUniform users_;
  LogUniform own_pages_{16};  // where one problem strikes most of the time
  std::vector<Project> projects_;
};

}  // namespace cairn::client
