// What the exceptions mean that are left where errors are values: memory that is not there, and,
// where cairn is a library in somebody else's program, an assertion that does not hold.
#pragma once

#include <array>
#include <exception>

#include "base/result.h"

namespace cairn {

// Thrown by assert_failed() of the library (embed/guard.cc) in place of the process's end.
class AssertionFailed : public std::exception {
 public:
  AssertionFailed(const char* condition, const char* file, int line) noexcept;
  const char* what() const noexcept override { return text_.data(); }

 private:
  std::array<char, 256> text_{};  // made without memory
};

// Of the exception that is being handled. Internal: "out of memory", or which assertion.
// Precondition: within a catch block.
Error caught_error() noexcept;

}  // namespace cairn
