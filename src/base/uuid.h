// 128-bit ids of occurrences and events.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  // 32 lower-case hex digits, the form the field stores.
  std::string hex() const;
  // 8-4-4-4-12 form.
  std::string dashed() const;
};

// Accepts 32 hex digits, 8-4-4-4-12, optionally in {} or after "urn:uuid:"; any case.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace cairn
