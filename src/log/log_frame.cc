#include "log/log_frame.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/hash.h"

namespace cairn::log {
namespace {

constexpr std::string_view kFileMagic = "CAIRNLOG";
constexpr uint32_t kFrameMagic = 0x4D465243;  // "CRFM"
constexpr std::string_view kFileSuffix = ".log";
constexpr size_t kNameDigits = 20;

// Offsets in a file header.
constexpr size_t kVersionAt = 8;
constexpr size_t kStoreIdAt = 16;
constexpr size_t kFileFirstLsnAt = 32;
constexpr size_t kFileChecksumAt = 56;

// Offsets in a frame header; the check covers everything behind it, the checksum likewise.
constexpr size_t kMagicAt = 0;
constexpr size_t kCheckAt = 4;
constexpr size_t kChecksumAt = 8;
constexpr size_t kFirstLsnAt = 16;
constexpr size_t kDurableLsnAt = 24;
constexpr size_t kCountAt = 32;
constexpr size_t kStoredBytesAt = 36;
constexpr size_t kRawBytesAt = 40;
constexpr size_t kKindAt = 44;
constexpr size_t kCodecAt = 45;
constexpr size_t kReservedAt = 46;

static_assert(sizeof(Uuid::bytes) == kFileFirstLsnAt - kStoreIdAt);
static_assert(kFileChecksumAt + 8 == kFileHeaderBytes);
static_assert(kReservedAt + 2 == kFrameHeaderBytes);

template <class T>
void put(std::span<std::byte> out, size_t at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[at + i] = static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * i));
  }
}

template <class T>
T get(std::span<const std::byte> in, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<uint64_t>(in[at + i]) << (8 * i);
  }
  return static_cast<T>(value);
}

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  return hash64(as_chars(bytes), seed);
}

uint64_t frame_checksum(std::span<const std::byte> header, std::span<const std::byte> stored,
                        const FramePlace& place) {
  const auto fields = header.subspan(kFirstLsnAt, kFrameHeaderBytes - kFirstLsnAt);
  return hash_bytes(stored, hash_bytes(fields, place.file_seed + place.offset));
}

uint32_t header_check(std::span<const std::byte> header, const FramePlace& place) {
  const auto covered = header.subspan(kChecksumAt, kFrameHeaderBytes - kChecksumAt);
  return static_cast<uint32_t>(hash_bytes(covered, place.file_seed + place.offset));
}

// All fields except magic, check and checksum.
void put_fields(std::span<std::byte> out, const FrameHeader& header) {
  put(out, kFirstLsnAt, raw(header.first_lsn));
  put(out, kDurableLsnAt, raw(header.durable_lsn));
  put(out, kCountAt, header.count);
  put(out, kStoredBytesAt, header.stored_bytes);
  put(out, kRawBytesAt, header.raw_bytes);
  put(out, kKindAt, static_cast<uint8_t>(header.kind));
  put(out, kCodecAt, static_cast<uint8_t>(header.codec));
  put(out, kReservedAt, uint16_t{0});
}

// The ranges that every frame of this format version keeps.
bool fields_in_range(const FrameHeader& header) {
  const uint64_t first = raw(header.first_lsn);
  if (first == 0 || first + header.count < first || header.durable_lsn >= header.first_lsn) {
    return false;
  }
  if (header.kind == FrameKind::CloseMark) {
    return header.count == 0 && header.stored_bytes == 0 && header.raw_bytes == 0 &&
           header.codec == FrameCodec::Raw;
  }
  if (header.kind != FrameKind::Data || header.count == 0) return false;
  if (header.raw_bytes == 0 || header.raw_bytes > kMaxFramePayloadBytes) return false;
  if (header.codec == FrameCodec::Raw) return header.stored_bytes == header.raw_bytes;
  return header.codec == FrameCodec::Zstd && header.stored_bytes < header.raw_bytes;
}

}  // namespace

std::string log_file_name(Lsn first_lsn) {
  return fmt::format("{:020}{}", raw(first_lsn), kFileSuffix);
}

std::optional<Lsn> parse_log_file_name(std::string_view name) {
  if (name.size() != kNameDigits + kFileSuffix.size() || !name.ends_with(kFileSuffix)) {
    return std::nullopt;
  }
  const char* end = name.data() + kNameDigits;
  uint64_t lsn = 0;
  const auto parsed = std::from_chars(name.data(), end, lsn);
  if (parsed.ec != std::errc{} || parsed.ptr != end || lsn == 0) return std::nullopt;
  return Lsn{lsn};
}

