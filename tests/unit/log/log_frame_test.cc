#include "log/log_frame.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;

constexpr FramePlace kPlace{77, 640};

FrameHeader data_header(uint64_t first_lsn, uint32_t count) {
  FrameHeader header;
  header.kind = FrameKind::Data;
  header.count = count;
  header.first_lsn = Lsn{first_lsn};
  header.durable_lsn = Lsn{first_lsn - 1};
  return header;
}

std::vector<std::byte> encode(FrameEncoder& encoder, std::span<const std::byte> payload,
                              const FrameHeader& header, const FramePlace& place = kPlace) {
  const auto size = encoder.set_payload(payload);
  REQUIRE(size.ok());
  const auto frame = encoder.seal(header, place);
  REQUIRE(frame.size() == *size);
  return {frame.begin(), frame.end()};
}

// Whether `frame` is valid at `place`.
bool valid(std::span<const std::byte> frame, const FramePlace& place = kPlace) {
  const auto header = decode_frame_header(frame, place);
  return header && header->payload_end() <= frame.size() &&
         payload_matches(*header, frame.subspan(kFrameHeaderBytes, header->stored_bytes), place);
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes) {
    out += "0123456789abcdef"[static_cast<size_t>(b >> 4)];
    out += "0123456789abcdef"[static_cast<size_t>(b & std::byte{15})];
  }
  return out;
}

// A change here is a change of format: docs/format.md and kLogFormatVersion go with it.
TEST_CASE("format version 1, byte by byte") {
  CHECK(hex(encode_file_header({1, testing::kStoreId, Lsn{7}})) ==
        "434149524e4c4f47"  // magic
        "0100000000000000"  // version, zero
        "0102030405060708090a0b0c0d0e0f10"
        "0700000000000000"  // first LSN
        "00000000000000000000000000000000"
        "1a53ae040804fcc5");
  FrameEncoder encoder(0);
  FrameHeader header = data_header(8, 3);
  header.durable_lsn = Lsn{6};
  CHECK(hex(encode(encoder, bytes_of("stone"), header,
                   {file_seed(testing::kStoreId, Lsn{7}), kFileHeaderBytes})) ==
        "4352464dca05eb03"  // magic, header check
        "4335b26a34ae5eb6"  // checksum
        "0800000000000000"  // first LSN
        "0600000000000000"  // durable LSN
        "0300000005000000"  // records, stored bytes
        "0500000001000000"  // raw bytes, kind, codec, zero
        "73746f6e65000000");
}

TEST_CASE("log file names are 20 digits and sort like LSNs") {
  CHECK(log_file_name(Lsn{1}) == "00000000000000000001.log");
  CHECK(log_file_name(Lsn{~0ull}) == "18446744073709551615.log");
  CHECK(parse_log_file_name("00000000000000000042.log") == Lsn{42});
  for (const char* other : {"", "42.log", "00000000000000000000.log", "0000000000000000004x.log",
                            "99999999999999999999.log", "00000000000000000042.log.new",
                            "00000000000000000042.txt", "-0000000000000000042.log"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_log_file_name(other));
  }
}

