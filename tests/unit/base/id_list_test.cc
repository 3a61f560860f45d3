#include "base/id_list.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "base/ids.h"

using namespace cairn;

namespace {

using Ids = IdList<GroupId>;

std::vector<GroupId> vector_of(const Ids& ids) { return {ids.begin(), ids.end()}; }

}  // namespace

TEST_CASE("one id takes no memory but the list's own eight bytes") {
  STATIC_REQUIRE(sizeof(Ids) == 8);
  Ids ids;
  CHECK(ids.empty());
  CHECK(ids.begin() == ids.end());
  ids.push_back(GroupId{UINT32_MAX});
  CHECK(ids.size() == 1);
  CHECK(ids[0] == GroupId{UINT32_MAX});
  const auto* inside = reinterpret_cast<const std::byte*>(ids.begin());
  CHECK(inside >= reinterpret_cast<const std::byte*>(&ids));
  CHECK(inside < reinterpret_cast<const std::byte*>(&ids + 1));
  ids[0] = GroupId{7};
  CHECK(ids == Ids{GroupId{7}});
  ids.clear();
  CHECK(ids == Ids{});
}

TEST_CASE("lists of ids do as vectors do") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Ids list;
  std::vector<GroupId> vector;
  for (int step = 0; step < 5000; ++step) {
    const auto dice = random() % 40;
    if (dice == 0) {
      const auto rest = static_cast<uint32_t>(random() % 3);
      const auto goes = [&](GroupId id) { return raw(id) % 3 != rest; };
      list.erase_if(goes);
      std::erase_if(vector, goes);
    } else if (dice == 1) {
      list.clear();
      vector.clear();
    } else if (dice == 2) {
      const Ids copy = list;
      list = Ids{GroupId{1}, GroupId{2}, GroupId{3}};
      list = copy;
    } else if (dice == 3) {
      Ids moved = std::move(list);
      list = std::move(moved);
    } else if (dice == 4 && !vector.empty()) {
      const size_t at = random() % vector.size();
      list[at] = vector[at] = GroupId{static_cast<uint32_t>(random())};
    } else {
      const GroupId id{static_cast<uint32_t>(random())};
      list.push_back(id);
      vector.push_back(id);
    }
    REQUIRE(list.size() == vector.size());
    REQUIRE(list.empty() == vector.empty());
    REQUIRE(vector_of(list) == vector);
    REQUIRE(list == Ids(list));
  }
}

TEST_CASE("lists are equal when ids and order are") {
  CHECK(Ids{GroupId{1}, GroupId{2}} == Ids{GroupId{1}, GroupId{2}});
  CHECK_FALSE(Ids{GroupId{1}, GroupId{2}} == Ids{GroupId{2}, GroupId{1}});
  CHECK_FALSE(Ids{GroupId{1}} == Ids{GroupId{1}, GroupId{1}});
}
