// Records for tests of the log: payloads that can be told apart, and a way to read them all back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/uuid.h"
#include "log/log_reader.h"

namespace cairn::testing {

inline const std::string kLogDirectory = "store/log";
inline constexpr Uuid kStoreId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

struct LoggedFrame {
  Lsn first_lsn{};
  uint32_t count = 0;
  std::vector<std::byte> payload;
  bool operator==(const LoggedFrame&) const = default;
};

// 1 to max_bytes bytes: half of the payloads compress well, half not at all.
inline std::vector<std::byte> random_payload(std::mt19937_64& random, size_t max_bytes = 300) {
  std::vector<std::byte> payload(1 + random() % max_bytes);
  const bool compressible = random() % 2 == 0;
  const auto fill = static_cast<std::byte>(random());
  for (std::byte& byte : payload) byte = compressible ? fill : static_cast<std::byte>(random());
  return payload;
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// All frames up to the end of the log.
inline Result<std::vector<LoggedFrame>> read_frames(log::LogReader& reader) {
  std::vector<LoggedFrame> frames;
  while (true) {
    CAIRN_TRY_ASSIGN(auto frame, reader.next());
    if (!frame) return frames;
    frames.push_back({frame->first_lsn, frame->count, std::move(frame->payload)});
  }
}

inline Result<std::vector<LoggedFrame>> read_log(FileSystem& files) {
  CAIRN_TRY_ASSIGN(const auto reader, log::LogReader::open(files, kLogDirectory, kStoreId));
  return read_frames(*reader);
}

}  // namespace cairn::testing
