#include "model/record.h"

namespace cairn::model {

std::string_view policy_name(FingerprintPolicy policy) {
  return policy == FingerprintPolicy::Known ? "known" : "first";
}

}  // namespace cairn::model
