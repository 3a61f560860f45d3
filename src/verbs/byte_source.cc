#include "verbs/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace cairn::verbs {
namespace {

constexpr size_t kInputBytes = 256u << 10;
constexpr int kPollMs = 100;

std::string display_name(const std::string& path) { return path == "-" ? "(stdin)" : path; }

Error io_error(const std::string& name, const char* what, int code) {
  const ErrorCode kind = code == ENOENT || code == ENOTDIR ? ErrorCode::NotFound : ErrorCode::Io;
  std::string hint;
  if (code == ENOENT) hint = "; check the path";
  if (code == EACCES) hint = "; ask for read permission or run as its owner";
  return make_error(kind, fmt::format("{}: {}: {}{}", name, what, std::strerror(code), hint));
}

// The file as it is, with a look-ahead for the magic bytes.
class RawInput {
 public:
  RawInput(std::string_view bytes, std::string name)
      : name_(std::move(name)), fd_(-1), owned_(false), rest_(bytes), buffer_(kInputBytes) {}
  RawInput(int fd, bool owned, std::string name, WaitHooks hooks)
      : name_(std::move(name)),
        fd_(fd),
        owned_(owned),
        hooks_(std::move(hooks)),
        buffer_(kInputBytes) {
    struct stat status {};
    waits_ = fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode);
  }
  ~RawInput() {
    if (owned_) ::close(fd_);
  }
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;

  // Makes at least `count` bytes available unless the file ends first.
  Result<void> want(size_t count) {
    while (end_ - begin_ < count && !at_end_) CAIRN_TRY(fill());
    return {};
  }
  std::span<const char> available() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(size_t count) {
    begin_ += count;
    consumed_ += count;
  }
  uint64_t consumed() const { return consumed_; }
  const std::string& name() const { return name_; }

 private:
  Result<void> fill() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (fd_ < 0) {
      const size_t count = std::min(rest_.size(), buffer_.size() - end_);
      std::memcpy(buffer_.data() + end_, rest_.data(), count);
      rest_.remove_prefix(count);
      end_ += count;
      at_end_ = count == 0;
      return {};
    }
    CAIRN_TRY(wait());
    ssize_t got = 0;
    do {
      got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    } while (got < 0 && errno == EINTR && !stopped());
    if (got < 0) return io_error(name_, "cannot read", errno);
    if (got == 0) at_end_ = true;
    end_ += static_cast<size_t>(got);
    return {};
  }

  Result<void> wait() {
    if (!waits_) return {};
    pollfd ready{fd_, POLLIN, 0};
    while (!stopped()) {
      if (::poll(&ready, 1, kPollMs) != 0) return {};  // input, end or an error read() will tell
      if (hooks_.on_idle) hooks_.on_idle();
    }
    return make_error(ErrorCode::Closed, name_ + ": stopped while waiting for input");
  }

  bool stopped() const {
    return hooks_.stop != nullptr && hooks_.stop->load(std::memory_order_relaxed);
  }

  std::string name_;
  int fd_;
  bool owned_;
  bool waits_ = false;
  WaitHooks hooks_;
  std::string_view rest_;  // of bytes in memory
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t consumed_ = 0;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {}

  Result<size_t> read(std::span<char> out) override {
    CAIRN_TRY(input_->want(1));
    const auto bytes = input_->available();
    const size_t count = std::min(bytes.size(), out.size());
    std::memcpy(out.data(), bytes.data(), count);
    input_->consume(count);
    return count;
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  std::unique_ptr<RawInput> input_;
};

Error cut_short(const RawInput& input, const char* format) {
  return make_error(
      ErrorCode::Corruption,
      fmt::format("{}: the {} data ends too early, at byte {}: the file is cut short; "
                  "fetch it again (the lines before were read)",
                  input.name(), format, input.consumed()));
}

Error damaged(const RawInput& input, const char* format, const char* why) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}: damaged {} data near byte {}: {}; fetch the file again (the "
                                "lines before were read)",
                                input.name(), format, input.consumed(), why));
}

