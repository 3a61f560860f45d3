// What the fold says of a record that does not fit.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace cairn::model {

inline Error misfit(Lsn lsn, std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("record {} does not fit the state before it: {}. The log was "
                                "written by another program or is damaged; run verify",
                                raw(lsn), what));
}

}  // namespace cairn::model
