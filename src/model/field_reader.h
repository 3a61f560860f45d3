// Reads typed members out of a checked JSON object and says what is wrong with them in one form:
// "event.tags: expected an object, got a number".
//
// Functions return false after the first failure and keep its error. Absent and null members
// leave the output as it was. Thread: one at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "model/json_tree.h"

namespace cairn::model {

// Detection times and workflow times: years 1970 to 9999.
inline constexpr double kMaxEpochSeconds = 253402300800.0;

// The names of one object, to find one given twice.
class NameSet {
 public:
  void clear() { names_.clear(); }
  void add(std::string_view name) { names_.push_back({tag_of(name), name}); }
  size_t size() const { return names_.size(); }
  // A name added at least twice. Reorders the names.
  std::optional<std::string_view> duplicate();

 private:
  // Compared before the name: most differ in it.
  static uint32_t tag_of(std::string_view name) {
    if (name.empty()) return 0;
    return static_cast<uint32_t>(name.size()) << 16 |
           static_cast<uint32_t>(static_cast<uint8_t>(name.front())) << 8 |
           static_cast<uint8_t>(name.back());
  }
  struct Name {
    uint32_t tag = 0;
    std::string_view text;
    auto operator<=>(const Name&) const = default;
  };
  std::vector<Name> names_;
};

// name == literal, with the length known where it is compiled: no call.
template <size_t N>
inline bool is_name(std::string_view name, const char (&literal)[N]) {
  return name.size() == N - 1 && std::memcmp(name.data(), literal, N - 1) == 0;
}

class FieldReader {
 public:
  Error take_error() { return std::move(error_); }

  // Fails with "name: message", pointing at the value when there is one.
  bool fail(std::string_view name, std::string_view message, JsonValue at = {});
  // "name: expected X, got Y".
  bool expected(std::string_view name, std::string_view what, JsonValue got);
  bool missing(std::string_view name, std::string_view what);

  // Present, not null, and of the kind; `what` says so in messages ("an object").
  bool kind(std::string_view name, JsonValue value, JsonKind kind, std::string_view what);
  // The decoded string. Half a surrogate pair has no UTF-8 form and is refused.
  bool string(std::string_view name, JsonValue value, std::string& out);
  bool text(std::string_view name, JsonValue value, size_t max_bytes,
            std::optional<std::string>& out);
  // Digits only, within [low, high].
  bool integer(std::string_view name, JsonValue value, int64_t low, int64_t high, int64_t& out);
  bool project(std::string_view name, JsonValue value, ProjectId& out);  // required
  bool seconds(std::string_view name, JsonValue value, double& out);     // required
  bool uuid(std::string_view name, JsonValue value, std::optional<Uuid>& out);
  // Required, not empty, each entry 1 .. kMaxFingerprintBytes bytes.
  bool strings(std::string_view name, JsonValue value, size_t max_entries,
               std::vector<std::string>& out);

 private:
  Error error_;
};

// Absent or null: the wire form makes no difference.
inline bool is_absent(JsonValue value) { return !value || value.kind() == JsonKind::Null; }

// The first member called `name`, or false. For objects with few members.
JsonValue find_member(JsonValue object, std::string_view name);

// A short form of a value for messages.
std::string show(JsonValue value);

}  // namespace cairn::model
