// Result<T>: a value or an Error, for everything a correct caller may meet.
//
// Errors travel as values through every layer; exceptions never cross a layer border. Headers
// list which codes a function returns. Values copy, compare and serialize; an Error is a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace cairn {

// What went wrong, coarse enough to act on. Stable: the names appear in --json output.
enum class ErrorCode : uint8_t {
  InvalidArgument,  // the caller's input is wrong; the message says what and where
  NotFound,         // a thing named by the caller does not exist
  Conflict,         // the state forbids it (rule named in the message)
  Corruption,       // bytes on disk are not what was written
  Io,               // the operating system refused; errno text is in the message
  Exhausted,        // a limit, the disk or memory is used up
  Unsupported,      // a version or feature this build does not have
  Closed,           // the object was closed or poisoned by an earlier failure
  Internal,         // a bug of ours
  Denied,           // the caller has not the right
};

// snake_case name of a code, as printed in {"error":{"code":...}}.
std::string_view error_code_name(ErrorCode code);

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;  // one or two sentences a person can act on
  // Byte offset in the text given by the caller (a query, a JSON line), when there is one.
  std::optional<uint32_t> position;
};

inline Error make_error(ErrorCode code, std::string message) {
  return Error{code, std::move(message), std::nullopt};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Precondition: ok().
  T& value() & {
    CAIRN_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CAIRN_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CAIRN_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Precondition: !ok().
  const Error& error() const& {
    CAIRN_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CAIRN_ASSERT(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    CAIRN_ASSERT(!ok());
    return *error_;
  }
  Error&& error() && {
    CAIRN_ASSERT(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace cairn

#define CAIRN_CONCAT_INNER(a, b) a##b
#define CAIRN_CONCAT(a, b) CAIRN_CONCAT_INNER(a, b)

// Returns the error of an expression of type Result<void> to the caller.
#define CAIRN_TRY(expr)                                         \
  do {                                                          \
    if (auto cairn_try_result = (expr); !cairn_try_result.ok()) \
      return std::move(cairn_try_result).error();               \
  } while (false)

// CAIRN_TRY_ASSIGN(auto x, expr): binds the value, or returns the error to the caller.
#define CAIRN_TRY_ASSIGN(decl, expr) \
  CAIRN_TRY_ASSIGN_IMPL(CAIRN_CONCAT(cairn_try_, __LINE__), decl, expr)
#define CAIRN_TRY_ASSIGN_IMPL(tmp, decl, expr)  \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  decl = std::move(tmp).value()
