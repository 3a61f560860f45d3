// Names of releases: read without overflow, and in one order whichever way they are asked.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "fuzz/fuzz.h"
#include "model/release_order.h"

using namespace cairn;

namespace {

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = testing::fuzz_text(data, size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view second = text.substr(std::min(first.size() + 1, text.size()));
  const auto a = model::parse_release(first);
  const auto b = model::parse_release(second);
  for (const auto& [version, name] : std::array{std::pair(a, first), std::pair(b, second)}) {
    if (!version) continue;
    testing::promise(version->major <= model::kMaxVersionNumber, "numbers have a limit");
    testing::promise(within(version->package, name) && within(version->prerelease, name) &&
                         within(version->build, name),
                     "what was read lies in the name");
    testing::promise(compare(*version, *version) == 0, "a version is as new as itself");
  }
  if (a && b) {
    testing::promise((compare(*a, *b) < 0) == (compare(*b, *a) > 0), "one order both ways");
  }
  return 0;
}
