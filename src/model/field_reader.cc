#include "model/field_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "model/json_scalar.h"
#include "model/occurrence.h"

namespace cairn::model {

std::optional<std::string_view> NameSet::duplicate() {
  // Objects are small: comparing all pairs beats sorting up to here.
  constexpr size_t kPairs = 24;
  if (names_.size() > kPairs) {
    std::sort(names_.begin(), names_.end());
    const auto twice = std::adjacent_find(names_.begin(), names_.end());
    return twice == names_.end() ? std::nullopt : std::optional(twice->text);
  }
  for (size_t i = 1; i < names_.size(); ++i) {
    for (size_t j = 0; j < i; ++j)
      if (names_[i] == names_[j]) return names_[i].text;
  }
  return std::nullopt;
}

JsonValue find_member(JsonValue object, std::string_view name) {
  for (JsonValue key = object.first(); key; key = key.next().next()) {
    if (!key.escaped()) {
      if (key.content() == name) return key.next();
      continue;
    }
    std::string decoded;
    append_unescaped(decoded, key.content());
    if (decoded == name) return key.next();
  }
  return {};
}

std::string show(JsonValue value) {
  const std::string_view raw = value.raw();
  if (value.kind() == JsonKind::Array || value.kind() == JsonKind::Object)
    return std::string(json_kind_name(value.kind()));
  if (raw.size() <= 60) return std::string(raw);
  size_t end = 57;
  while ((static_cast<unsigned char>(raw[end]) & 0xC0) == 0x80) --end;
  return std::string(raw.substr(0, end)) + "...";
}

bool FieldReader::fail(std::string_view name, std::string_view message, JsonValue at) {
  error_ = make_error(ErrorCode::InvalidArgument, fmt::format("{}: {}", name, message));
  if (at) error_.position = at.position();
  return false;
}

bool FieldReader::expected(std::string_view name, std::string_view what, JsonValue got) {
  return fail(name, fmt::format("expected {}, got {}", what, json_kind_name(got.kind())), got);
}

bool FieldReader::missing(std::string_view name, std::string_view what) {
  return fail(name, fmt::format("missing, expected {}", what));
}

bool FieldReader::kind(std::string_view name, JsonValue value, JsonKind kind,
                       std::string_view what) {
  if (!value) return missing(name, what);
  return value.kind() == kind || expected(name, what, value);
}

bool FieldReader::string(std::string_view name, JsonValue value, std::string& out) {
  if (!kind(name, value, JsonKind::String, "a string")) return false;
  if (!value.escaped()) {
    out.assign(value.content());
    return true;
  }
  out.clear();
  if (append_unescaped(out, value.content())) return true;
  return fail(name, "holds half of a surrogate pair (\\ud800 to \\udfff), which is no character",
              value);
}

bool FieldReader::text(std::string_view name, JsonValue value, size_t max_bytes,
                       std::optional<std::string>& out) {
  if (is_absent(value)) return true;
  if (value.kind() != JsonKind::String) return expected(name, "a string or null", value);
  if (!string(name, value, out.emplace())) return false;
  if (out->size() <= max_bytes) return true;
  return fail(name, fmt::format("{} bytes, the limit is {}", out->size(), max_bytes), value);
}

bool FieldReader::integer(std::string_view name, JsonValue value, int64_t low, int64_t high,
                          int64_t& out) {
  if (!kind(name, value, JsonKind::Number, "an integer")) return false;
  const auto number = json_integer(value.raw());
  if (!number || *number < low || *number > high) {
    const std::string range = high == std::numeric_limits<int64_t>::max()
                                  ? fmt::format("{} or more", low)
                                  : fmt::format("{} to {}", low, high);
    return fail(name, fmt::format("expected an integer, {}, got {}", range, show(value)), value);
  }
  out = *number;
  return true;
}

bool FieldReader::project(std::string_view name, JsonValue value, ProjectId& out) {
  int64_t number = 0;
  if (!integer(name, value, 1, std::numeric_limits<int64_t>::max(), number)) return false;
  out = ProjectId{static_cast<uint64_t>(number)};
  return true;
}

bool FieldReader::seconds(std::string_view name, JsonValue value, double& out) {
  if (!kind(name, value, JsonKind::Number, "a number of seconds since 1970")) return false;
  const auto number = json_double(value.raw());
  if (!number || !(*number >= 0) || !(*number < kMaxEpochSeconds)) {
    return fail(
        name, fmt::format("expected seconds since 1970, up to the year 9999, got {}", show(value)),
        value);
  }
  out = *number;
  return true;
}

bool FieldReader::uuid(std::string_view name, JsonValue value, std::optional<Uuid>& out) {
  if (is_absent(value)) return true;
  if (value.kind() != JsonKind::String) return expected(name, "a UUID", value);
  if (value.escaped()) {
    std::string decoded;
    if (!string(name, value, decoded)) return false;
    out = parse_uuid(decoded);
  } else {
    out = parse_uuid(value.content());
  }
  return out || fail(name, fmt::format("expected a UUID, got {}", show(value)), value);
}

bool FieldReader::strings(std::string_view name, JsonValue value, size_t max_entries,
                          std::vector<std::string>& out) {
  if (!kind(name, value, JsonKind::Array, "an array of strings")) return false;
  for (JsonValue entry = value.first(); entry; entry = entry.next()) {
    if (out.size() == max_entries)
      return fail(name, fmt::format("more than {} entries", max_entries), entry);
    if (entry.kind() != JsonKind::String)
      return expected(name, "an array of strings with nothing else in it", entry);
    if (!string(name, entry, out.emplace_back())) return false;
    if (out.back().empty()) return fail(name, "an entry is empty", entry);
    if (out.back().size() > kMaxFingerprintBytes) {
      return fail(name,
                  fmt::format("an entry has {} bytes, the limit is {}", out.back().size(),
                              kMaxFingerprintBytes),
                  entry);
    }
  }
  return !out.empty() || fail(name, "expected at least one entry, got none", value);
}

}  // namespace cairn::model