TEST_CASE("a file header survives the round trip and notices any flipped bit") {
  const FileHeader header{kLogFormatVersion, testing::kStoreId, Lsn{123}};
  auto bytes = encode_file_header(header);
  const auto decoded = decode_file_header(bytes);
  REQUIRE(decoded);
  CHECK(decoded->version == kLogFormatVersion);
  CHECK(decoded->store_id == testing::kStoreId);
  CHECK(decoded->first_lsn == Lsn{123});
  CHECK_FALSE(decode_file_header(std::span(bytes).first(kFileHeaderBytes - 1)));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    CHECK_FALSE(decode_file_header(bytes));
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

TEST_CASE("frames survive the round trip, raw and compressed") {
  const int level = GENERATE(0, 1, 3);
  FrameEncoder encoder(level);
  FrameDecoder decoder;
  std::mt19937_64 random(7);
  for (size_t size : {1, 7, 8, 9, 48, 400, 65536, 1 << 20}) {
    for (const bool compressible : {true, false}) {
      CAPTURE(level, size, compressible);
      std::vector<std::byte> payload(size);
      for (std::byte& b : payload) b = static_cast<std::byte>(compressible ? 65 : random());
      const auto frame = encode(encoder, payload, data_header(10, 3));
      CHECK(frame.size() % kFrameAlignment == 0);
      const auto header = decode_frame_header(frame, kPlace);
      REQUIRE(header);
      CHECK(header->first_lsn == Lsn{10});
      CHECK(header->durable_lsn == Lsn{9});
      CHECK(header->end_lsn() == Lsn{13});
      CHECK(header->raw_bytes == size);
      CHECK(header->frame_bytes() == frame.size());
      if (level > 0 && compressible && size >= 48) CHECK(header->stored_bytes < size);
      if (level == 0 || !compressible) CHECK(header->codec == FrameCodec::Raw);
      const auto stored = std::span(frame).subspan(kFrameHeaderBytes, header->stored_bytes);
      CHECK(payload_matches(*header, stored, kPlace));
      const auto decoded = decoder.decode(*header, stored);
      REQUIRE(decoded.ok());
      CHECK(*decoded == payload);
      CHECK(reinterpret_cast<uintptr_t>(decoded->data()) % 8 == 0);
    }
  }
}

TEST_CASE("the plain end of a payload is stored as it is") {
  FrameEncoder encoder(1);
  FrameDecoder decoder;
  std::mt19937_64 random(8);
  std::vector<std::byte> payload(10'000, std::byte{'t'});
  for (size_t i = 9'000; i < payload.size(); ++i) payload[i] = static_cast<std::byte>(random());
  for (const size_t plain : {0u, 1u, 1000u, 5000u, 10'000u}) {
    CAPTURE(plain);
    REQUIRE(encoder.set_payload(payload, plain).ok());
    const auto sealed = encoder.seal(data_header(10, 3), kPlace);
    std::vector<std::byte> frame(sealed.begin(), sealed.end());
    const auto header = decode_frame_header(frame, kPlace);
    REQUIRE(header);
    CHECK((header->codec == FrameCodec::Raw) == (plain == 10'000));
    auto stored = std::span(frame).subspan(kFrameHeaderBytes, header->stored_bytes);
    CHECK(decoder.decode(*header, stored).value() == payload);
    if (header->codec == FrameCodec::Raw) continue;
    CHECK(header->stored_bytes >= plain);
    // Whatever length the plain part claims to have: the payload, or Corruption.
    for (const uint32_t claimed : {0u, 1u, 999u, 1001u, 9'999u, 10'001u, ~0u}) {
      if (claimed == plain) continue;
      std::memcpy(&stored[stored.size() - 4], &claimed, 4);
      const auto decoded = decoder.decode(*header, stored);
      REQUIRE_FALSE(decoded.ok());
      CHECK(decoded.error().code == ErrorCode::Corruption);
    }
    CHECK(decoder.decode(*header, stored.first(3)).error().code == ErrorCode::Corruption);
  }
}

TEST_CASE("a frame is valid only in its own store, file and place") {
  FrameEncoder encoder(1);
  const auto frame = encode(encoder, bytes_of("payload"), data_header(1, 1));
  CHECK(valid(frame));
  CHECK_FALSE(valid(frame, {kPlace.file_seed + 1, kPlace.offset}));
  CHECK_FALSE(valid(frame, {kPlace.file_seed, kPlace.offset + 8}));
  CHECK(file_seed(testing::kStoreId, Lsn{1}) != file_seed(testing::kStoreId, Lsn{2}));
  CHECK(file_seed(testing::kStoreId, Lsn{1}) != file_seed(Uuid{}, Lsn{1}));
}

TEST_CASE("every flipped bit of header and payload makes a frame invalid") {
  FrameEncoder encoder(GENERATE(0, 1));
  const std::vector<std::byte> payload(67, std::byte{'x'});
  auto frame = encode(encoder, payload, data_header(5, 2));
  const auto header = decode_frame_header(frame, kPlace);
  REQUIRE(header);
  for (size_t bit = 0; bit < header->payload_end() * 8; ++bit) {
    CAPTURE(bit);
    frame[bit / 8] ^= std::byte{1} << (bit % 8);
    CHECK_FALSE(valid(frame));
    frame[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  const auto padding = std::span(frame).subspan(header->payload_end());
  CHECK(std::ranges::all_of(padding, [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("a payload over the limit is refused, the limit itself is not") {
  FrameEncoder encoder(0);
  std::vector<std::byte> payload(kMaxFramePayloadBytes + 1);
  const auto refused = encoder.set_payload(payload);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::InvalidArgument);
  CHECK(refused.error().message.find("67108864") != std::string::npos);
  payload.resize(kMaxFramePayloadBytes);
  CHECK(encoder.set_payload(payload).ok());
}

TEST_CASE("a length that the compressed bytes do not have allocates nothing") {
  FrameEncoder encoder(1);
  FrameDecoder decoder;
  const std::vector<std::byte> payload(1000, std::byte{'x'});
  const auto frame = encode(encoder, payload, data_header(5, 2));
  auto header = decode_frame_header(frame, kPlace);
  REQUIRE(header);
  const auto stored = std::span(frame).subspan(kFrameHeaderBytes, header->stored_bytes);
  header->raw_bytes = kMaxFramePayloadBytes;
  CHECK(decoder.decode(*header, stored).error().code == ErrorCode::Corruption);
  header->raw_bytes = 1000;
  CHECK(decoder.decode(*header, stored.first(stored.size() - 3)).error().code ==
        ErrorCode::Corruption);
}

TEST_CASE("a close mark is a frame without payload") {
  FrameEncoder encoder(1);
  FrameHeader mark;
  mark.kind = FrameKind::CloseMark;
  mark.first_lsn = Lsn{8};
  mark.durable_lsn = Lsn{7};
  const auto frame = encode(encoder, {}, mark);
  CHECK(frame.size() == kFrameHeaderBytes);
  CHECK(valid(frame));
  // Fields out of range make a frame invalid even when its checksums hold.
  mark.count = 1;
  CHECK_FALSE(valid(encode(encoder, {}, mark)));
  CHECK_FALSE(valid(encode(encoder, {}, data_header(5, 2))));
  CHECK_FALSE(valid(encode(encoder, bytes_of("x"), data_header(5, 0))));
  auto durable_too_far = data_header(5, 1);
  durable_too_far.durable_lsn = Lsn{5};
  CHECK_FALSE(valid(encode(encoder, bytes_of("x"), durable_too_far)));
}

}  // namespace
}  // namespace cairn::log