std::array<std::byte, kFileHeaderBytes> encode_file_header(const FileHeader& header) {
  std::array<std::byte, kFileHeaderBytes> out{};
  std::memcpy(out.data(), kFileMagic.data(), kFileMagic.size());
  put(std::span(out), kVersionAt, header.version);
  std::memcpy(out.data() + kStoreIdAt, header.store_id.bytes.data(), header.store_id.bytes.size());
  put(std::span(out), kFileFirstLsnAt, raw(header.first_lsn));
  put(std::span(out), kFileChecksumAt, hash_bytes(std::span(out).first(kFileChecksumAt), 0));
  return out;
}

std::optional<FileHeader> decode_file_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kFileHeaderBytes) return std::nullopt;
  if (std::memcmp(bytes.data(), kFileMagic.data(), kFileMagic.size()) != 0) return std::nullopt;
  const auto checksum = get<uint64_t>(bytes, kFileChecksumAt);
  if (checksum != hash_bytes(bytes.first(kFileChecksumAt), 0)) return std::nullopt;
  FileHeader header;
  header.version = get<uint32_t>(bytes, kVersionAt);
  std::memcpy(header.store_id.bytes.data(), bytes.data() + kStoreIdAt,
              header.store_id.bytes.size());
  header.first_lsn = Lsn{get<uint64_t>(bytes, kFileFirstLsnAt)};
  return header;
}

uint64_t file_seed(const Uuid& store_id, Lsn file_first_lsn) {
  return hash_bytes(std::as_bytes(std::span(store_id.bytes)), raw(file_first_lsn));
}

std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes,
                                               const FramePlace& place) {
  if (get<uint32_t>(bytes, kMagicAt) != kFrameMagic) return std::nullopt;
  if (get<uint32_t>(bytes, kCheckAt) != header_check(bytes, place)) return std::nullopt;
  if (get<uint16_t>(bytes, kReservedAt) != 0) return std::nullopt;
  FrameHeader header;
  header.kind = static_cast<FrameKind>(get<uint8_t>(bytes, kKindAt));
  header.codec = static_cast<FrameCodec>(get<uint8_t>(bytes, kCodecAt));
  header.count = get<uint32_t>(bytes, kCountAt);
  header.stored_bytes = get<uint32_t>(bytes, kStoredBytesAt);
  header.raw_bytes = get<uint32_t>(bytes, kRawBytesAt);
  header.first_lsn = Lsn{get<uint64_t>(bytes, kFirstLsnAt)};
  header.durable_lsn = Lsn{get<uint64_t>(bytes, kDurableLsnAt)};
  header.checksum = get<uint64_t>(bytes, kChecksumAt);
  if (!fields_in_range(header)) return std::nullopt;
  return header;
}

bool payload_matches(const FrameHeader& header, std::span<const std::byte> stored,
                     const FramePlace& place) {
  if (stored.size() != header.stored_bytes) return false;
  std::array<std::byte, kFrameHeaderBytes> fields{};
  put_fields(fields, header);
  return frame_checksum(fields, stored, place) == header.checksum;
}

