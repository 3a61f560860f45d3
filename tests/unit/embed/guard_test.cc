// What becomes of bugs of ours and of missing memory: an error of the call, and a store that says
// no from then on. The process goes on.
#include <catch2/catch.hpp>
#include <new>

#include "base/assert.h"
#include "embed/core.h"

namespace cairn::embed {

TEST_CASE("guard: a failed assertion ends the call, not the process") {
  StoreCore core;
  const auto first = guard(&core, []() -> Result<int> {
    CAIRN_ASSERT(1 + 1 == 3);
    return 1;
  });
  REQUIRE_FALSE(first.ok());
  CHECK(first.error().code == v1::ErrorCode::Internal);
  CHECK(first.error().message.find("1 + 1 == 3") != std::string::npos);
  const auto second = guard(&core, []() -> Result<int> { return 1; });
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == v1::ErrorCode::Closed);
}

TEST_CASE("guard: a lack of memory is no reason to stop") {
  StoreCore core;
  const auto first = guard(&core, []() -> Result<int> { throw std::bad_alloc(); });
  REQUIRE_FALSE(first.ok());
  CHECK(first.error().code == v1::ErrorCode::Exhausted);
  CHECK(guard(&core, []() -> Result<int> { return 1; }).ok());
}

TEST_CASE("guard: errors keep code, text and place") {
  const auto result = guard(nullptr, []() -> Result<void> {
    Error error = make_error(ErrorCode::NotFound, "no such thing");
    error.position = 7;
    return error;
  });
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == v1::ErrorCode::NotFound);
  CHECK(result.error().message == "no such thing");
  CHECK(result.error().position == 7u);
}

}  // namespace cairn::embed
