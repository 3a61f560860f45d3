#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace cairn {

// Weak: the library for other programs has one of its own, which leaves the process alive
// (embed/guard.cc).
[[gnu::weak]] void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "cairn: internal error: %s does not hold at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace cairn
