// SHOP-3K: a project's slug and a number in base 32 over 0123456789ABCDEFGHJKMNPQRSTVWXYZ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::model {

std::string encode_base32(uint32_t number);
// Case-insensitive; O reads as 0, I and L as 1. nullopt: other characters, empty, overflow.
std::optional<uint32_t> decode_base32(std::string_view text);

// In capitals, whatever the slug's case: SHOP-3K for slug "shop".
std::string format_short_id(std::string_view slug, uint32_t number);

struct ShortIdParts {
  std::string slug;  // lower case
  uint32_t number = 0;
};
// Optional "issue:" before; the last '-', '_' or blank separates slug and number. The slug may hold
// separators of its own. nullopt: no separator, nothing before it, or no number after it.
std::optional<ShortIdParts> parse_short_id(std::string_view text);

// Without blanks around it and without an "issue:" before it.
std::string_view strip_issue_prefix(std::string_view text);

inline constexpr size_t kMaxSlugBytes = 50;
// 1 to 50 characters of A-Z a-z 0-9 _ -, not digits alone (those would read as group ids).
bool valid_slug(std::string_view slug);
// Slugs compare without regard to case: the form they are compared in.
std::string slug_key(std::string_view slug);
// "P" and digits, in any case: what projects are called until somebody names them.
bool is_default_slug_form(std::string_view slug);

}  // namespace cairn::model
