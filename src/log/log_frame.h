// Codec of the log's bytes: file names, file headers and frames, without any I/O.
//
// Frame, little-endian (docs/format.md, section "Log"):
//   magic u32 | header check u32 | checksum u64 | first LSN u64 | durable LSN u64
//   | records u32 | stored bytes u32 | raw bytes u32 | kind u8 | codec u8 | zero u16
//   | stored payload | zeros up to a multiple of 8
// Values only; a codec object is used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "log/log_format.h"

namespace cairn::log {

inline constexpr uint64_t kFileHeaderBytes = 64;
inline constexpr uint64_t kFrameHeaderBytes = 48;
inline constexpr uint64_t kFrameAlignment = 8;

constexpr uint64_t align_frame(uint64_t bytes) {
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// "00000000000000000001.log"
std::string log_file_name(Lsn first_lsn);
// nullopt when it is not the name of a log file.
std::optional<Lsn> parse_log_file_name(std::string_view name);

struct FileHeader {
  uint32_t version = kLogFormatVersion;
  Uuid store_id;
  Lsn first_lsn{};
};

std::array<std::byte, kFileHeaderBytes> encode_file_header(const FileHeader& header);
// nullopt when the magic or the checksum is wrong. The version may be one we do not know.
std::optional<FileHeader> decode_file_header(std::span<const std::byte> bytes);

enum class FrameKind : uint8_t { Data = 1, CloseMark = 2 };
enum class FrameCodec : uint8_t { Raw = 0, Zstd = 1 };

// Where a frame lies. Part of every checksum, so that bytes of another store, another file or
// another place in the file never pass for a frame.
struct FramePlace {
  uint64_t file_seed = 0;  // see file_seed()
  uint64_t offset = 0;
};
uint64_t file_seed(const Uuid& store_id, Lsn file_first_lsn);

struct FrameHeader {
  FrameKind kind = FrameKind::Data;
  FrameCodec codec = FrameCodec::Raw;
  uint32_t count = 0;         // records; 0 in a close mark
  uint32_t stored_bytes = 0;  // payload as it lies in the file
  uint32_t raw_bytes = 0;     // payload decompressed
  Lsn first_lsn{};            // of the first record; in a close mark, of the record to come
  Lsn durable_lsn{};          // known to be synced when this frame was written
  uint64_t checksum = 0;      // over the fields above and the stored payload

  Lsn end_lsn() const { return Lsn{raw(first_lsn) + count}; }  // LSN after the last record
  uint64_t payload_end() const { return kFrameHeaderBytes + stored_bytes; }
  uint64_t frame_bytes() const { return align_frame(payload_end()); }
};

// Checks the magic, the header's own check and every field's range. nullopt: no frame here.
// Precondition: bytes holds at least kFrameHeaderBytes.
std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes,
                                               const FramePlace& place);
// Whether the checksum of a decoded header fits its stored payload.
bool payload_matches(const FrameHeader& header, std::span<const std::byte> stored,
                     const FramePlace& place);

// Builds frames in a buffer it reuses.
class FrameEncoder {
 public:
  // zstd level; 0 stores payloads as they are.
  explicit FrameEncoder(int compression_level);
  ~FrameEncoder();
  FrameEncoder(const FrameEncoder&) = delete;
  FrameEncoder& operator=(const FrameEncoder&) = delete;

  // Takes the payload (empty for a close mark); returns the length of the whole frame. The last
  // `plain_bytes` of it are stored as they are: who knows that they do not compress saves the
  // time, and keeps them from spoiling the statistics of the others.
  Result<uint64_t> set_payload(std::span<const std::byte> payload, size_t plain_bytes = 0);
  // Completes the frame: `header` gives kind, count and LSNs. Valid until the next call.
  std::span<const std::byte> seal(FrameHeader header, const FramePlace& place);

 private:
  struct Compressor;
  // How many bytes of `out` they took; as many as there were when compressing makes them no fewer.
  Result<size_t> compress(std::span<const std::byte> payload, size_t plain_bytes, std::byte* out);

  std::unique_ptr<Compressor> compressor_;  // null: store raw
  std::vector<std::byte> buffer_;
  FrameCodec codec_ = FrameCodec::Raw;
  uint32_t raw_bytes_ = 0;
  uint32_t stored_bytes_ = 0;
};

class FrameDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder();
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  // The payload decompressed, at an address aligned for 8-byte words. Allocates header.raw_bytes
  // at most, and only when the stored bytes announce as much. Errors: Corruption.
  Result<std::vector<std::byte>> decode(const FrameHeader& header,
                                        std::span<const std::byte> stored);

 private:
  struct Decompressor;
  std::unique_ptr<Decompressor> decompressor_;
};

}  // namespace cairn::log
