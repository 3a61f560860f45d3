#include "verbs/line_source.h"

#include <cstring>

#include "model/occurrence.h"

namespace cairn::verbs {
namespace {

constexpr size_t kBufferBytes = 256u << 10;
constexpr size_t kShownBytes = 1u << 10;  // of a line that is too long
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

FileLines::FileLines(std::unique_ptr<ByteSource> bytes)
    : bytes_(std::move(bytes)), buffer_(kBufferBytes) {}

Result<bool> FileLines::refill() {
  begin_ = 0;
  end_ = 0;
  CAIRN_TRY_ASSIGN(end_, bytes_->read(buffer_));
  return end_ > 0;
}

void FileLines::keep(std::string_view piece) {
  partial_bytes_ += piece.size();
  if (partial_bytes_ <= model::kMaxLineBytes + 1) {  // one more for a \r before the end
    partial_.append(piece);
  } else if (partial_.size() > kShownBytes) {
    partial_.resize(kShownBytes);
    partial_.shrink_to_fit();
  }
}

Line FileLines::finish(std::string_view tail) {
  Line line;
  if (partial_bytes_ > 0) {
    keep(tail);
    line.bytes = partial_bytes_;
    line.text = partial_;
  } else {
    line.bytes = tail.size();
    line.text = tail;
  }
  line.number = ++number_;
  const bool whole = line.text.size() == line.bytes;
  if (whole && line.text.ends_with('\r')) {
    line.text.remove_suffix(1);
    --line.bytes;
  }
  if (number_ == 1 && line.text.starts_with(kByteOrderMark)) {
    line.text.remove_prefix(kByteOrderMark.size());
    line.bytes -= kByteOrderMark.size();
  }
  line.too_long = line.bytes > model::kMaxLineBytes;
  if (line.too_long) line.text = line.text.substr(0, kShownBytes);
  return line;
}

Result<std::optional<Line>> FileLines::next() {
  partial_.clear();
  partial_bytes_ = 0;
  for (;;) {
    if (begin_ == end_) {
      CAIRN_TRY_ASSIGN(const bool more, refill());
      if (!more) {
        if (partial_bytes_ == 0) return std::optional<Line>();
        return std::optional<Line>(finish({}));
      }
    }
    const char* start = buffer_.data() + begin_;
    const size_t left = end_ - begin_;
    const void* found = std::memchr(start, '\n', left);
    if (found != nullptr) {
      const auto length = static_cast<size_t>(static_cast<const char*>(found) - start);
      begin_ += length + 1;
      return std::optional<Line>(finish({start, length}));
    }
    keep({start, left});
    begin_ = end_;
  }
}

Result<std::unique_ptr<LineSource>> open_lines(const std::string& path, WaitHooks hooks) {
  CAIRN_TRY_ASSIGN(auto bytes, open_bytes(path, std::move(hooks)));
  return std::unique_ptr<LineSource>(new FileLines(std::move(bytes)));
}

}  // namespace cairn::verbs
