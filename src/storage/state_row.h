// What the rows of the checkpoint's tables have in common: a version before, a checksum behind. For
// the codecs alone.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/hash.h"
#include "base/result.h"
#include "storage/coding.h"

namespace cairn::storage {

inline constexpr uint8_t kRowVersion = 1;

// Kinds of rows, part of the checksum's seed.
enum class Row : uint8_t {
  Project = 1,
  Type,
  Group,
  Fingerprint,
  Registry,
  Meta,
  Care,
  Held,
  Release,
  Experiment
};

inline uint64_t checksum(std::string_view bytes, Row kind, uint64_t id) {
  return hash64(bytes, id << 8 | static_cast<uint8_t>(kind));
}

inline RowWriter begin_row() {
  RowWriter row;
  row.integer(kRowVersion);
  return row;
}

inline std::string end_row(RowWriter&& row, Row kind, uint64_t id) {
  row.integer(checksum(row.bytes(), kind, id));
  return row.bytes();
}

// The row between version and checksum; nullopt when these two are wrong.
inline std::optional<RowReader> open_row(std::span<const std::byte> row, Row kind, uint64_t id) {
  if (row.size() < sizeof(kRowVersion) + sizeof(uint64_t)) return std::nullopt;
  const auto body = row.first(row.size() - sizeof(uint64_t));
  if (load_le<uint64_t>(row.data() + body.size()) != checksum(as_chars(body), kind, id)) {
    return std::nullopt;
  }
  RowReader reader(body);
  if (reader.integer<uint8_t>() != kRowVersion) return std::nullopt;
  return reader;
}

inline Error damaged_row(std::string_view what, uint64_t id) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("checkpoint: the row of {} {} is damaged; rebuild the index from "
                                "the log",
                                what, id));
}

// Of entries of at least `bytes` each; 0, and the row is no good, when it cannot hold as many.
inline uint32_t read_count(RowReader& row, size_t bytes) {
  const auto count = row.integer<uint32_t>();
  if (count <= row.remaining() / bytes) return count;
  row.fail();
  return 0;
}

// Reads an enumerator; false in `valid` when it is above the last one.
template <class E>
E read_enum(RowReader& row, E last, bool& valid) {
  const auto value = row.integer<std::underlying_type_t<E>>();
  if (value > raw(last)) valid = false;
  return static_cast<E>(value);
}

}  // namespace cairn::storage
