#include "model/short_id.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"

namespace cairn::model {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view kPrefix = "issue:";
constexpr std::string_view kBlanks = " \t\r\n";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Letters that people misread are the digits they look like.
char canonical(char c) {
  const char up = upper(c);
  if (up == 'O') return '0';
  if (up == 'I' || up == 'L') return '1';
  return up;
}

}  // namespace

std::string encode_base32(uint32_t number) {
  std::string out;
  do {
    out.push_back(kDigits[number % 32]);
    number /= 32;
  } while (number != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

std::optional<uint32_t> decode_base32(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(canonical(c));
    if (digit == std::string_view::npos) return std::nullopt;
    number = number * 32 + digit;
    if (number > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  }
  return static_cast<uint32_t>(number);
}

std::string format_short_id(std::string_view slug, uint32_t number) {
  std::string id(slug);
  for (char& c : id) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return id + '-' + encode_base32(number);
}

std::string_view strip_issue_prefix(std::string_view text) {
  text = trim(text);
  if (slug_key(text.substr(0, kPrefix.size())) != kPrefix) return text;
  return trim(text.substr(kPrefix.size()));
}

std::optional<ShortIdParts> parse_short_id(std::string_view text) {
  text = strip_issue_prefix(text);
  const size_t separator = text.find_last_of("-_ ");
  if (separator == std::string_view::npos || separator == 0) return std::nullopt;
  const std::optional<uint32_t> number = decode_base32(text.substr(separator + 1));
  if (!number) return std::nullopt;
  return ShortIdParts{slug_key(text.substr(0, separator)), *number};
}

bool valid_slug(std::string_view slug) {
  const auto allowed = [](char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '-'; };
  return !slug.empty() && slug.size() <= kMaxSlugBytes &&
         std::all_of(slug.begin(), slug.end(), allowed) &&
         !std::all_of(slug.begin(), slug.end(), is_digit);
}

std::string slug_key(std::string_view slug) { return lower_ascii(slug); }

bool is_default_slug_form(std::string_view slug) {
  return slug.size() > 1 && lower_ascii(slug[0]) == 'p' &&
         std::all_of(slug.begin() + 1, slug.end(), is_digit);
}

}  // namespace cairn::model
