#include "part_model.h"
#include "storage/coding.h"
#include "storage/segment.h"
#include "storage/segment_format.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::IndexFixture;
using testing::must;
using testing::PartModel;

using Values = std::map<std::string, std::string>;

Values values_of(const SegmentImage& image) {
  Values values;
  for (const auto& [key, bytes] : image.values) {
    values[std::string(key.view())] = std::string(as_chars(bytes));
  }
  return values;
}

// Seals rows [begin, end) of the model.
void seal(LmdbEnv& env, SegmentId id, const PartModel& model, size_t begin, size_t end) {
  Head head;
  PartModel part;
  part.rows.assign(model.rows.begin() + static_cast<long>(begin),
                   model.rows.begin() + static_cast<long>(end));
  testing::fill(head, part);
  auto txn = must(WriteTxn::begin(env));
  must(write_segment(*txn, id, head));
  must(txn->commit());
}

SegmentImage seal_all(SegmentId id, const PartModel& model) {
  Head head;
  testing::fill(head, model);
  return must(seal_segment(id, head));
}

// Cuts the model into segments 1, 2, ... at the given rows.
std::vector<SegmentId> seal_parts(LmdbEnv& env, const PartModel& model, std::vector<size_t> cuts) {
  cuts.push_back(model.rows.size());
  std::vector<SegmentId> ids;
  size_t begin = 0;
  for (const size_t end : cuts) {
    ids.push_back(SegmentId{static_cast<uint32_t>(ids.size() + 1)});
    seal(env, ids.back(), model, begin, end);
    begin = end;
  }
  return ids;
}

TEST_CASE("merging gives the bytes of sealing all at once") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u);
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  const uint32_t rows = seed == 6 ? 70'000 : static_cast<uint32_t>(2 + rng() % 4000);
  // Times out of order across the cuts, few and many fingerprints.
  const auto model =
      testing::random_part({rows, static_cast<uint32_t>(1 + rng() % 60), 300, seed % 2 == 0}, seed);
  std::vector<size_t> cuts = {1 + rng() % (rows - 1)};
  for (uint64_t n = rng() % 4; n > 0; --n) cuts.push_back(1 + rng() % (rows - 1));
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  IndexFixture index;
  const std::vector<SegmentId> ids = seal_parts(*index.env, model, cuts);
  const SegmentId into{100};
  const SegmentImage merged = must(merge_segments(*index.read(), ids, into));
  REQUIRE(values_of(merged) == values_of(seal_all(into, model)));

  auto txn = index.write();
  must(write_segment(*txn, merged));
  must(txn->commit());
  const auto read = index.read();
  CHECK(must(list_segments(*read)) == std::vector{into});
  if (rows < 10'000) testing::check_part(*must(open_segment(*read, into, true)), model, seed);
}

TEST_CASE("a merger can be merged again") {
  const auto model = testing::random_part({3000, 30, 200, true}, 9);
  IndexFixture index;
  const std::vector<SegmentId> ids = seal_parts(*index.env, model, {500, 1700, 2400});
  const auto merge = [&](std::vector<SegmentId> from, SegmentId into) {
    const SegmentImage image = must(merge_segments(*index.read(), from, into));
    auto txn = index.write();
    must(write_segment(*txn, image));
    must(txn->commit());
    return image;
  };
  merge({ids[0], ids[1]}, SegmentId{10});
  merge({ids[2], ids[3]}, SegmentId{11});
  const SegmentImage last = merge({SegmentId{10}, SegmentId{11}}, SegmentId{12});
  CHECK(values_of(last) == values_of(seal_all(SegmentId{12}, model)));
}

TEST_CASE("fields that some segments do not have") {
  PartModel model;
  for (uint32_t i = 0; i < 400; ++i) {
    testing::ModelRow row{Lsn{i + 1},
                          TimeUs{1000 + i % 7},
                          ProjectId{1 + i % 2},
                          FingerprintId{1 + i % 4},
                          i * uint64_t{0x9e3779b97f4a7c15},
                          {}};
    if (i < 150) row.terms.push_back({FieldId{64}, ValueId{1 + i % 40}});
    if (i >= 150) row.terms.push_back({model::field::kUser, ValueId{1 + i % 90}});
    model.rows.push_back(row);
  }
  IndexFixture index;
  const auto ids = seal_parts(*index.env, model, {150, 300});
  CHECK(values_of(must(merge_segments(*index.read(), ids, SegmentId{4}))) ==
        values_of(seal_all(SegmentId{4}, model)));
}

TEST_CASE("a reader from before keeps the merged segments") {
  const auto model = testing::random_part({600, 10, 50, true}, 3);
  IndexFixture index;
  const auto ids = seal_parts(*index.env, model, {200});
  const auto before = index.read();
  const auto part = must(open_segment(*before, ids[1], true));
  const Lsn lsn = part->lsn(7);
  auto txn = index.write();
  must(write_segment(*txn, must(merge_segments(*index.read(), ids, SegmentId{3}))));
  must(txn->commit());
  CHECK(must(list_segments(*before)) == ids);
  CHECK(part->lsn(7) == lsn);
  CHECK(must(list_segments(*index.read())) == std::vector{SegmentId{3}});
}

TEST_CASE("segments out of order, missing or damaged are not merged") {
  const auto model = testing::random_part({300, 10, 50, true}, 5);
  IndexFixture index;
  const auto ids = seal_parts(*index.env, model, {100, 200});
  const auto merge = [&](std::vector<SegmentId> from) {
    return code_of(merge_segments(*index.read(), from, SegmentId{9}));
  };
  CHECK(merge({ids[1], ids[0]}) == ErrorCode::InvalidArgument);
  CHECK(merge({ids[0], SegmentId{77}}) == ErrorCode::NotFound);
  const Key key = segment_key(ids[1], SegmentPiece::Field, model::field::kLevel);
  std::string value(as_chars(*must(index.read()->get(Table::Segments, key.view()))));
  value[value.size() / 2] ^= 1;
  auto txn = index.write();
  must(txn->put(Table::Segments, key.view(), value));
  must(txn->commit());
  CHECK(merge({ids[0], ids[1]}) == ErrorCode::Corruption);
}

TEST_CASE("an erased segment is gone") {
  const auto model = testing::random_part({100, 10, 50, true}, 7);
  IndexFixture index;
  const auto ids = seal_parts(*index.env, model, {50});
  const auto before = index.read();
  auto txn = index.write();
  must(erase_segment(*txn, *before, ids[0]));
  must(txn->commit());
  CHECK(must(list_segments(*index.read())) == std::vector{ids[1]});
  txn = index.write();
  CHECK(erase_segment(*txn, *index.read(), ids[0]).error().code == ErrorCode::NotFound);
}

}  // namespace
}  // namespace cairn::storage
