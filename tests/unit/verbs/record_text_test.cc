// Records as JSON lines and as a few words.
#include "verbs/record_text.h"

#include <catch2/catch.hpp>

using namespace cairn;
using namespace cairn::verbs;

namespace {

model::Record record_of(model::RecordBody body) {
  model::Record record;
  record.time = TimeUs{1'600'000'000'000'000};
  record.actor = "ada";
  record.body = std::move(body);
  return record;
}

}  // namespace

TEST_CASE("groups are named by short id, also those that are not there") {
  const model::State empty;
  const auto merged = record_of(model::Merged{ProjectId{7}, 1, {2, 40}});
  CHECK(record_kind(merged) == "merged");
  CHECK(record_json(Lsn{5}, merged, empty) ==
        R"({"lsn":5,"time":"2020-09-13T12:26:40Z","kind":"merged","actor":"ada","key":null,)"
        R"("body":{"project_id":7,"primary":"P7-1","children":["P7-2","P7-18"]}})");
  CHECK(record_summary(merged, empty) == "P7-2, P7-18 into P7-1");
}

TEST_CASE("status, assignment, activity") {
  const model::State empty;
  const auto status = record_of(
      model::StatusChanged{ProjectId{7}, 1, model::Status::Ignored, model::Substatus::Forever});
  CHECK(record_summary(status, empty) == "P7-1 is ignored/forever");
  const auto assigned = record_of(model::Assigned{ProjectId{7}, 1, ""});
  CHECK(record_summary(assigned, empty) == "P7-1 to nobody");
  CHECK(record_json(Lsn{1}, assigned, empty).find(R"("assignee":null)") != std::string::npos);
  auto note = record_of(model::ActivityAdded{ProjectId{7}, 1, "note", R"({"op":"note","t":1})"});
  note.key = Hash128{1, 0};
  const std::string json = record_json(Lsn{1}, note, empty);
  CHECK(json.find(R"("data":{"op":"note","t":1})") != std::string::npos);
  CHECK(json.find(R"("key":"00000000000000000000000000000001")") != std::string::npos);
}
