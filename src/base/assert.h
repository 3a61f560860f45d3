// CAIRN_ASSERT: always-on check for bugs of ours, never for bytes from disk or wire.
#pragma once

namespace cairn {
// Prints the failed condition with its place to stderr and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);
}  // namespace cairn

#define CAIRN_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::cairn::assert_failed(#condition, __FILE__, __LINE__))
