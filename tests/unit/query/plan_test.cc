#include "query/plan.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "query/binder.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

using Kind = query::PlanNode::Kind;

class Planned : public Shop {
 public:
  Planned() {
    for (int i = 0; i < 30; ++i) {
      event({fmt::format("f{}", i % 3), "2026-11-21T08:00:00Z", "Error", "error",
             fmt::format(R"("tags":{{"no":"{}","kind":"k{}"}})", i, i % 2)});
    }
  }
  Result<query::Plan> plan(const std::string& text) {
    const query::View seen = view();
    auto bound = query::bind_filter(parsed(text), seen.forest(), options().now);
    if (!bound.ok()) return bound.error();
    return query::make_plan(seen, std::move(bound).value());
  }
};

TEST_CASE_METHOD(Planned, "conditions that read all values are limited") {
  std::string most;
  for (size_t i = 0; i < query::kMaxScans; ++i) most += fmt::format("no:*{}a ", i);
  CHECK(plan(most).ok());
  const auto refused = plan(most + "no:*x*");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::InvalidArgument);
  CHECK(refused.error().position == most.size());
  CHECK(refused.error().message.find("256 conditions") != std::string::npos);
  // The same again costs nothing, and values that are named are as many as there is room for.
  CHECK(plan(most + "no:*1a !no:*1a").ok());
  CHECK(plan(most + "no:[1, 2, 3] kind:k1").ok());
  // A list counts by its patterns, text by the fields it is looked for in.
  CHECK_FALSE(plan(most.substr(0, most.rfind("no:")) + "no:[*x, *y]").ok());
  std::string phrases;
  for (size_t i = 0; i <= query::kMaxScans / 4; ++i) phrases += fmt::format("\"p{}\" ", i);
  CHECK_FALSE(plan(phrases).ok());
}

TEST_CASE_METHOD(Planned, "conditions on the issue within OR are asked together") {
  const auto planned = must(plan("is:resolved OR assigned:none OR no:1 OR is:unresolved"));
  REQUIRE(planned.events.kind == Kind::Or);
  size_t of_issues = 0;
  for (const auto& child : planned.events.children) {
    of_issues += child.kind == Kind::Fingerprints ? 1 : 0;
  }
  CHECK(of_issues == 1);
  CHECK(planned.events.children.size() == 2);
}

TEST_CASE_METHOD(Planned, "equal conditions share the values they found") {
  const auto planned = must(plan("(no:*1 kind:k1) OR (no:*1 kind:k0)"));
  REQUIRE(planned.events.kind == Kind::Or);
  std::vector<const std::vector<ValueId>*> lists;
  for (const auto& branch : planned.events.children) {
    REQUIRE(branch.kind == Kind::And);
    for (const auto& child : branch.children) {
      REQUIRE(child.kind == Kind::Values);
      if (child.values().size() > 1) lists.push_back(&child.values());
    }
  }
  REQUIRE(lists.size() == 2);
  CHECK(lists[0] == lists[1]);
}

TEST_CASE_METHOD(Planned, "conditions know where they were written") {
  const std::string text = "!no:*1 (kind:k1 OR \"some text\")";
  const auto planned = must(plan(text));
  REQUIRE(planned.events.kind == Kind::And);
  const auto& negated = planned.events.children.back().kind == Kind::Not
                            ? planned.events.children.back()
                            : planned.events.children.front();
  REQUIRE(negated.kind == Kind::Not);
  const query::Span at = negated.children.front().at;
  CHECK(text.substr(at.begin, at.end - at.begin) == "no:*1");
}

}  // namespace
}  // namespace cairn::testing
