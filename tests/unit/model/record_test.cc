#include "model/record.h"

#include <catch2/catch.hpp>

using namespace cairn::model;

TEST_CASE("policies have names") {
  CHECK(policy_name(FingerprintPolicy::First) == "first");
  CHECK(policy_name(FingerprintPolicy::Known) == "known");
}
