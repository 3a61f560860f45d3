// The small parts of JSON: numbers, escapes, integers. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::model {

// Whether `token` is exactly one JSON number, of any size and precision.
bool is_json_number(std::string_view token);

// `content` is what stands between the quotes of a JSON string. Returns the offset of the first
// backslash that does not begin one of JSON's escapes, or npos.
size_t find_bad_escape(std::string_view content);

// Appends `content` with its escapes resolved, as UTF-8. Never appends more bytes than `content`
// has. Half of a surrogate pair has no UTF-8 form: it becomes U+FFFD and the result is false.
// Precondition: find_bad_escape(content) == npos.
bool append_unescaped(std::string& out, std::string_view content);

// Value of a JSON number written without fraction and exponent; nullopt when it is written
// otherwise or does not fit.
std::optional<int64_t> json_integer(std::string_view token);
// Nearest double of a JSON number; nullopt when it is too large for one.
std::optional<double> json_double(std::string_view token);

}  // namespace cairn::model
