// Result<T>: a value, or an Error that says what went wrong and what to do. No function of cairn
// throws, ends the process or writes to the terminal: everything a caller may meet is in a Result.
//
// Thread: values; as safe as the T they hold.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

// Marks what the shared library shows.
#if defined(__GNUC__)
#define CAIRN_API __attribute__((visibility("default")))
#else
#define CAIRN_API
#endif

// cairn::Store is cairn::v1::Store: a later version of this interface gets a namespace of its own,
// so that programs of both can be told apart when they are linked. The library itself, which has
// other things by the same names, does not look into it.
#ifdef CAIRN_IMPLEMENTATION
#define CAIRN_VERSIONED
#else
#define CAIRN_VERSIONED inline
#endif

namespace cairn {
CAIRN_VERSIONED namespace v1 {
  // What to do about an error. Numbers are those of cairn.h.
  enum class ErrorCode : std::uint8_t {
    InvalidArgument = 1,  // the input is wrong; the message says what, `position` where
    NotFound = 2,         // something that was named does not exist
    Conflict = 3,         // the state forbids it; the message names the rule
    Corruption = 4,       // bytes on disk are not what was written: see `cairn verify`
    Io = 5,               // the operating system refused
    Exhausted = 6,        // a limit, the disk or memory is used up
    Unsupported = 7,      // a version or feature that this library does not have
    Closed = 8,           // closed, cancelled, or stopped by an earlier failure: open it again
    Internal = 9,         // a bug of cairn; the store that met it answers Closed from then on
    Denied = 10,          // the caller has not the right; a server says so, a Store never
  };

  // "invalid_argument", "not_found" ...; static.
  CAIRN_API const char* error_code_name(ErrorCode code) noexcept;

  struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message;  // one or two sentences for a person
    // Byte offset in a text that was given (a query, a line of JSON), when there is one.
    std::optional<std::uint32_t> position;
  };

  template <class T>
  class [[nodiscard]] Result {
   public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

    bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    // Precondition: ok().
    T& value() & noexcept {
      assert(ok());
      return *std::get_if<0>(&state_);
    }
    const T& value() const& noexcept {
      assert(ok());
      return *std::get_if<0>(&state_);
    }
    T&& value() && noexcept {
      assert(ok());
      return std::move(*std::get_if<0>(&state_));
    }
    T& operator*() & noexcept { return value(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(*this).value(); }
    T* operator->() noexcept { return &value(); }
    const T* operator->() const noexcept { return &value(); }

    // Precondition: !ok().
    const Error& error() const noexcept {
      assert(!ok());
      return *std::get_if<1>(&state_);
    }

   private:
    std::variant<T, Error> state_;
  };

  template <>
  class [[nodiscard]] Result<void> {
   public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT

    bool ok() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return ok(); }
    // Precondition: !ok().
    const Error& error() const noexcept {
      assert(!ok());
      return *error_;
    }

   private:
    std::optional<Error> error_;
  };

}  // namespace v1
}  // namespace cairn
