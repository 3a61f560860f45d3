#include "query/predicate.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

class One : public Shop {
 public:
  One() {
    event({"a", "2026-11-21T11:00:00Z", "Cannot pay", "error",
           R"("release":"1.0","tags":{"browser":"Chrome"})"});
  }

  bool holds(const std::string& text) {
    const query::Query parsed_query = parsed(text);
    auto predicate = must(query::Predicate::bind(parsed_query, state(), options().now));
    return predicate.matches(stored().front().occurrence, GroupId{1});
  }
};

TEST_CASE_METHOD(One, "a predicate needs neither dictionary nor index") {
  CHECK(holds(""));
  CHECK(holds("browser:Chrome release:1.0 is:unresolved"));
  CHECK(holds("browser:Firefox OR timestamp:-2h"));
  CHECK(holds("cannot PAY !level:info"));
  CHECK_FALSE(holds("browser:Firefox"));
  CHECK_FALSE(holds("is:resolved level:error"));
  CHECK(holds("!has:user"));
}

TEST_CASE_METHOD(One, "a predicate fails to bind as a search does") {
  const query::Query wrong = parsed("is:nothing");
  const auto bound = query::Predicate::bind(wrong, state(), options().now);
  REQUIRE_FALSE(bound.ok());
  CHECK(bound.error().position == error("is:nothing").position);
  CHECK(bound.error().message == error("is:nothing").message);
}

}  // namespace
}  // namespace cairn::testing
