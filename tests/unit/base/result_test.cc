#include "base/result.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>

namespace cairn {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return make_error(ErrorCode::InvalidArgument, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  CAIRN_TRY_ASSIGN(const int once, half(n));
  CAIRN_TRY_ASSIGN(const int twice, half(once));
  return twice;
}

Result<void> check_even(int n) {
  CAIRN_TRY(half(n));
  return {};
}

TEST_CASE("a result is a value or an error, and errors travel up") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error().message == "odd");
  CHECK(check_even(2).ok());
  CHECK(check_even(3).error().code == ErrorCode::InvalidArgument);
  CHECK_FALSE(check_even(3));
}

TEST_CASE("a result hands over what can only be moved") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = std::move(result).value();
  CHECK(*taken == 5);
}

TEST_CASE("every error code has a name of its own") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::Denied); ++code) {
    names.insert(error_code_name(static_cast<ErrorCode>(code)));
  }
  CHECK(names.size() == static_cast<size_t>(ErrorCode::Denied) + 1);
  CHECK(error_code_name(ErrorCode::InvalidArgument) == "invalid_argument");
  CHECK(error_code_name(ErrorCode::Corruption) == "corruption");
}

}  // namespace
}  // namespace cairn
