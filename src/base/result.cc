#include "base/result.h"

namespace cairn {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "invalid_argument";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::Conflict:
      return "conflict";
    case ErrorCode::Corruption:
      return "corruption";
    case ErrorCode::Io:
      return "io";
    case ErrorCode::Exhausted:
      return "exhausted";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::Closed:
      return "closed";
    case ErrorCode::Internal:
      return "internal";
    case ErrorCode::Denied:
      return "denied";
  }
  return "internal";
}

}  // namespace cairn