struct FrameEncoder::Compressor {
  explicit Compressor(int compression_level)
      : level(compression_level), context(ZSTD_createCCtx()) {
    if (context == nullptr) throw std::bad_alloc();
  }
  ~Compressor() { ZSTD_freeCCtx(context); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  int level;
  ZSTD_CCtx* context;
};

FrameEncoder::FrameEncoder(int compression_level)
    : compressor_(compression_level == 0 ? nullptr
                                         : std::make_unique<Compressor>(compression_level)) {}

FrameEncoder::~FrameEncoder() = default;

// Stored bytes of codec Zstd: the compressed part, the plain part, and the plain part's length.
Result<size_t> FrameEncoder::compress(std::span<const std::byte> payload, size_t plain_bytes,
                                      std::byte* out) {
  const auto text = payload.first(payload.size() - plain_bytes);
  const size_t size = ZSTD_compressCCtx(compressor_->context, out, ZSTD_compressBound(text.size()),
                                        text.data(), text.size(), compressor_->level);
  if (ZSTD_isError(size)) {
    return make_error(ErrorCode::Internal,
                      fmt::format("cannot compress a frame: {}", ZSTD_getErrorName(size)));
  }
  const size_t stored = size + plain_bytes + sizeof(uint32_t);
  if (stored >= payload.size()) return payload.size();
  const auto plain = payload.last(plain_bytes);
  if (!plain.empty()) std::memcpy(out + size, plain.data(), plain.size());
  put(std::span(out + size + plain_bytes, sizeof(uint32_t)), 0, static_cast<uint32_t>(plain_bytes));
  return stored;
}

Result<uint64_t> FrameEncoder::set_payload(std::span<const std::byte> payload, size_t plain_bytes) {
  CAIRN_ASSERT(plain_bytes <= payload.size());
  if (payload.size() > kMaxFramePayloadBytes) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("a frame of {} bytes is over the limit of {} bytes",
                                  payload.size(), kMaxFramePayloadBytes));
  }
  const size_t bound = ZSTD_compressBound(payload.size()) + sizeof(uint32_t);
  const size_t needed = kFrameHeaderBytes + bound + kFrameAlignment;
  if (buffer_.size() < needed) buffer_.resize(needed);

  raw_bytes_ = stored_bytes_ = static_cast<uint32_t>(payload.size());
  codec_ = FrameCodec::Raw;
  std::byte* const out = buffer_.data() + kFrameHeaderBytes;
  if (compressor_ != nullptr && !payload.empty()) {
    CAIRN_TRY_ASSIGN(const size_t size, compress(payload, plain_bytes, out));
    if (size < payload.size()) {
      codec_ = FrameCodec::Zstd;
      stored_bytes_ = static_cast<uint32_t>(size);
    }
  }
  if (codec_ == FrameCodec::Raw && !payload.empty()) {
    std::memcpy(out, payload.data(), payload.size());
  }
  std::memset(out + stored_bytes_, 0, kFrameAlignment);
  return align_frame(kFrameHeaderBytes + stored_bytes_);
}

std::span<const std::byte> FrameEncoder::seal(FrameHeader header, const FramePlace& place) {
  header.codec = codec_;
  header.stored_bytes = stored_bytes_;
  header.raw_bytes = raw_bytes_;
  const std::span<std::byte> frame(buffer_.data(), header.frame_bytes());
  put_fields(frame, header);
  const auto stored = frame.subspan(kFrameHeaderBytes, stored_bytes_);
  put(frame, kChecksumAt, frame_checksum(frame, stored, place));
  put(frame, kCheckAt, header_check(frame, place));
  put(frame, kMagicAt, kFrameMagic);
  return frame;
}

struct FrameDecoder::Decompressor {
  Decompressor() : context(ZSTD_createDCtx()) {
    if (context == nullptr) throw std::bad_alloc();
  }
  ~Decompressor() { ZSTD_freeDCtx(context); }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  ZSTD_DCtx* context;
};

FrameDecoder::FrameDecoder() : decompressor_(std::make_unique<Decompressor>()) {}
FrameDecoder::~FrameDecoder() = default;

Result<std::vector<std::byte>> FrameDecoder::decode(const FrameHeader& header,
                                                    std::span<const std::byte> stored) {
  if (header.codec == FrameCodec::Raw) return std::vector<std::byte>(stored.begin(), stored.end());
  const auto wrong = [](std::string_view what) {
    return make_error(ErrorCode::Corruption, fmt::format("the compressed payload {}", what));
  };
  if (stored.size() < sizeof(uint32_t)) return wrong("is too short");
  const auto plain_bytes = get<uint32_t>(stored, stored.size() - sizeof(uint32_t));
  stored = stored.first(stored.size() - sizeof(uint32_t));
  if (plain_bytes > stored.size() || plain_bytes > header.raw_bytes) {
    return wrong("has a plain part that is longer than all of it");
  }
  const auto plain = stored.last(plain_bytes);
  const auto compressed = stored.first(stored.size() - plain_bytes);
  const size_t text_bytes = header.raw_bytes - plain_bytes;
  if (ZSTD_getFrameContentSize(compressed.data(), compressed.size()) != text_bytes) {
    return wrong("does not have the length its frame header names");
  }
  std::vector<std::byte> payload(header.raw_bytes);
  const size_t size = ZSTD_decompressDCtx(decompressor_->context, payload.data(), text_bytes,
                                          compressed.data(), compressed.size());
  if (ZSTD_isError(size) || size != text_bytes) {
    return wrong(fmt::format("cannot be decompressed: {}",
                             ZSTD_isError(size) ? ZSTD_getErrorName(size) : "too short"));
  }
  if (!plain.empty()) std::memcpy(payload.data() + text_bytes, plain.data(), plain.size());
  return payload;
}

}  // namespace cairn::log
