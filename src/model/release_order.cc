#include "model/release_order.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace cairn::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_small_letter(c) || (c >= 'A' && c <= 'Z'); }
bool is_identifier_byte(char c) { return is_digit(c) || is_letter(c) || c == '-'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Only those of digits alone can be taken for versions.
bool may_be_hash(std::string_view text) {
  constexpr std::array<size_t, 6> kLengths = {12, 16, 20, 32, 40, 64};
  return std::find(kLengths.begin(), kLengths.end(), text.size()) != kLengths.end() &&
         std::all_of(text.begin(), text.end(), is_digit);
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_identifier_byte);
}

bool is_prerelease_identifier(std::string_view text) {
  if (!is_identifier(text)) return false;
  return text == "0" || text.front() != '0' || !std::all_of(text.begin(), text.end(), is_digit);
}

// Whether text is identifiers with dots between them.
template <class IsIdentifier>
bool are_dotted(std::string_view text, IsIdentifier&& is_one) {
  for (;;) {
    const size_t dot = text.find('.');
    if (!is_one(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Takes the digits at the front of text. nullopt: there are none, or too many.
std::optional<uint64_t> take_number(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  uint64_t number = 0;
  while (!text.empty() && is_digit(text.front())) {
    const uint64_t digit = static_cast<uint64_t>(text.front() - '0');
    if (number > (kMaxVersionNumber - digit) / 10) return std::nullopt;
    number = number * 10 + digit;
    text.remove_prefix(1);
  }
  return number;
}

// Takes up to four numbers with dots between them; returns how many, 0 when one is not to be had.
size_t take_numbers(std::string_view& text, ReleaseVersion& out) {
  uint64_t* const slots[] = {&out.major, &out.minor, &out.patch, &out.revision};
  size_t taken = 0;
  for (uint64_t* slot : slots) {
    if (taken > 0) {
      if (text.empty() || text.front() != '.') break;
      text.remove_prefix(1);
    }
    const std::optional<uint64_t> number = take_number(text);
    if (!number) return 0;
    *slot = *number;
    ++taken;
  }
  return taken;
}

// What stands between the numbers and the build, if anything. `numbers`: how many there are.
bool read_prerelease(std::string_view text, size_t numbers, ReleaseVersion& out) {
  if (text.empty()) return true;
  if (text.front() == '-') {
    out.prerelease = text.substr(1);
    return are_dotted(out.prerelease, is_prerelease_identifier);
  }
  if (numbers < 2 || !is_small_letter(text.front())) return false;
  out.prerelease = text;
  // The letter stands for the dash: it may be followed by nothing, or by identifiers of their own.
  const std::string_view rest = text.substr(1);
  const bool letter_alone = rest.empty() || rest.front() == '.';
  const std::string_view identifiers = letter_alone ? text : rest;
  return are_dotted(identifiers, is_prerelease_identifier);
}

struct Parsed {
  ReleaseVersion version;
  size_t numbers = 0;
};

std::optional<Parsed> parse_numbers(std::string_view text) {
  if (may_be_hash(text)) return std::nullopt;
  Parsed parsed;
  if (const size_t plus = text.find('+'); plus != std::string_view::npos) {
    parsed.version.build = text.substr(plus + 1);
    if (!are_dotted(parsed.version.build, is_identifier)) return std::nullopt;
    text = text.substr(0, plus);
  }
  parsed.numbers = take_numbers(text, parsed.version);
  if (parsed.numbers == 0) return std::nullopt;
  if (!read_prerelease(text, parsed.numbers, parsed.version)) return std::nullopt;
  return parsed;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<ReleaseVersion> parse_version(std::string_view text) {
  const std::optional<Parsed> parsed = parse_numbers(without_blanks(text));
  if (!parsed) return std::nullopt;
  return parsed->version;
}

std::optional<ReleaseVersion> parse_release(std::string_view name) {
  name = without_blanks(name);
  const size_t at = name.rfind('@');
  if (at == std::string_view::npos) {
    const std::optional<Parsed> parsed = parse_numbers(name);
    if (!parsed || parsed->numbers < 2) return std::nullopt;
    return parsed->version;
  }
  const std::string_view package = name.substr(0, at);
  // One may begin with an @, as npm's do.
  const std::string_view word = package.substr(package.starts_with('@') ? 1 : 0);
  if (word.empty() || word.find('@') != std::string_view::npos) return std::nullopt;
  std::optional<Parsed> parsed = parse_numbers(name.substr(at + 1));
  if (!parsed) return std::nullopt;
  parsed->version.package = package;
  return parsed->version;
}

std::weak_ordering compare(const ReleaseVersion& a, const ReleaseVersion& b) {
  const auto key = [](const ReleaseVersion& v) {
    return std::make_tuple(v.major, v.minor, v.patch, v.revision, v.prerelease.empty(),
                           v.prerelease);
  };
  return key(a) <=> key(b);
}

bool names_versions(std::span<const std::string_view> newest_first) {
  constexpr size_t kVeryFew = 2;
  constexpr size_t kNewest = 3;
  constexpr size_t kEnough = 3;
  if (newest_first.empty()) return false;
  const auto is_version = [](std::string_view name) { return parse_release(name).has_value(); };
  if (newest_first.size() <= kVeryFew) return is_version(newest_first.front());
  const auto newest = newest_first.first(kNewest);
  if (std::none_of(newest.begin(), newest.end(), is_version)) return false;
  if (newest_first.size() < kSchemeReleases) return true;
  const auto all = newest_first.first(kSchemeReleases);
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), is_version)) >= kEnough;
}

bool follows_semver(std::span<const std::string_view> newest_first, std::string_view release) {
  return parse_release(release).has_value() && names_versions(newest_first);
}

}  // namespace cairn::model
