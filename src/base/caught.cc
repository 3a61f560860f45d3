#include "base/caught.h"

#include <cstdio>
#include <new>

namespace cairn {

AssertionFailed::AssertionFailed(const char* condition, const char* file, int line) noexcept {
  std::snprintf(text_.data(), text_.size(), "internal error: %s does not hold at %s:%d", condition,
                file, line);
}

Error caught_error() noexcept {
  // Short texts need no memory.
  try {
    throw;
  } catch (const AssertionFailed& failed) {
    try {
      return make_error(ErrorCode::Internal, failed.what());
    } catch (...) {
      return make_error(ErrorCode::Internal, "internal error");
    }
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::Internal, "out of memory");
  } catch (...) {
    return make_error(ErrorCode::Internal, "internal error");
  }
}

}  // namespace cairn
