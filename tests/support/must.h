// What a test needs to have: the value of a Result, or the test ends with its error.
#pragma once

#include <catch2/catch.hpp>
#include <utility>

#include "base/result.h"

namespace cairn::testing {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}
inline void must(Result<void> result) {
  if (!result.ok()) FAIL(result.error().message);
}

}  // namespace cairn::testing
