#include "part_model.h"
#include "storage/coding.h"
#include "storage/segment.h"
#include "storage/segment_format.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::code_of;
using testing::fill;
using testing::IndexFixture;
using testing::must;
using testing::random_part;

void seal(LmdbEnv& env, SegmentId id, const Head& head) {
  auto txn = must(WriteTxn::begin(env));
  must(write_segment(*txn, id, head));
  must(txn->commit());
}

using Blob = std::pair<std::string, std::string>;

std::vector<Blob> blobs_of(const ReadTxn& txn) {
  std::vector<Blob> blobs;
  must(txn.scan(Table::Segments, {}, {}, [&](std::string_view key, auto value) {
    blobs.emplace_back(key, as_chars(value));
    return true;
  }));
  return blobs;
}

void replace(LmdbEnv& env, const std::string& key, std::string_view value) {
  auto txn = must(WriteTxn::begin(env));
  must(txn->put(Table::Segments, key, value));
  must(txn->commit());
}

// Asks everything of a part that may be damaged. Answers do not matter, only that they come.
void exercise(const Part& part) {
  const Ordinal size = part.size();
  const auto touch = [&](Ordinal o) {
    if (o >= size) FAIL("ordinal " << o << " is outside");
    return raw(part.lsn(o)) + static_cast<uint64_t>(raw(part.time(o))) + raw(part.user(o)) +
           raw(part.fingerprint(o));
  };
  uint64_t sum = 0;
  for (const FieldId field : part.fields()) {
    Bitmap any = part.any(field);
    any.for_each([&](Ordinal o) { sum += touch(o); });
    std::vector<ValueId> values;
    part.for_each_value(field, [&](ValueId value, const Bitmap& bitmap) {
      bitmap.for_each([&](Ordinal o) { sum += touch(o); });
      values.push_back(value);
      return true;
    });
    for (const ValueId value : values) {
      any.or_with(part.posting(field, value));
      sum += part.posting_cardinality(field, value);
    }
    any.flip(size);
    part.roll_up(&any, [&](const FingerprintRollup& r) { sum += r.count; });
  }
  part.in_time(TimeUs{raw(part.min_time()) + 1}, part.max_time()).for_each([&](Ordinal o) {
    sum += touch(o);
  });
  part.of_fingerprints(std::vector<bool>(100, true)).for_each([&](Ordinal o) { sum += touch(o); });
  part.roll_up(nullptr, [&](const FingerprintRollup& r) { sum += r.count; });
  for (uint32_t f = 0; f < 60; ++f) {
    part.for_each_of(FingerprintId{f}, nullptr, [&](Ordinal o) { sum += touch(o); });
  }
  for (uint64_t i = 0; i < 20; ++i) {
    for (const Ordinal o : part.find_id(i * 0x0d00'0000'0000'0001)) sum += touch(o);
  }
  INFO(sum);
}

TEST_CASE("a segment answers like a scan") {
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  // From values that fit beside their key to bitmaps of several containers.
  const uint32_t rows = std::array{1u, 30u, 3000u, 66'000u}[GENERATE(0u, 1u, 2u, 3u)];
  if (rows > 3000 && seed > 1) return;
  INFO("rows " << rows);
  const auto model = random_part({rows, 40, 300, true}, seed);
  Head head;
  fill(head, model);
  IndexFixture index;
  seal(*index.env, SegmentId{4}, head);
  index.reopen();
  const auto txn = index.read();
  const auto part = must(open_segment(*txn, SegmentId{4}, true));
  testing::check_part(*part, model, seed);
  const auto info = must(segment_info(*txn, SegmentId{4}));
  CHECK(info.id == SegmentId{4});
  CHECK(info.occurrences == rows);
  CHECK(info.min_time == head.min_time());
  CHECK(info.max_time == head.max_time());
  CHECK(info.min_lsn == model.rows.front().lsn);
  CHECK(info.max_lsn == model.rows.back().lsn);
  uint64_t bytes = 0;
  for (const Blob& blob : blobs_of(*txn)) bytes += blob.second.size();
  CHECK(info.bytes == bytes);
}

TEST_CASE("few fingerprints: roll-up by rank") {
  const auto model = random_part({60'000, 3, 300, true}, 9);
  Head head;
  fill(head, model);
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  const auto txn = index.read();
  testing::check_groups(*must(open_segment(*txn, SegmentId{1})), model, 9);
}

TEST_CASE("occurrences lie by project, fingerprint, time and LSN") {
  const auto model = random_part({}, 6);
  Head head;
  fill(head, model);
  std::map<FingerprintId, ProjectId> projects;
  for (Ordinal o = 0; o < head.size(); ++o) projects[head.fingerprint(o)] = head.project(o);
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  const auto txn = index.read();
  const auto part = must(open_segment(*txn, SegmentId{1}));
  const auto place = [&](Ordinal o) {
    const FingerprintId f = part->fingerprint(o);
    return std::tuple(projects[f], f, part->time(o), part->lsn(o));
  };
  for (Ordinal o = 1; o < part->size(); ++o) REQUIRE(place(o - 1) < place(o));
}

TEST_CASE("segments are listed, and unknown ones are not found") {
  IndexFixture index;
  CHECK(must(list_segments(*index.read())).empty());
  Head head;
  fill(head, random_part({50, 5, 20, true}, 1));
  const std::vector<SegmentId> ids = {SegmentId{1}, SegmentId{2}, SegmentId{700},
                                      SegmentId{UINT32_MAX}};
  for (const SegmentId id : ids) seal(*index.env, id, head);
  const auto txn = index.read();
  CHECK(must(list_segments(*txn)) == ids);
  CHECK(code_of(open_segment(*txn, SegmentId{3})) == ErrorCode::NotFound);
  CHECK(code_of(segment_info(*txn, SegmentId{3})) == ErrorCode::NotFound);
}

TEST_CASE("every flipped byte is found by checksums, and harmless without") {
  Head head;
  fill(head, random_part({60, 6, 10, true}, 2));
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  const auto blobs = blobs_of(*index.read());
  // Each try is a synced commit, so behind headers and arrays every fifth byte has to do.
  uint64_t tried = 0, opened = 0;
  for (const Blob& blob : blobs) {
    for (size_t at = 0; at < blob.second.size(); at += at < 64 ? 1 : 5) {
      std::string damaged = blob.second;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (tried % 8)));
      replace(*index.env, blob.first, damaged);
      const auto txn = index.read();
      REQUIRE(code_of(open_segment(*txn, SegmentId{1}, true)) == ErrorCode::Corruption);
      if (const auto part = open_segment(*txn, SegmentId{1}); part.ok()) {
        exercise(**part);
        ++opened;
      } else {
        REQUIRE(part.error().code == ErrorCode::Corruption);
        REQUIRE(part.error().message.find("segment 1") != std::string::npos);
      }
      ++tried;
    }
    replace(*index.env, blob.first, blob.second);
  }
  CHECK(opened > 0);
  CHECK(opened < tried);
  must(open_segment(*index.read(), SegmentId{1}, true));
}

TEST_CASE("truncated, extended and missing values are found without checksums") {
  Head head;
  fill(head, random_part({60, 6, 10, true}, 3));
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  for (const Blob& blob : blobs_of(*index.read())) {
    for (size_t size = 0; size <= blob.second.size(); size += 1 + size / 5) {
      if (size == blob.second.size()) continue;
      replace(*index.env, blob.first, blob.second.substr(0, size));
      REQUIRE(code_of(open_segment(*index.read(), SegmentId{1})) == ErrorCode::Corruption);
    }
    replace(*index.env, blob.first, blob.second + '\0');
    REQUIRE(code_of(open_segment(*index.read(), SegmentId{1})) == ErrorCode::Corruption);
    {
      auto txn = index.write();
      must(txn->erase(Table::Segments, blob.first));
      must(txn->commit());
    }
    REQUIRE(code_of(open_segment(*index.read(), SegmentId{1})) == ErrorCode::Corruption);
    replace(*index.env, blob.first, blob.second);
  }
}

TEST_CASE("a value under another's key is found") {
  Head head;
  fill(head, random_part({60, 6, 10, true}, 4));
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  const Key level = segment_key(SegmentId{1}, SegmentPiece::Field, model::field::kLevel);
  const Key title = segment_key(SegmentId{1}, SegmentPiece::Field, model::field::kTitle);
  const std::string value(as_chars(*must(index.read()->get(Table::Segments, level.view()))));
  replace(*index.env, std::string(title.view()), value);
  CHECK(code_of(open_segment(*index.read(), SegmentId{1}, true)) == ErrorCode::Corruption);
}

// Damage with a right checksum: what a fuzzer does, and what a buggy writer would.
TEST_CASE("random damage never reads outside") {
  const uint64_t seed = 17;
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  Head head;
  fill(head, random_part({400, 6, 30, true}, 5));
  IndexFixture index;
  seal(*index.env, SegmentId{1}, head);
  const auto blobs = blobs_of(*index.read());
  int opened = 0;
  for (int round = 0; round < 400; ++round) {
    auto txn = index.write();
    for (const Blob& blob : blobs) {
      std::string damaged = blob.second;
      const uint64_t changes = rng() % 3 == 0 ? 1 + rng() % 4 : 0;
      for (uint64_t n = 0; n < changes; ++n) {
        const size_t at = 16 + rng() % (damaged.size() - 16);
        damaged[at] = static_cast<char>(rng() % 3 == 0 ? 0xff : rng());
      }
      must(txn->put(Table::Segments, blob.first, damaged));
    }
    must(txn->commit());
    const auto read = index.read();
    if (const auto part = open_segment(*read, SegmentId{1}); part.ok()) {
      exercise(**part);
      ++opened;
    }
  }
  CHECK(opened > 5);
}

}  // namespace
}  // namespace cairn::storage
