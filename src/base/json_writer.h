// Writes JSON text, streaming, able to splice verbatim pieces (which no packaged writer we looked
// at could do while also escaping invalid UTF-8 safely: docs/decisions/003-json.md).
//
// Value type; not thread-safe. Commas and colons are placed by the writer. Misuse (a value in an
// object without a key, unbalanced ends) is a bug of ours and asserts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view text);  // invalid UTF-8 becomes U+FFFD
  JsonWriter& integer(int64_t value);
  JsonWriter& unsigned_integer(uint64_t value);
  JsonWriter& number(double value);  // shortest form that reads back equal; NaN/Inf -> null
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // Precondition: `json` is one valid JSON value, or (inside an object, instead of key+value) a
  // comma-separated run of members when `raw_members` is used.
  JsonWriter& raw(std::string_view json);
  JsonWriter& raw_members(std::string_view members);

  const std::string& str() const { return out_; }
  std::string take();
  void clear();

 private:
  void before_value();

  std::string out_;
  struct Level {
    bool object = false;
    bool first = true;
    bool after_key = false;
  };
  std::vector<Level> levels_;
};

// Appends `text` as a JSON string with quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace cairn
