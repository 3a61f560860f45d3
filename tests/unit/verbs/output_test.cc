// The JSON shapes that scripts rely on.
#include "verbs/output.h"

#include <catch2/catch.hpp>
#include <string>

#include "model/state.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

model::Record occurrence(uint8_t number, std::string fingerprint, double time) {
  model::Occurrence value;
  value.id.bytes[15] = number;
  value.project = ProjectId{7};
  value.fingerprint = {std::move(fingerprint)};
  value.title = "disk \"full\"";
  value.type = 1;
  value.level_text = "error";
  value.detection_time = time;
  model::Record record;
  record.time = TimeUs{1'000'000};
  record.body = std::move(value);
  return record;
}

model::State two_merged_groups() {
  model::State state;
  uint64_t lsn = 0;
  const auto apply = [&](const model::Record& record) { REQUIRE(state.apply(record, Lsn{++lsn})); };
  apply(occurrence(1, "a", 1000));
  apply(occurrence(2, "b", 2000.5));
  apply(occurrence(3, "b", 1500));
  model::Record merge;
  merge.body = model::Merged{ProjectId{7}, 1, {2}};
  apply(merge);
  return state;
}

}  // namespace

TEST_CASE("a search page") {
  const model::State state = two_merged_groups();
  query::SearchPage page;
  page.lsn = Lsn{4};
  page.total = 1;
  page.issues.push_back({GroupId{1}, 2, 1, {}, {}, {}});
  CHECK(page_json(state, page) ==
        R"({"lsn":4,"total":1,"next":null,"prev":null,"issues":[{"id":1,"short_id":"P7-1",)"
        R"("project_id":7,)"
        R"("title":"disk \"full\"","status":"unresolved","substatus":"new","level":"error",)"
        R"("priority":"medium","type":1,"assignee":null,"first_seen":"1970-01-01T00:16:40Z",)"
        R"("last_seen":"1970-01-01T00:33:20.500Z","times_seen":3,"count":2,"users":1,)"
        R"("merged":["P7-2"]}]})");
  page.issues.front().trend = {0, 3};
  page.trend_bucket_us = 60 * kMicrosPerSecond;
  const std::string with_trend = page_json(state, page);
  CHECK(with_trend.ends_with(R"("merged":["P7-2"],"trend":[0,3]}],"trend_bucket_seconds":60})"));
  page.issues.clear();
  page.next = "token";
  page.prev = "other";
  CHECK(page_json(state, page) ==
        R"({"lsn":4,"total":1,"next":"token","prev":"other","issues":[]})");
}

TEST_CASE("an aggregate table") {
  query::Table table;
  table.lsn = Lsn{9};
  table.total = 637;
  table.columns = {{"time", "time"}, {"release", "string"}, {"count()", "integer"}};
  table.rows = {{{TimeUs{0}}, {std::string("1.0")}, {int64_t{5}}},
                {{std::monostate()}, {std::monostate()}, {0.5}}};
  CHECK(table_json(table) ==
        R"js({"lsn":9,"total":637,"columns":[{"name":"time","type":"time"},)js"
        R"js({"name":"release","type":"string"},{"name":"count()","type":"integer"}],)js"
        R"js("rows":[["1970-01-01T00:00:00Z","1.0",5],[null,null,0.5]]})js");
}

TEST_CASE("a trend in a table") {
  query::Table table;
  table.lsn = Lsn{9};
  table.total = 1;
  table.columns = {{"trend(2h)", "trend"}};
  table.rows = {{{std::vector<uint64_t>{2, 0, 1}}}};
  CHECK(table_json(table) ==
        R"js({"lsn":9,"total":1,"columns":[{"name":"trend(2h)","type":"trend"}],)js"
        R"js("rows":[[[2,0,1]]]})js");
  CHECK(cell_text(table.rows[0][0]) == "2 0 1");
}

TEST_CASE("numbers of a table for people") {
  const auto text = [](double value) { return cell_text({value}); };
  CHECK(text(740740749) == "740740749");
  CHECK(text(-12345678901234) == "-12345678901234");
  CHECK(text(0) == "0");
  CHECK(text(1e22) == "1e+22");
  CHECK(text(740740749.5) == "740740749.50");
  CHECK(text(12345.678) == "12345.68");
  CHECK(text(1937.5) == "1937.5");
  CHECK(text(100.0 / 3) == "33.3333");
  CHECK(text(0.000012345678) == "1.23457e-05");
}

TEST_CASE("errors") {
  Error error = make_error(ErrorCode::InvalidArgument, "a \"b\"");
  CHECK(error_json(error) ==
        R"({"error":{"code":"invalid_argument","message":"a \"b\"","position":null}})");
  error.position = 3;
  CHECK(error_json(error) ==
        R"({"error":{"code":"invalid_argument","message":"a \"b\"","position":3}})");
}

TEST_CASE("names") {
  CHECK(model::priority_name(25) == "low");
  CHECK(model::priority_name(50) == "medium");
  CHECK(model::priority_name(75) == "high");
  CHECK(model::priority_name(0) == "0");
  using model::Status;
  using model::Substatus;
  CHECK(status_text({Status::Unresolved, Substatus::New, {}}) == "new");
  CHECK(status_text({Status::Ignored, Substatus::Forever, {}}) == "archived");
  CHECK(status_text({Status::Resolved, Substatus::None, {}}) == "resolved");
  CHECK(cell_text({}) == "-");
  CHECK(outcome_name(engine::Outcome::NoChange) == "no_change");
}
