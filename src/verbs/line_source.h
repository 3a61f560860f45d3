// Lines of an input, one at a time, in constant memory.
//
// Lines end with \n or \r\n; the last one may lack it. A line over model::kMaxLineBytes is skipped
// to its end without being kept, and reported with its first bytes. A UTF-8 byte order mark before
// the first line is dropped.
//
// Resource; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "verbs/byte_source.h"

namespace cairn::verbs {

struct Line {
  std::string_view text;  // without its end; of a line that is too long only the first 1 KiB
  uint64_t number = 0;    // from 1
  uint64_t bytes = 0;     // of the whole line
  bool too_long = false;
};

class LineSource {
 public:
  virtual ~LineSource() = default;
  // nullopt = the end. The text lives until the next call. Errors: those of ByteSource; a line that
  // was cut by the fault is not given out.
  virtual Result<std::optional<Line>> next() = 0;
  // Bytes of the input taken so far, in the unit of the input's size.
  virtual uint64_t consumed() const = 0;
};

class FileLines final : public LineSource {
 public:
  explicit FileLines(std::unique_ptr<ByteSource> bytes);
  Result<std::optional<Line>> next() override;
  uint64_t consumed() const override { return bytes_->consumed(); }

 private:
  Result<bool> refill();
  void keep(std::string_view piece);
  Line finish(std::string_view tail);

  std::unique_ptr<ByteSource> bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::string partial_;  // of a line that began in an earlier buffer
  uint64_t partial_bytes_ = 0;
  uint64_t number_ = 0;
};

// Errors: as open_bytes.
Result<std::unique_ptr<LineSource>> open_lines(const std::string& path, WaitHooks hooks = {});

}  // namespace cairn::verbs
