// Values of the index that carry a checksum: XXH3 of the rest, seeded with XXH3 of their key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "storage/coding.h"

namespace cairn::storage {

inline std::string sealed(std::string bytes, std::string_view key) {
  const uint64_t check = hash64(bytes, hash64(key));
  return bytes.append(reinterpret_cast<const char*>(&check), sizeof check);
}

// Without the checksum; nullopt when that is wrong.
inline std::optional<std::span<const std::byte>> unsealed(std::span<const std::byte> value,
                                                          std::string_view key) {
  if (value.size() < sizeof(uint64_t)) return std::nullopt;
  const auto body = value.first(value.size() - sizeof(uint64_t));
  const uint64_t check = hash64(as_chars(body), hash64(key));
  if (load_le<uint64_t>(value.data() + body.size()) != check) return std::nullopt;
  return body;
}

}  // namespace cairn::storage
