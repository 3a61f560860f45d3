// Message authentication: HMAC-SHA256 under a secret key. Confined here: libcrypto.
// Values; thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace cairn {

struct MacKey {
  static constexpr size_t kBytes = 32;
  std::array<uint8_t, kBytes> bytes{};
  bool operator==(const MacKey&) const = default;
};

using Mac = std::array<uint8_t, 32>;

// Nobody can foresee it. Io: the system gives no random bytes.
Result<MacKey> random_mac_key();

Mac mac_of(const MacKey& key, std::string_view bytes);
// Under a key of any length, as others agree on one.
Mac mac_of(std::string_view key, std::string_view bytes);

// Takes as long for texts that differ at once as for those that differ at the end, so that nobody
// finds a MAC byte by byte. Texts of different lengths differ.
bool equal_macs(std::string_view a, std::string_view b);

}  // namespace cairn
