#include "query/page_rows.h"

#include <catch2/catch.hpp>
#include <random>

namespace cairn::query {
namespace {

struct Descending {
  bool operator()(int a, int b) const { return a > b; }
};
using Rows = PageRows<int, Descending>;

std::vector<int> page(size_t room, std::optional<int> edge, bool backward) {
  Rows rows(room, edge, backward);
  for (const int row : {5, 1, 9, 3, 7, 2, 8}) rows.offer(row);
  return rows.take();
}

TEST_CASE("a page has the rows nearest to its edge, in the order of the list") {
  using List = std::vector<int>;
  CHECK(page(3, std::nullopt, false) == List{9, 8, 7});
  CHECK(page(3, 7, false) == List{5, 3, 2});
  CHECK(page(3, 3, false) == List{2, 1});
  CHECK(page(3, 1, false).empty());
  CHECK(page(3, 3, true) == List{8, 7, 5});
  CHECK(page(3, 8, true) == List{9});
  CHECK(page(9, 0, true) == List{9, 8, 7, 5, 3, 2, 1});
  CHECK(page(0, std::nullopt, false).empty());
}

TEST_CASE("the farthest row is known once the page is full") {
  Rows rows(2, std::nullopt, false);
  CHECK(rows.farthest() == nullptr);
  rows.offer(4);
  CHECK(rows.farthest() == nullptr);
  rows.offer(6);
  REQUIRE(rows.farthest() != nullptr);
  CHECK(*rows.farthest() == 4);
  rows.offer(5);
  CHECK(*rows.farthest() == 5);
  rows.offer(1);
  CHECK(*rows.farthest() == 5);
}

}  // namespace
}  // namespace cairn::query
