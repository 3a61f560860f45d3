// Tables: what query/aggregate.cc makes of rows, values and order.
#include <catch2/catch.hpp>

#include "query/number_stats.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

using Rows = std::vector<std::string>;

class Tables : public Shop {
 public:
  Tables() {
    const auto body = [](const char* release, const char* user, const char* more = "") {
      std::string text = R"("release":")" + std::string(release) + "\"";
      if (*user != '\0') text += R"(,"user":{"id":")" + std::string(user) + R"("})";
      return text + more;
    };
    event({"a", "2026-11-21T08:10:00Z", "A", "error", body("1.0", "1")});
    event({"a", "2026-11-21T08:50:00Z", "A", "error", body("1.1", "1")});
    seal();
    event({"b", "2026-11-21T10:00:00Z", "B", "fatal",
           body("1.0", "2", R"(,"exception":{"values":[{"type":"X"},{"type":"Y"}]})")});
    event({"b", "2026-11-21T10:59:59Z", "B", "error", body("1.0", "1")});
    event({"c", "2026-11-21T11:00:00Z", "C", "error", ""});
  }
};

TEST_CASE_METHOD(Tables, "count and uniq of everything are one row") {
  CHECK(table("| count()") == Rows{"5"});
  CHECK(table("level:error | count() uniq(user) uniq(release)") == Rows{"4 1 2"});
  CHECK(table("level:debug | count() uniq(user)") == Rows{"0 0"});
}

TEST_CASE_METHOD(Tables, "rows by a field, largest first, then by name; none is a row too") {
  CHECK(table("| count() by release") == Rows{"1.0 3", "- 1", "1.1 1"});
  CHECK(table("| count() uniq(user) by release") == Rows{"1.0 3 2", "- 1 0", "1.1 1 1"});
  CHECK(table("| count() by user") == Rows{"id:1 3", "- 1", "id:2 1"});
  CHECK(table("| count() by never_seen") == Rows{"- 5"});
  CHECK(table("| uniq(issue) by release") == Rows{"1.0 2", "- 1", "1.1 1"});
}

TEST_CASE_METHOD(Tables, "an occurrence with several values counts under each") {
  CHECK(table("level:fatal | count() by error.type") == Rows{"X 1", "Y 1"});
  CHECK(table("| uniq(error.type)") == Rows{"2"});
}

TEST_CASE_METHOD(Tables, "rows by issue and project") {
  CHECK(table("| count() by issue") == Rows{"SHOP-1 2", "SHOP-2 2", "SHOP-3 1"});
  CHECK(table("| count() by project") == Rows{"SHOP 5"});
  CHECK(table("| count() by issue, release") ==
        Rows{"SHOP-2 1.0 2", "SHOP-1 1.0 1", "SHOP-1 1.1 1", "SHOP-3 - 1"});
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(table("| count() by issue") == Rows{"SHOP-1 4", "SHOP-3 1"});
  CHECK(table("is:unresolved issue:SHOP-2 | count()") == Rows{"4"});
}

TEST_CASE_METHOD(Tables, "rows by what the issue is, and how many issues there are") {
  command(model::AssignCommand{GroupId{2}, "user:7"});
  command(model::SetStatusCommand{GroupId{3}, model::Status::Resolved, model::Substatus::None});
  CHECK(table("| count() issues() by status") == Rows{"unresolved 4 2", "resolved 1 1"});
  CHECK(table("| issues() by assigned") == Rows{"- 2", "user:7 1"});
  CHECK(table("| issues()") == Rows{"3"});
  CHECK(table("level:fatal | issues() uniq(assigned)") == Rows{"1 1"});
  CHECK(table("| uniq(user) by substatus, release") == Rows{"new 1.0 2", "new 1.1 1", "- - 0"});
  CHECK(table("| issues() by status every 1d") ==
        Rows{"2026-11-21T00:00:00Z unresolved 2", "2026-11-21T00:00:00Z resolved 1"});
  CHECK(table("| count() issues() by issue.type, priority, issue.category, project") ==
        Rows{"error medium error SHOP 5 3"});
  CHECK(table("level:debug | issues()") == Rows{"0"});
}

TEST_CASE_METHOD(Tables, "issues are counted as they are shown") {
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(table("| issues() count()") == Rows{"2 5"});
  CHECK(table("| issues() by release") == Rows{"- 1", "1.0 1", "1.1 1"});
}

TEST_CASE_METHOD(Tables, "buckets of time, in order, empty ones left out") {
  CHECK(table("| count() uniq(user) every 1h") ==
        Rows{"2026-11-21T08:00:00Z 2 1", "2026-11-21T10:00:00Z 2 2", "2026-11-21T11:00:00Z 1 0"});
  CHECK(table("| count() by level every 1d") ==
        Rows{"2026-11-21T00:00:00Z error 4", "2026-11-21T00:00:00Z fatal 1"});
}

TEST_CASE_METHOD(Tables, "times before 1970 fall into the bucket that holds them") {
  event({"old", "1969-12-31T23:30:00Z"});
  CHECK(table("timestamp:<1970-01-01 | count() every 1h") == Rows{"1969-12-31T23:00:00Z 1"});
}

