#include "storage/head.h"

#include "part_model.h"

namespace cairn::storage {
namespace {

using testing::fill;
using testing::random_part;

TEST_CASE("a head answers like a scan") {
  const uint64_t seed = GENERATE(1u, 2u);
  INFO("seed " << seed);
  const auto model = random_part({}, seed);
  Head head;
  fill(head, model);
  testing::check_part(head, model, seed);
  for (Ordinal o = 0; o < head.size(); ++o) {
    const testing::ModelRow& row = model.rows[o];
    REQUIRE(head.project(o) == row.project);
    REQUIRE(head.id_hash(o) == row.id_hash);
    REQUIRE(std::ranges::equal(head.terms(o), row.terms));
  }
}

TEST_CASE(
    "a cleared head answers nothing, and takes no more memory than before when filled again") {
  Head head;
  fill(head, random_part({}, 3));
  const uint64_t full = head.memory_bytes();
  head.clear();
  CHECK(head.size() == 0);
  CHECK(head.memory_bytes() <= full);
  CHECK(head.fields().empty());
  CHECK(head.in_time(TimeUs{INT64_MIN}, TimeUs{INT64_MAX}).empty());
  CHECK(head.of_fingerprints({true, true}).empty());
  head.roll_up(nullptr, [](const FingerprintRollup&) { FAIL("nothing to roll up"); });
  CHECK(head.find_id(0).empty());
  for (const auto& model : {random_part({200, 5, 20, false}, 4), random_part({}, 3)}) {
    fill(head, model);
    testing::check_part(head, model, 4);
    head.clear();
  }
  CHECK(head.memory_bytes() <= full);
}

TEST_CASE("a copy is added to, and what it comes from answers as before") {
  // Long lists and short ones, in the middle of the room they have.
  const auto model = random_part({6000, 40, 300, false}, 5);
  auto half = model;
  half.rows.resize(model.rows.size() / 2 + 77);
  Head from;
  fill(from, half);
  Head copy(from);
  auto rest = model;
  rest.rows.erase(rest.rows.begin(), rest.rows.begin() + static_cast<ptrdiff_t>(half.rows.size()));
  fill(copy, rest);
  testing::check_part(from, half, 5);
  testing::check_part(copy, model, 5);
}

TEST_CASE("hints are allowed for what a head does not know") {
  const auto model = random_part({}, 5);
  Head head;
  const auto hint = [&](uint64_t id_hash, Head::Terms terms) {
    head.prefetch_id(id_hash);
    head.prefetch(terms);
    head.prefetch_postings(terms);
    head.prefetch_ends(terms);
  };
  for (const auto& row : model.rows) hint(row.id_hash, row.terms);
  fill(head, model);
  for (const auto& row : model.rows) hint(row.id_hash, row.terms);
  const std::pair<FieldId, ValueId> unknown[] = {{FieldId{0}, {}}, {FieldId{65535}, ValueId{7}}};
  hint(7, unknown);
  testing::check_part(head, model, 5);
}

TEST_CASE("a row without terms is a row") {
  Head head;
  head.add({Lsn{1}, TimeUs{5}, ProjectId{1}, FingerprintId{9}, 7, {}});
  CHECK(head.size() == 1);
  CHECK(head.terms(0).empty());
  CHECK(head.user(0) == ValueId{});
  CHECK(head.fields().empty());
}

TEST_CASE("equal id hashes are all candidates") {
  Head head;
  for (uint64_t i = 1; i <= 4; ++i) {
    head.add({Lsn{i}, TimeUs{5}, ProjectId{1}, FingerprintId{9}, i == 2 ? 8u : 7u, {}});
  }
  CHECK(head.find_id(7) == std::vector<Ordinal>{0, 2, 3});
  CHECK(head.find_id(8) == std::vector<Ordinal>{1});
}

}  // namespace
}  // namespace cairn::storage
