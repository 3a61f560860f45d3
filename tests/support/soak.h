// How much work long tests do: the number in CAIRN_SOAK times the short form CI runs.
#pragma once

#include <cstdlib>

namespace cairn::testing {

inline int soak_rounds(int short_form) {
  const char* factor = std::getenv("CAIRN_SOAK");
  const int times = factor != nullptr ? std::atoi(factor) : 1;
  return short_form * (times > 0 ? times : 1);
}

}  // namespace cairn::testing
