#include "query/part_match.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "support/query_world.h"
#include "support/random_occurrences.h"

namespace cairn::testing {
namespace {

using query::Block;
using query::PartMatch;
using storage::OrdinalRange;

std::vector<Ordinal> ordinals_of(const Block& block) {
  std::vector<Ordinal> ordinals(block.size());
  block.ordinals(ordinals.data());
  return ordinals;
}

// What the blocks say, compared with the part one by one.
void check_columns(const Block& block) {
  const storage::Part& part = block.part();
  const auto ordinals = ordinals_of(block);
  REQUIRE_FALSE(ordinals.empty());
  REQUIRE(ordinals.size() <= Block::kSize);
  std::vector<TimeUs> times(ordinals.size());
  std::vector<Lsn> lsns(ordinals.size());
  std::vector<FingerprintId> fingerprints(ordinals.size());
  std::vector<ValueId> users(ordinals.size());
  block.times(times.data());
  block.lsns(lsns.data());
  block.fingerprints(fingerprints.data());
  block.column(model::field::kUser, users.data());
  for (size_t i = 0; i < ordinals.size(); ++i) {
    REQUIRE(times[i] == part.time(ordinals[i]));
    REQUIRE(lsns[i] == part.lsn(ordinals[i]));
    REQUIRE(fingerprints[i] == part.fingerprint(ordinals[i]));
    REQUIRE(users[i] == part.user(ordinals[i]));
  }
}

class Parts : public QueryWorld {
 public:
  Parts() {
    RandomOccurrences occurrences(7);
    for (int i = 0; i < 3000; ++i) add(occurrences.next());
    seal();
    for (int i = 0; i < 1500; ++i) add(occurrences.next());
  }
};

void check(const PartMatch& match, const std::set<Ordinal>& expected, OrdinalRange within) {
  CHECK(match.count() == expected.size());
  std::vector<Ordinal> all;
  match.for_each_block([&](const Block& block) {
    check_columns(block);
    const auto some = ordinals_of(block);
    all.insert(all.end(), some.begin(), some.end());
  });
  REQUIRE(all == std::vector<Ordinal>(expected.begin(), expected.end()));
  std::vector<Ordinal> inside;
  match.for_each_block_in(within, [&](const Block& block) {
    const auto some = ordinals_of(block);
    inside.insert(inside.end(), some.begin(), some.end());
  });
  REQUIRE(inside == std::vector<Ordinal>(expected.lower_bound(within.begin),
                                         expected.lower_bound(within.end)));
}

TEST_CASE_METHOD(Parts, "matches are the same as ranges and as a bitmap") {
  const uint64_t seed = std::random_device{}();
  std::cout << "part match: seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const query::View view = this->view();
  for (const storage::Part* part : view.parts) {
    for (int round = 0; round < 20; ++round) {
      PartMatch match{part, std::nullopt, {}};
      std::set<Ordinal> expected;
      const uint64_t longest = 1 + random() % part->size();
      for (Ordinal at = 0; at < part->size();) {
        const auto begin = static_cast<Ordinal>(at + random() % longest);
        const auto end = static_cast<Ordinal>(begin + 1 + random() % longest);
        if (end > part->size()) break;
        match.ranges.push_back({begin, end});
        for (Ordinal o = begin; o < end; ++o) expected.insert(o);
        at = end;
      }
      const auto from = static_cast<Ordinal>(random() % part->size());
      const auto to = static_cast<Ordinal>(from + random() % (part->size() - from) + 1);
      check(match, expected, {from, to});
      match.bitmap = query::bitmap_of(match.ranges);
      check(match, expected, {from, to});
    }
  }
}

TEST_CASE_METHOD(Parts, "the whole of a part is known as such") {
  const query::View view = this->view();
  const storage::Part& part = *view.parts.front();
  PartMatch match{&part, std::nullopt, {{0, part.size()}}};
  CHECK(match.whole());
  match.ranges = {{0, part.size() - 1}};
  CHECK_FALSE(match.whole());
  match.bitmap = storage::Bitmap::range(0, part.size());
  CHECK_FALSE(match.whole());
  CHECK(match.count() == part.size());
}

}  // namespace
}  // namespace cairn::testing
