// Any bytes are a payload of the log: decoded or refused. What decodes also encodes, to something
// that decodes to the same.
#include <cstring>
#include <vector>

#include "fuzz/fuzz.h"
#include "model/record_codec.h"

using namespace cairn;

namespace {

// One record of every kind.
std::vector<model::Record> good_records() {
  model::Occurrence o;
  o.project = ProjectId{7};
  o.event_id = Uuid{};
  o.fingerprint = {"fine", "coarse"};
  o.title = "title";
  o.level_text = "error";
  o.priority = 50;
  o.event = R"({"tags":{"a":"b"}})";
  const std::vector<model::RecordBody> bodies = {
      o,
      model::StoreCreated{},
      model::ProjectChanged{ProjectId{7}, "shop", model::FingerprintPolicy::Known},
      model::TypesChanged{true, {model::GroupType{9001, "log", 1, 2}}},
      model::StatusChanged{ProjectId{7}, 1, model::Status::Ignored, model::Substatus::Forever},
      model::Merged{ProjectId{7}, 1, {2, 3}},
      model::Unmerged{ProjectId{7}, 1, {3}},
      model::ViewMade{ProjectId{7}, 4, "view", {1, 2}},
      model::Split{ProjectId{7}, 1, 5, {"a", "b"}, {"t", "c", {}}, {}},
      model::Rejoined{ProjectId{7}, 1, 5},
      model::Assigned{ProjectId{7}, 1, "user:4"},
      model::PriorityChanged{ProjectId{7}, 1, 75, true},
      model::ActivityAdded{ProjectId{7}, 1, "note", "{}"},
      model::NothingChanged{},
      model::ExperimentMade{"try", Lsn{3}},
      model::ExperimentAdded{"try", "rule", {{ProjectId{7}, 1, {2, 3}}}, {{ProjectId{7}, 4, {5}}}},
      model::ExperimentDropped{"try"},
      model::AlertRuleChanged{1, "{}"},
      model::AlertStatusChanged{{1, 2}, 4},
      model::AlertsTicked{TimeUs{60}, {{1, "k", 2.5, 1.5, false}, {2, "", {}, {}, true}}, true},
      model::AlertFired{1, ProjectId{7}, 3, 1, Uuid{}},
      model::IncidentChanged{9, model::IncidentChange::Commented, "text"},
      model::Regrouped{model::RegroupCause::Undo, "9", {}, {{ProjectId{7}, 4, {5, 1}}}}};
  std::vector<model::Record> records;
  for (const model::RecordBody& body : bodies)
    records.push_back(model::Record{TimeUs{5}, "actor", Hash128{1, 2}, body});
  return records;
}

Result<std::vector<model::Record>> decode(std::span<const std::byte> payload, uint32_t count) {
  std::vector<model::Record> records;
  const auto keep = [&records](model::Record&& record) -> Result<void> {
    records.push_back(std::move(record));
    return {};
  };
  CAIRN_TRY(model::decode_records(payload, count, keep));
  return records;
}

// NaN is the one value that differs from itself.
bool has_nan(const std::vector<model::Record>& records) {
  for (const model::Record& record : records) {
    const auto* o = std::get_if<model::Occurrence>(&record.body);
    if (o != nullptr && o->detection_time != o->detection_time) return true;
  }
  return false;
}

}  // namespace

// The first byte chooses: bytes as they come, the second saying how many records there should be,
// or damage to a good payload.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<model::Record> good = good_records();
  static const std::vector<std::byte> good_payload = model::encode_records(good);
  if (size < 2) return 0;
  const bool whole = data[0] % 2 == 0;
  const uint32_t count = whole ? data[1] : static_cast<uint32_t>(good.size());
  std::vector<std::byte> payload = good_payload;  // a vector is aligned, as the log's payloads are
  if (whole) {
    payload.resize(size - 2);
    if (size > 2) std::memcpy(payload.data(), data + 2, size - 2);
  } else {
    testing::damage(payload, data + 1, size - 1);
  }
  const auto records = decode(payload, count);
  if (!records.ok()) {
    testing::promise(records.error().code == ErrorCode::Corruption ||
                         records.error().code == ErrorCode::Unsupported,
                     "damage is Corruption or Unsupported");
    return 0;
  }
  const auto again = decode(model::encode_records(*records), count);
  testing::promise(again.ok(), "what was decoded can be written and decoded again");
  testing::promise(has_nan(*records) || *again == *records, "and is the same");
  return 0;
}
