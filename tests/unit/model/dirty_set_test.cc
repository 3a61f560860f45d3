#include "model/dirty_set.h"

#include <catch2/catch.hpp>

using namespace cairn;

TEST_CASE("a dirty set gives each marked id once, ascending") {
  model::DirtySet<GroupId> set;
  CHECK(set.ids().empty());
  for (const uint32_t id : {700u, 1u, 63u, 64u, 1u, 128u, 65u}) set.mark(GroupId{id});
  CHECK(set.ids() == std::vector<GroupId>{GroupId{1}, GroupId{63}, GroupId{64}, GroupId{65},
                                          GroupId{128}, GroupId{700}});
  set.clear();
  CHECK(set.ids().empty());
  set.mark(GroupId{2});
  CHECK(set.ids() == std::vector<GroupId>{GroupId{2}});
}
