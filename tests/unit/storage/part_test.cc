// What head and segment have in common and part_model.h does not ask for.
#include "storage/part.h"

#include "part_model.h"
#include "storage/segment.h"
#include "storage_fixture.h"

namespace cairn::storage {
namespace {

using testing::IndexFixture;
using testing::ModelRow;
using testing::must;
using testing::PartModel;

void check_events(const Part& part, const PartModel& model) {
  for (size_t i = 0; i < model.rows.size(); i += 1 + model.rows.size() / 50) {
    const uint32_t hash = model.rows[i].event_hash;
    const std::vector<Ordinal> found = part.find_event(hash);
    CHECK(std::is_sorted(found.begin(), found.end()));
    CHECK(testing::lsns_of(part, Bitmap::from_sorted(found)) ==
          model.where([&](const ModelRow& row) { return row.event_hash == hash; }));
  }
}

TEST_CASE_METHOD(IndexFixture, "occurrences by the hash of their event's id") {
  for (const uint32_t rows : {1u, 127u, 128u, 1024u, 1025u, 5000u}) {
    INFO(rows << " rows");
    testing::ModelShape shape;
    shape.rows = rows;
    const PartModel model = testing::random_part(shape, rows);
    Head head;
    testing::fill(head, model);
    check_events(head, model);
    auto txn = must(WriteTxn::begin(*env));
    must(write_segment(*txn, SegmentId{rows}, head));
    must(txn->commit());
    const auto reader = must(ReadTxn::begin(*env));
    check_events(*must(open_segment(*reader, SegmentId{rows})), model);
  }
}

TEST_CASE("no event id has the hash that stands for none") {
  Uuid id;
  for (uint32_t i = 0; i < 10'000; ++i) {
    id.bytes[0] = static_cast<uint8_t>(i);
    id.bytes[1] = static_cast<uint8_t>(i >> 8);
    if (event_hash(id) == 0) FAIL("of " << i);
  }
}

}  // namespace
}  // namespace cairn::storage
