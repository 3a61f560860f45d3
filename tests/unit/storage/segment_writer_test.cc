#include "base/hash.h"
#include "part_model.h"
#include "storage/segment.h"
#include "storage/segment_format.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::IndexFixture;
using testing::must;

using Values = std::vector<std::pair<std::string, std::string>>;

Values values_in(LmdbEnv& env) {
  Values values;
  must(must(ReadTxn::begin(env))->scan(Table::Segments, {}, {}, [&](auto key, auto value) {
    values.emplace_back(key, as_chars(value));
    return true;
  }));
  return values;
}

Values sealed(LmdbEnv& env, const Head& head) {
  auto txn = must(WriteTxn::begin(env));
  must(write_segment(*txn, SegmentId{1}, head));
  must(txn->commit());
  return values_in(env);
}

TEST_CASE("sealing is a function of the rows") {
  Head head;
  testing::fill(head, testing::random_part({}, 1));
  IndexFixture one, two;
  CHECK(sealed(*one.env, head) == sealed(*two.env, head));
}

TEST_CASE("every value has a header") {
  Head head;
  testing::fill(head, testing::random_part({}, 2));
  IndexFixture index;
  const auto values = sealed(*index.env, head);
  // Seven of every segment, one a field, the columns of user and release.
  REQUIRE(values.size() == 7 + head.fields().size() + 2);
  for (const auto& [key, value] : values) {
    REQUIRE(key.size() == 7);
    const auto piece = static_cast<SegmentPiece>(key_part<uint8_t>(key, 4));
    const FieldId field{key_part<uint16_t>(key, 5)};
    const auto bytes = as_byte_span(value);
    CHECK(PieceHeader::valid(bytes, piece));
    CHECK(PieceHeader::checksum_matches(bytes, SegmentId{1}, piece, field));
    CHECK_FALSE(PieceHeader::checksum_matches(bytes, SegmentId{2}, piece, field));
  }
}

TEST_CASE("a segment that is written bit by bit has the same values") {
  Head head;
  testing::fill(head, testing::random_part({3000, 40, 300, true}, 4));
  IndexFixture at_once;
  const Values expected = sealed(*at_once.env, head);
  size_t all = 0;
  for (const auto& [key, value] : expected) all += value.size();
  const uint64_t most = GENERATE(1u, 5'000u, 20'000u, 1u << 30);
  IndexFixture index;
  index.reopen(testing::small_index(most));
  SegmentImage image = must(seal_segment(SegmentId{1}, head));
  const uint64_t before = must(stage_segment(*index.env, image));
  size_t held = 0, lying = 0;
  for (const SegmentImage::Value& value : image.values) held += value.bytes.size();
  for (const auto& [key, value] : values_in(*index.env)) lying += value.size();
  CHECK(held <= most);
  CHECK(held + lying == all);
  CHECK(before >= lying);
  auto txn = must(WriteTxn::begin(*index.env));
  must(write_segment(*txn, std::move(image)));
  must(txn->commit());
  CHECK(values_in(*index.env) == expected);
}

TEST_CASE("what a crash left of a segment is gone before the next is written") {
  Head before, after;
  testing::fill(before, testing::random_part({3000, 40, 300, true}, 5));
  testing::fill(after, testing::random_part({10, 3, 4, false}, 6));
  IndexFixture index, untouched;
  index.reopen(testing::small_index(0));
  SegmentImage lost = must(seal_segment(SegmentId{1}, before));
  must(stage_segment(*index.env, lost));
  REQUIRE(values_in(*index.env).size() > 10);
  index.reopen(testing::small_index(1u << 30));
  SegmentImage image = must(seal_segment(SegmentId{1}, after));
  CHECK(must(stage_segment(*index.env, image)) == 0);
  CHECK(values_in(*index.env).empty());
  auto txn = must(WriteTxn::begin(*index.env));
  must(write_segment(*txn, std::move(image)));
  must(txn->commit());
  CHECK(values_in(*index.env) == sealed(*untouched.env, after));
}

TEST_CASE("large bitmaps are read where they lie") {
  Head head;
  testing::fill(head, testing::random_part({20'000, 40, 300, true}, 3));
  IndexFixture index;
  sealed(*index.env, head);
  const auto txn = index.read();
  const Key key = segment_key(SegmentId{1}, SegmentPiece::Field, model::field::kLevel);
  const auto value = *must(txn->get(Table::Segments, key.view()));
  REQUIRE(value.size() > 4096);
  // What the 16-byte header is for: LMDB starts large values at offset 16 of a page.
  const auto payload = reinterpret_cast<uintptr_t>(value.data() + kPieceHeaderBytes);
  CHECK(payload % kBitmapAlignment == 0);
}

TEST_CASE("id hashes depend on the id and on the project") {
  Uuid id;
  id.bytes[3] = 7;
  Uuid other = id;
  other.bytes[15] = 1;
  CHECK(id_hash(id, ProjectId{1}) == id_hash(id, ProjectId{1}));
  CHECK(id_hash(id, ProjectId{1}) != id_hash(id, ProjectId{2}));
  CHECK(id_hash(id, ProjectId{1}) != id_hash(other, ProjectId{1}));
}

}  // namespace
}  // namespace cairn::storage
