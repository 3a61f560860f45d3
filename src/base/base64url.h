// Bytes as text that needs no quoting in URLs, shells or JSON: base64url without padding (RFC 4648,
// section 5). Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cairn {

std::string to_base64url(std::string_view bytes);
// nullopt: another character, or a text that to_base64url() does not write (each sequence of bytes
// has one spelling).
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace cairn
