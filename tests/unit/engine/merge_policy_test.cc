#include "engine/merge_policy.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

using namespace cairn;
using namespace cairn::engine;
using storage::SegmentId;
using storage::SegmentInfo;

namespace {

// Neighbours of these sizes, with ids and LSNs in order.
std::vector<SegmentInfo> segments(const std::vector<uint32_t>& sizes) {
  std::vector<SegmentInfo> all;
  uint64_t lsn = 2;
  for (const uint32_t rows : sizes) {
    SegmentInfo info;
    info.id = SegmentId{static_cast<uint32_t>(all.size() + 1)};
    info.occurrences = rows;
    info.min_lsn = Lsn{lsn};
    lsn += rows;
    info.max_lsn = Lsn{lsn - 1};
    all.push_back(info);
  }
  return all;
}

std::vector<uint32_t> chosen(const std::vector<uint32_t>& sizes, MergePolicy policy = {4, 10'000}) {
  std::vector<uint32_t> ids;
  for (const SegmentId id : choose_merge(segments(sizes), policy)) {
    ids.push_back(static_cast<uint32_t>(id));
  }
  return ids;
}

}  // namespace

TEST_CASE("enough neighbours of one size class are merged, fewer are left") {
  CHECK(chosen({}).empty());
  CHECK(chosen({100, 100, 100}).empty());
  CHECK(chosen({100, 100, 100, 100}) == std::vector<uint32_t>{1, 2, 3, 4});
  CHECK(chosen({2000, 100, 100, 100}).empty());
  CHECK(chosen({2000, 100, 100, 100, 100}) == std::vector<uint32_t>{2, 3, 4, 5});
}

TEST_CASE("smaller ones in between do not keep a class apart") {
  CHECK(chosen({100, 1, 100, 1, 100}) == std::vector<uint32_t>{1, 2, 3, 4, 5});
}

TEST_CASE("a merged segment stays within the limit") {
  CHECK(chosen({9000, 9000, 9000, 9000, 9000}).empty());
  CHECK(chosen({3000, 3000, 3000, 3000, 3000}) == std::vector<uint32_t>{1, 2, 3});
  CHECK(chosen({5001, 5000, 5000, 5000}) == std::vector<uint32_t>{2, 3});
}

TEST_CASE("neighbours by LSN, whatever their ids") {
  auto all = segments({100, 100, 100, 100, 5000});
  std::swap(all[0].id, all[4].id);
  std::swap(all[1], all[3]);
  const auto ids = choose_merge(all, {4, 10'000});
  CHECK(ids == std::vector<SegmentId>{SegmentId{5}, SegmentId{2}, SegmentId{3}, SegmentId{4}});
}

TEST_CASE("sealing for ever keeps segments few and rewrites each occurrence seldom") {
  const uint64_t seed = std::random_device{}();
  std::cout << "merge policy seed " << seed << "\n";
  std::mt19937_64 random(seed);
  const MergePolicy policy{8, 1u << 22};
  std::vector<uint32_t> sizes;
  uint64_t added = 0, rewritten = 0;
  size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    const uint32_t rows = random() % 4 == 0 ? 1 + static_cast<uint32_t>(random() % 1000) : 1u << 18;
    sizes.push_back(rows);
    added += rows;
    for (;;) {
      const auto all = segments(sizes);
      const auto ids = choose_merge(all, policy);
      if (ids.empty()) break;
      REQUIRE(ids.size() >= 2);
      uint64_t sum = 0;
      const size_t first = static_cast<uint32_t>(ids.front()) - size_t{1};
      for (size_t k = 0; k < ids.size(); ++k) {
        REQUIRE(static_cast<uint32_t>(ids[k]) == first + k + 1);  // neighbours
        sum += sizes[first + k];
      }
      REQUIRE(sum <= policy.max_rows);
      rewritten += sum;
      sizes.erase(sizes.begin() + static_cast<ptrdiff_t>(first),
                  sizes.begin() + static_cast<ptrdiff_t>(first + ids.size()));
      sizes.insert(sizes.begin() + static_cast<ptrdiff_t>(first), static_cast<uint32_t>(sum));
    }
    most = std::max(most, sizes.size());
  }
  CHECK(most <= added / (policy.max_rows / 8) + 40);
  CHECK(rewritten <= 4 * added);
}

TEST_CASE("a full merge packs neighbours of any size, up to the limit") {
  const auto full = [](const std::vector<uint32_t>& sizes) {
    std::vector<uint32_t> ids;
    for (const SegmentId id : choose_full_merge(segments(sizes), 1000)) {
      ids.push_back(static_cast<uint32_t>(id));
    }
    return ids;
  };
  CHECK(full({}).empty());
  CHECK(full({10}).empty());
  CHECK(full({10, 900}) == std::vector<uint32_t>{1, 2});
  CHECK(full({900, 200, 300, 600}) == std::vector<uint32_t>{2, 3});
  CHECK(full({900, 900, 101}).empty());
}
