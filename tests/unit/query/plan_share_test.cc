#include <catch2/catch.hpp>

#include "query/plan.h"

namespace cairn::query {
namespace {

using Kind = PlanNode::Kind;

PlanNode value(uint32_t id) {
  PlanNode node;
  node.kind = Kind::Values;
  node.field = FieldId{3};
  node.listed = std::make_shared<const std::vector<ValueId>>(1, ValueId{id});
  return node;
}
template <class... Nodes>
PlanNode combine(Kind kind, Nodes... nodes) {
  PlanNode node;
  node.kind = kind;
  (node.children.push_back(std::move(nodes)), ...);
  return node;
}

TEST_CASE("equal conditions have one number, in whatever order they stand") {
  PlanNode root = combine(Kind::Or, combine(Kind::And, value(1), value(2), value(3)),
                          combine(Kind::And, value(2), value(1), value(4)),
                          combine(Kind::Not, combine(Kind::Or, value(5), value(6))),
                          combine(Kind::And, combine(Kind::Or, value(6), value(5)), value(1)));
  const uint32_t count = share_nodes(root);
  // six values, OR of 5 and 6, its NOT, three ANDs, the root
  CHECK(count == 6 + 1 + 1 + 3 + 1);
  const PlanNode& first = root.children[0];
  const PlanNode& second = root.children[1];
  CHECK(first.children[0].id == second.children[0].id);
  CHECK(first.children[0].shared);
  CHECK_FALSE(first.children[2].shared);
  const PlanNode& in_not = root.children[2].children[0];
  const PlanNode& in_and = root.children[3].children[1];
  CHECK(in_not.id == in_and.id);
  CHECK(in_not.shared);
  // What stands below a shared node is asked for once.
  CHECK_FALSE(in_not.children[0].shared);
  CHECK_FALSE(root.shared);
}

TEST_CASE("what AND and OR hold twice goes") {
  PlanNode twice = combine(Kind::And, value(1), value(2), value(1));
  share_nodes(twice);
  REQUIRE(twice.children.size() == 2);
  CHECK_FALSE(twice.children[0].shared);

  PlanNode same = combine(Kind::Or, value(7), value(7));
  CHECK(share_nodes(same) == 1);
  CHECK(same.kind == Kind::Values);
  CHECK(same.values() == std::vector<ValueId>{ValueId{7}});

  PlanNode nested = combine(Kind::And, combine(Kind::Or, value(1), value(1)), value(1), value(2),
                            combine(Kind::Not, combine(Kind::Or, value(2), value(2))));
  CHECK(share_nodes(nested) == 4);
  REQUIRE(nested.children.size() == 3);
  CHECK(nested.children[0].kind == Kind::Values);
  CHECK(nested.children[1].shared);
  CHECK(nested.children[2].children[0].id == nested.children[1].id);
}

TEST_CASE("what differs in anything is not the same") {
  PlanNode time;
  time.kind = Kind::Time;
  time.range = {TimeUs{1}, TimeUs{2}};
  PlanNode later = time;
  later.range.end = TimeUs{3};
  PlanNode other_field = value(1);
  other_field.field = FieldId{4};
  PlanNode present = value(1);
  present.kind = Kind::Present;
  PlanNode issues;
  issues.kind = Kind::Fingerprints;
  issues.wanted = {false, true};
  PlanNode others = issues;
  others.wanted = {true, true};
  PlanNode root = combine(Kind::And, time, later, value(1), other_field, present, issues, others);
  CHECK(share_nodes(root) == 8);
  CHECK(root.children.size() == 7);
}

}  // namespace
}  // namespace cairn::query