bool starts_with(std::span<const char> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

constexpr std::string_view kGzipMagic("\x1f\x8b", 2);

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<RawInput> input) : input_(std::move(input)) {
    constexpr int kGzipOnly = 16;  // zlib's flag beside the window size
    CAIRN_ASSERT(inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK);
  }
  ~GzipSource() override { inflateEnd(&stream_); }

  Result<size_t> read(std::span<char> out) override {
    if (fault_) return *fault_;
    while (!finished_) {
      CAIRN_TRY(input_->want(1));
      const auto bytes = input_->available();
      if (bytes.empty()) return cut_short(*input_, "gzip");
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(bytes.size());
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      input_->consume(bytes.size() - stream_.avail_in);
      const size_t made = out.size() - stream_.avail_out;
      if (code == Z_STREAM_END) {
        if (auto next = next_member(); !next) fault_ = next.error();
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        fault_ = damaged(*input_, "gzip", stream_.msg == nullptr ? "unknown" : stream_.msg);
      }
      if (made > 0) return made;
      if (fault_) return *fault_;
    }
    return size_t{0};
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  // gzip files may be several members glued together, and be padded with zeros.
  Result<void> next_member() {
    CAIRN_TRY(input_->want(kGzipMagic.size()));
    while (starts_with(input_->available(), std::string_view("\0", 1))) {
      input_->consume(1);
      CAIRN_TRY(input_->want(kGzipMagic.size()));
    }
    if (input_->available().empty()) {
      finished_ = true;
      return {};
    }
    if (!starts_with(input_->available(), kGzipMagic)) {
      return damaged(*input_, "gzip", "something else follows the end of the compressed data");
    }
    CAIRN_ASSERT(inflateReset(&stream_) == Z_OK);
    return {};
  }

  std::unique_ptr<RawInput> input_;
  z_stream stream_{};
  bool finished_ = false;
  std::optional<Error> fault_;  // told after the bytes before it
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<RawInput> input)
      : input_(std::move(input)), stream_(ZSTD_createDStream()) {
    CAIRN_ASSERT(stream_ != nullptr);
  }
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  Result<size_t> read(std::span<char> out) override {
    if (fault_) return *fault_;
    for (;;) {
      CAIRN_TRY(input_->want(1));
      const auto bytes = input_->available();
      ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
      ZSTD_outBuffer made{out.data(), out.size(), 0};
      const size_t code = ZSTD_decompressStream(stream_, &made, &in);
      input_->consume(in.pos);
      if (ZSTD_isError(code)) {
        fault_ = damaged(*input_, "zstd", ZSTD_getErrorName(code));
        if (made.pos == 0) return *fault_;
        return made.pos;
      }
      if (made.pos > 0) {
        frame_open_ = code != 0;
        return made.pos;
      }
      if (bytes.empty()) {
        if (frame_open_) return cut_short(*input_, "zstd");
        return size_t{0};
      }
      frame_open_ = code != 0;
    }
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  std::unique_ptr<RawInput> input_;
  ZSTD_DStream* stream_;
  bool frame_open_ = false;
  std::optional<Error> fault_;  // told after the bytes before it
};

bool is_zstd(std::span<const char> bytes) {
  // A frame, or a skippable frame (its first byte has 16 forms).
  if (starts_with(bytes, std::string_view("\x28\xb5\x2f\xfd", 4))) return true;
  return bytes.size() >= 4 && (static_cast<unsigned char>(bytes[0]) & 0xf0) == 0x50 &&
         std::memcmp(bytes.data() + 1, "\x2a\x4d\x18", 3) == 0;
}

Result<std::unique_ptr<ByteSource>> decoded(std::unique_ptr<RawInput> input) {
  CAIRN_TRY(input->want(4));
  const auto start = input->available();
  const bool gzip = starts_with(start, kGzipMagic);
  const bool zstd = is_zstd(start);
  if (gzip) return std::unique_ptr<ByteSource>(new GzipSource(std::move(input)));
  if (zstd) return std::unique_ptr<ByteSource>(new ZstdSource(std::move(input)));
  return std::unique_ptr<ByteSource>(new PlainSource(std::move(input)));
}

}  // namespace

Result<std::optional<uint64_t>> check_readable(const std::string& path) {
  using Size = std::optional<uint64_t>;
  if (path == "-") return Size();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return io_error(path, "cannot open", errno);
  if (S_ISDIR(status.st_mode)) {
    return make_error(
        ErrorCode::InvalidArgument,
        path + ": is a directory; name the files in it (for example " + path + "/*.jsonl.gz)");
  }
  if (::access(path.c_str(), R_OK) != 0) return io_error(path, "cannot open", errno);
  return S_ISREG(status.st_mode) ? Size(status.st_size) : Size();
}

Result<std::unique_ptr<ByteSource>> open_bytes(const std::string& path, WaitHooks hooks) {
  if (auto checked = check_readable(path); !checked) return checked.error();
  const bool standard_input = path == "-";
  const int fd = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error(path, "cannot open", errno);
  auto input =
      std::make_unique<RawInput>(fd, !standard_input, display_name(path), std::move(hooks));
  return decoded(std::move(input));
}

Result<std::unique_ptr<ByteSource>> open_memory(const std::string& name, std::string_view bytes) {
  return decoded(std::make_unique<RawInput>(bytes, name));
}

}  // namespace cairn::verbs
