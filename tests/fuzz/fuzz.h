// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace cairn::testing {

// A broken promise of the code under test. Aborts, which fuzzers and the replay driver notice.
inline void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

inline std::string_view fuzz_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Damages good bytes as the fuzzer says: three input bytes are a place (two) and what is xored
// onto it. Random bytes would nearly never get past the first checksum or length.
inline void damage(std::span<std::byte> good, const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 3 <= size && !good.empty(); i += 3) {
    const size_t place = (static_cast<size_t>(data[i]) << 8 | data[i + 1]) % good.size();
    good[place] ^= static_cast<std::byte>(data[i + 2]);
  }
}

}  // namespace cairn::testing
