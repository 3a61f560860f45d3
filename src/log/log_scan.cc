#include "log/log_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cairn::log {
namespace {

// Read ahead at a time: small at first, so that fetching one frame reads little more than it;
// then up to what gives full speed and still stays in the processor's cache.
constexpr uint64_t kFirstWindowBytes = 16u << 10;
constexpr uint64_t kWindowBytes = 256u << 10;

// Index of the first byte that is not zero, or bytes.size().
size_t zeros_at_front(std::span<const std::byte> bytes) {
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    if (word != 0) break;
  }
  while (i < bytes.size() && bytes[i] == std::byte{0}) ++i;
  return i;
}

}  // namespace

LogScanner::LogScanner(const File& file, uint64_t seed)
    : file_(file), seed_(seed), read_ahead_(kFirstWindowBytes) {}

Result<void> LogScanner::refresh() {
  window_bytes_ = 0;
  CAIRN_TRY_ASSIGN(size_, file_.size());
  return {};
}

Result<std::span<const std::byte>> LogScanner::view(uint64_t offset, uint64_t length) {
  length = offset < size_ ? std::min(length, size_ - offset) : 0;
  if (length == 0) return std::span<const std::byte>();
  if (offset < window_offset_ || offset + length > window_offset_ + window_bytes_) {
    const uint64_t window_end = window_offset_ + window_bytes_;
    const bool sequential = offset >= window_offset_ && offset <= window_end;
    read_ahead_ = sequential ? std::min(read_ahead_ * 2, kWindowBytes) : kFirstWindowBytes;
    const uint64_t wanted = std::min(std::max(length, read_ahead_), size_ - offset);
    if (window_.size() < wanted) window_.resize(wanted);
    window_bytes_ = 0;
    CAIRN_TRY_ASSIGN(window_bytes_, file_.read_at(offset, std::span(window_).first(wanted)));
    window_offset_ = offset;
    length = std::min(length, window_bytes_);
  }
  return std::span<const std::byte>(window_).subspan(offset - window_offset_, length);
}

Result<std::optional<FrameHeader>> LogScanner::header_at(uint64_t offset) {
  CAIRN_TRY_ASSIGN(const auto bytes, view(offset, kFrameHeaderBytes));
  if (bytes.size() < kFrameHeaderBytes) return std::optional<FrameHeader>();
  auto header = decode_frame_header(bytes, {seed_, offset});
  if (header && header->payload_end() > size_ - offset) header.reset();
  return header;
}

Result<std::optional<std::span<const std::byte>>> LogScanner::payload_at(
    uint64_t offset, const FrameHeader& header) {
  CAIRN_TRY_ASSIGN(const auto frame, view(offset, header.payload_end()));
  std::optional<std::span<const std::byte>> payload;
  if (frame.size() == header.payload_end()) {
    const auto stored = frame.subspan(kFrameHeaderBytes);
    if (payload_matches(header, stored, {seed_, offset})) payload = stored;
  }
  return payload;
}

Result<std::optional<FrameHeader>> LogScanner::frame_at(uint64_t offset) {
  CAIRN_TRY_ASSIGN(auto header, header_at(offset));
  if (header) {
    CAIRN_TRY_ASSIGN(const auto payload, payload_at(offset, *header));
    if (!payload) header.reset();
  }
  return header;
}

Result<std::optional<FoundFrame>> LogScanner::find_frame(uint64_t from) {
  uint64_t at = from;
  while (at + kFrameHeaderBytes <= size_) {
    // Zeros, such as reserved space, hold no frame: cross them in one step.
    CAIRN_TRY_ASSIGN(const auto bytes, view(at, kWindowBytes));
    if (bytes.empty()) break;
    const size_t zeros = zeros_at_front(bytes) / kFrameAlignment * kFrameAlignment;
    if (zeros > 0) {
      at += zeros;
      continue;
    }
    CAIRN_TRY_ASSIGN(const auto header, frame_at(at));
    if (header) return std::optional(FoundFrame{*header, at});
    at += kFrameAlignment;
  }
  return std::optional<FoundFrame>();
}

Result<uint64_t> LogScanner::first_nonzero(uint64_t from, uint64_t to) {
  to = std::min(to, size_);
  while (from < to) {
    CAIRN_TRY_ASSIGN(const auto bytes, view(from, std::min(kWindowBytes, to - from)));
    if (bytes.empty()) break;
    const size_t zeros = zeros_at_front(bytes);
    from += zeros;
    if (zeros < bytes.size()) return from;
  }
  return to;
}

Result<uint64_t> LogScanner::length_without_zeros(uint64_t from) {
  uint64_t end = from;
  for (uint64_t at = from; at < size_;) {
    CAIRN_TRY_ASSIGN(const auto bytes, view(at, kWindowBytes));
    if (bytes.empty()) break;
    // Only a window with something in it is searched from its end.
    if (zeros_at_front(bytes) < bytes.size()) {
      size_t used = bytes.size();
      while (bytes[used - 1] == std::byte{0}) --used;
      end = at + used;
    }
    at += bytes.size();
  }
  return end - from;
}

Result<Gap> judge_gap(LogScanner& scanner, uint64_t offset, Lsn expected, Lsn acknowledged) {
  Gap gap;
  uint64_t from = offset;
  while (true) {
    CAIRN_TRY_ASSIGN(const auto found, scanner.find_frame(from));
    if (!found) break;
    if (found->header.first_lsn == expected) return Gap{Gap::Kind::Skip, found};
    if (!gap.next && found->header.first_lsn > expected) gap.next = found;
    // A valid frame right here with another LSN was never left by a crash.
    const bool misplaced = found->offset == offset;
    if (misplaced || found->header.durable_lsn >= expected) {
      return Gap{Gap::Kind::Damage, gap.next};
    }
    from = found->end();
  }
  if (acknowledged >= expected) gap.kind = Gap::Kind::Damage;
  return gap;
}

}  // namespace cairn::log