TEST_CASE_METHOD(Tables, "top is count by one field") {
  CHECK(table("| top 1 release") == Rows{"1.0 3"});
  CHECK(table("issue:SHOP-1 | top 50 release") == Rows{"1.0 1", "1.1 1"});
}

// Five durations of three shops, one of them no number.
class Durations : public Shop {
 public:
  Durations() {
    for (const char* tags :
         {R"("took":"120ms","shop":"a")", R"("took":"80","shop":"a")", R"("took":"1s","shop":"a")",
          R"("took":"40","shop":"b")", R"("took":"long","shop":"b")", R"("shop":"c")"}) {
      event({"x", "2026-11-21T1" + std::to_string(hours_) + ":00:00Z", "X", "error",
             R"("tags":{)" + std::string(tags) + "}"});
      if (++hours_ == 3) seal();
    }
  }

 private:
  int hours_ = 0;
};

TEST_CASE_METHOD(Durations, "functions of numbers") {
  CHECK(table("| sum(took) avg(took) min(took) max(took)") == Rows{"1240 310 40 1000"});
  CHECK(table("| p50(took) p75(took) p99(took)") == Rows{"80 120 1000"});
  CHECK(table("| count() sum(took) avg(took) p95(took) by shop") ==
        Rows{"a 3 1200 400 1000", "b 2 40 40 40", "c 1 0 - -"});
  CHECK(table("shop:c | sum(took) max(took)") == Rows{"0 -"});
  CHECK(table("| max(never_seen)") == Rows{"-"});
  CHECK(table("| min(timestamp) max(timestamp)") ==
        Rows{"2026-11-21T10:00:00Z 2026-11-21T15:00:00Z"});
}

TEST_CASE_METHOD(Durations, "other names and other percentiles") {
  CHECK(table("| count_unique(shop) uniq(shop)") == Rows{"3 3"});
  CHECK(table("| percentile(took, 0.5) percentile(took, 0.26) percentile(took, 0)") ==
        Rows{"80 80 40"});
  CHECK(table("| percentile(took, 1) percentile(took, 0.750001)") == Rows{"1000 1000"});
  CHECK(table("| percentile(took, 0.25) | where percentile(took, 0.25) > 10") == Rows{"40"});
}

// 0.07 of 100 is 7, and a double says a little more.
TEST_CASE("a percentile of exactly so many numbers") {
  query::NumberStats stats;
  for (int number = 1; number <= 100; ++number) stats.add(number, true);
  query::BoundCall call;
  call.function = query::BoundCall::Function::Percentile;
  call.per_million = 70'000;
  CHECK(stats.answer(call) == 7);
  call.per_million = 70'001;
  CHECK(stats.answer(call) == 8);
}

TEST_CASE_METHOD(Durations, "rates are of the time the filter names, or of the occurrences'") {
  CHECK(table("timestamp:>=2026-11-21T10:00:00Z timestamp:<2026-11-21T12:00:00Z | rate(1h)") ==
        Rows{"1"});
  CHECK(table("timestamp:-2h | rate(30m)") == Rows{"0.5"});
  CHECK(table("shop:a | count() rate(1h)") == Rows{"2 1"});
  CHECK(table("shop:a | rate(1m) every 2h") == Rows{"2026-11-21T10:00:00Z 0.0166667"});
  CHECK(table("shop:none | rate(1h)") == Rows{"-"});
}

// Now is noon: half of the occurrences come later.
TEST_CASE_METHOD(Durations, "what comes after now is in no rate and in no comparison") {
  CHECK(table("timestamp:2026-11-21 | count() rate(12h)") == Rows{"2 2"});
  CHECK(table("timestamp:2026-11-21 | count()") == Rows{"6"});
  CHECK(table("timestamp:>=2026-11-22 | count() rate(1h)") == Rows{"0 -"});
  CHECK(table("timestamp:>=2026-11-21 | fields short_id, count(), rate(12h)") ==
        Rows{"SHOP-1 6 2"});
  CHECK(table("timestamp:>=2026-11-21T11:00:00Z | count() vs 1h") == Rows{"1 1 0"});
  CHECK(table("timestamp:2026-11-21 | count() vs 1h") == Rows{"2 1 100"});
}

TEST_CASE_METHOD(Durations, "rows without a value are the last ones, whichever way they go") {
  CHECK(table("| max(took) by shop | sort max(took)") == Rows{"b 40", "a 1000", "c -"});
  CHECK(table("| max(took) by shop | sort -max(took)") == Rows{"a 1000", "b 40", "c -"});
  CHECK(table("| max(took) by shop | sort max(took) | limit 2") == Rows{"b 40", "a 1000"});
  CHECK(table("| max(took) by shop | sort max(took) | limit 1") == Rows{"b 40"});
}

