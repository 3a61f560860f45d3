// SHOP-3K: a project's slug and a number in base 32 over 0123456789ABCDEFGHJKMNPQRSTVWXYZ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::model {

std::string encode_base32(uint32_t number);
// Case-insensitive; O reads as 0, I and L as 1. nullopt: other characters, empty, overflow.
std::optional<uint32_t> decode_base32(std::string_view text);

std::string format_short_id(std::string_view slug, uint32_t number);

struct ShortIdParts {
  std::string slug;  // lower case
  uint32_t number = 0;
};
// Optional "issue:" before; the last '-', '_' or blank separates slug and number.
std::optional<ShortIdParts> parse_short_id(std::string_view text);

}  // namespace cairn::model
