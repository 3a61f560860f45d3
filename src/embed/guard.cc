#include <new>

#include "base/assert.h"
#include "embed/core.h"

namespace cairn {

// Takes the place of base/assert.cc's in every program that has this layer.
void assert_failed(const char* condition, const char* file, int line) {
  throw AssertionFailed(condition, file, line);
}

}  // namespace cairn

namespace cairn::embed {

v1::Error to_public(const Error& error) {
  // The public numbers begin with 1, as 0 is success in C.
  const auto code = static_cast<v1::ErrorCode>(static_cast<uint8_t>(error.code) + 1);
  return v1::Error{code, error.message, error.position};
}

static_assert(static_cast<uint8_t>(ErrorCode::InvalidArgument) + 1 ==
              static_cast<uint8_t>(v1::ErrorCode::InvalidArgument));
static_assert(static_cast<uint8_t>(ErrorCode::Denied) + 1 ==
              static_cast<uint8_t>(v1::ErrorCode::Denied));

v1::Error caught_at_border(const StoreCore* core) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return v1::Error{v1::ErrorCode::Exhausted, "out of memory", {}};
  } catch (...) {
    if (core != nullptr) core->broken = true;
    Error error = caught_error();
    return v1::Error{v1::ErrorCode::Internal, std::move(error.message), {}};
  }
}

}  // namespace cairn::embed