TEST_CASE_METHOD(Durations, "conditions on rows") {
  CHECK(table("| count() by shop | where count() > 1") == Rows{"a 3", "b 2"});
  CHECK(table("| count() max(took) by shop | where max(took) <= 1s") == Rows{"a 3 1000", "b 2 40"});
  CHECK(table("| count() by shop | where count > 1 | where count < 3 | sort shop") == Rows{"b 2"});
  CHECK(table("| count() max(timestamp) by shop | where max(timestamp) > 2026-11-21T14:30:00Z") ==
        Rows{"c 1 2026-11-21T15:00:00Z"});
  const auto cut = must(query::aggregate(
      view(), parsed("| count() by shop | where count() > 1 | limit 1"), options()));
  CHECK(cut.total == 2);
}

TEST_CASE_METHOD(Tables, "sort and limit") {
  CHECK(table("| count() by release | sort -release") == Rows{"1.1 1", "1.0 3", "- 1"});
  CHECK(table("| count() by release | sort count()") == Rows{"- 1", "1.1 1", "1.0 3"});
  CHECK(table("| count() by user | sort user") == Rows{"id:1 3", "id:2 1", "- 1"});
  CHECK(table("| count() by user | sort -user") == Rows{"id:2 1", "id:1 3", "- 1"});
  CHECK(table("| count() by release | sort -count() | limit 1") == Rows{"1.0 3"});
  CHECK(table("| count() every 1h | sort -time | limit 1") == Rows{"2026-11-21T11:00:00Z 1"});
  const auto cut =
      must(query::aggregate(view(), parsed("| count() by release | limit 1"), options()));
  CHECK(cut.total == 3);
  CHECK(cut.columns.at(0).name == "release");
  CHECK(cut.columns.at(0).type == "string");
  CHECK(cut.columns.at(1).name == "count()");
  CHECK(cut.columns.at(1).type == "integer");
}

TEST_CASE_METHOD(
    Tables, "levels are sorted by their own order, and what is asked beside a limit bounds it") {
  const auto rows = [&](const std::string& text, std::optional<uint32_t> limit) {
    query::SearchOptions asked = options();
    asked.limit = limit;
    std::vector<std::string> levels;
    for (const auto& row : must(query::aggregate(view(), parsed(text), asked)).rows) {
      levels.push_back(std::get<std::string>(row.at(0).value));
    }
    return levels;
  };
  const std::vector<std::string> down = rows("| count() by level | sort -level", {});
  std::vector<std::string> up = rows("| count() by level | sort level", {});
  REQUIRE(down.size() > 1);
  for (size_t i = 1; i < down.size(); ++i) {
    INFO(down[i - 1] << " before " << down[i]);
    CHECK(*model::parse_level(down[i - 1]) > *model::parse_level(down[i]));
  }
  std::reverse(up.begin(), up.end());
  CHECK(up == down);
  CHECK(rows("| top 1 level", 5).size() == 1);
  CHECK(rows("| count() by level | limit 2", 1).size() == 1);
}

TEST_CASE_METHOD(Tables, "wrong tables are told what would be right") {
  const auto check = [&](const std::string& text, uint32_t position, const std::string& part) {
    const Error found = error(text);
    INFO(text << " -> " << found.message);
    CHECK(found.code == ErrorCode::InvalidArgument);
    CHECK(found.position == position);
    CHECK(found.message.find(part) != std::string::npos);
  };
  check("| cuont()", 2, "did you mean \"count\"?");
  check("| count(user)", 8, "no argument");
  check("| uniq()", 2, "one field");
  check("| count() by timestamp", 13, "every 1h");
  check("| count() by times_seen", 13, "none of them");
  check("| median(user)", 2, "did you mean \"p50\"?");
  check("| issues(user)", 9, "no argument");
  check("| percentile(user)", 2, "percentile(tags[duration], 0.95)");
  check("| percentile(user, 95)", 19, "no fraction");
  check("| count() trend(24h)", 10, "column of issues");
  check("| histogram issue", 12, "no number");
  check("| histogram took 1", 17, "between 2 and 1000");
  check("| count() by user.id", 13, "write user");
  check("| count() | count()", 12, "two");
  check("| sort date | count()", 14, "after the table");
  check("| count() by level | sort levle", 26, "did you mean \"level\"?");
  check("| count() by level, level", 2, "twice");
  check("| sum(user)  p42(user)", 13, "write percentile(FIELD, 0.42)");
  check("| rate(fast)", 2, "length of time");
  check("| sum(issue)", 6, "is no number");
  check("| max()", 2, "one field");
  check("| count() | where uniq(user) > 3", 18, "no column");
  check("| count() by level | where level > 3", 27, "in front of");
  check("| count() | where count() > many", 28, "no number");
  check("| max(timestamp) | where max(timestamp) > 3", 42, "no time");
  check("| count() | limit 3 | where count() > 1", 22, "before sort and limit");
  check("| count() by level | limit 2 | sort count()", 31, "sort before limit");
  check("| top 3 release | sort count()", 18, "count() by FIELD");
  check("| count() by level | where count() > 10%", 37, "no number");
  check("level:error | where count() > 1", 14, "rows of a table");
  check("| count() by release.version", 13, "whole names");
}

}  // namespace
}  // namespace cairn::testing
