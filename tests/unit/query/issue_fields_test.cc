// Lists of issues as tables: `fields`, and trends.
#include "query/issue_fields.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

using Rows = std::vector<std::string>;

class ThreeIssues : public Shop {
 public:
  ThreeIssues() {
    add("a", "2026-11-21T08:10:00Z", "1", "10");
    add("a", "2026-11-21T11:50:00Z", "2", "20");
    seal();
    add("b", "2026-11-20T10:00:00Z", "1", "90");
    add("b", "2026-11-21T10:30:00Z", "1", "30");
    add("b", "2026-11-21T11:59:59Z", "1", "60");
    add("c", "2026-11-21T11:00:00Z", "3", "no");
    command(model::AssignCommand{GroupId{2}, "user:7"});
    command(model::SetStatusCommand{GroupId{3}, model::Status::Resolved, model::Substatus::None});
  }

 private:
  void add(const std::string& fingerprint, const char* time, const char* user, const char* took) {
    event({fingerprint, time, "T " + fingerprint, "error",
           R"("user":{"id":")" + std::string(user) + R"("},"tags":{"took":")" + took + R"("})"});
  }
};

TEST_CASE_METHOD(ThreeIssues, "columns of issues and of their matching occurrences") {
  CHECK(table("| fields short_id, title, count(), uniq(user)") ==
        Rows{"SHOP-2 T b 3 1", "SHOP-1 T a 2 2", "SHOP-3 T c 1 1"});
  CHECK(table("user.id:1 | fields issue, count(), times_seen, max(took), max(timestamp)") ==
        Rows{"SHOP-2 3 3 90 2026-11-21T11:59:59Z", "SHOP-1 1 2 10 2026-11-21T08:10:00Z"});
  CHECK(table("| fields id, status, substatus, assigned, priority, type, project, level, merged") ==
        Rows{"2 unresolved new user:7 medium error SHOP error 0",
             "1 unresolved new - medium error SHOP error 0",
             "3 resolved - - medium error SHOP error 0"});
  CHECK(table("issue:SHOP-1 | fields first_seen, last_seen") ==
        Rows{"2026-11-21T08:10:00Z 2026-11-21T11:50:00Z"});
  CHECK(table("level:debug | fields title").empty());
}

TEST_CASE_METHOD(ThreeIssues, "what people see is the issue that others are merged into") {
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(table("| fields short_id, merged, count(), uniq(user), times_seen | sort short_id") ==
        Rows{"SHOP-1 1 5 2 5", "SHOP-3 0 1 1 1"});
}

TEST_CASE_METHOD(ThreeIssues, "the list is sorted and cut before, or its rows behind") {
  CHECK(table("| sort new | limit 2 | fields short_id") == Rows{"SHOP-3", "SHOP-1"});
  CHECK(table("| fields short_id | limit 1") == Rows{"SHOP-2"});
  CHECK(table("| fields short_id, uniq(user) | sort -uniq(user)") ==
        Rows{"SHOP-1 2", "SHOP-2 1", "SHOP-3 1"});
  CHECK(table("| sort freq | limit 2 | fields short_id, count() | sort count()") ==
        Rows{"SHOP-1 2", "SHOP-2 3"});
  CHECK(table("| fields short_id, sum(took) | where sum(took) > 20 | sort sum(took)") ==
        Rows{"SHOP-1 30", "SHOP-2 180"});
  CHECK(table("| fields short_id, last_seen | where last_seen > 2026-11-21T11:30:00Z") ==
        Rows{"SHOP-2 2026-11-21T11:59:59Z", "SHOP-1 2026-11-21T11:50:00Z"});
}

TEST_CASE_METHOD(ThreeIssues, "a list that is chosen by its columns keeps its order") {
  CHECK(table("| sort new | fields short_id, count() | where count() > 0") ==
        Rows{"SHOP-3 1", "SHOP-1 2", "SHOP-2 3"});
  CHECK(table("| sort user | fields short_id | limit 1") == Rows{"SHOP-1"});
  CHECK(table("| sort user | fields short_id, count() | where count() > 0 | limit 1") ==
        Rows{"SHOP-1 2"});
  query::SearchOptions asked = options();
  asked.sort = query::Sort::New;
  const auto answer =
      must(query::aggregate(view(), parsed("| fields id, uniq(user) | sort uniq(user)"), asked));
  REQUIRE(answer.rows.size() == 3);
  CHECK(answer.rows[0][0].value == query::Cell{int64_t{3}}.value);  // 2 and 3 have one user each
  CHECK(answer.rows[1][0].value == query::Cell{int64_t{2}}.value);
}

TEST_CASE_METHOD(ThreeIssues, "totals tell of the rows before the limit") {
  const auto total = [&](const std::string& text) {
    return must(query::aggregate(view(), parsed(text), options())).total;
  };
  CHECK(total("| fields title | limit 1") == 3);
  CHECK(total("| fields title, count() | where count() > 1 | limit 1") == 2);
  CHECK(total("| sort freq | limit 2 | fields title, count() | sort count()") == 2);
}

TEST_CASE_METHOD(ThreeIssues, "trends are columns of many counts, the last bucket up to now") {
  const auto answer = must(query::aggregate(
      view(), parsed("| fields short_id, trend(24h), trend(1h) | limit 2"), options()));
  CHECK(answer.columns[1].name == "trend(24h)");
  CHECK(answer.columns[1].type == "trend");
  const auto counts = [&](size_t row, size_t column) {
    return std::get<std::vector<uint64_t>>(answer.rows.at(row).at(column).value);
  };
  std::vector<uint64_t> hours(24, 0);
  hours[22] = 1;
  hours[23] = 1;
  CHECK(counts(0, 1) == hours);
  CHECK(counts(0, 2) == std::vector<uint64_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(counts(1, 2) == std::vector<uint64_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0});
}

TEST_CASE_METHOD(ThreeIssues, "a page of issues with trends") {
  const auto page = must(query::search(view(), parsed("| sort new | trend 2h"), options()));
  REQUIRE(page.issues.size() == 3);
  CHECK(page.trend_bucket_us == 300 * kMicrosPerSecond);
  std::vector<uint64_t> counts(24, 0);
  counts[11] = 1;
  CHECK(page.issues[0].trend == counts);
}

TEST_CASE_METHOD(ThreeIssues, "a trend has the widest handy buckets that are twelve at least") {
  const auto shape = [&](const std::string& length) {
    const auto page = must(query::search(view(), parsed("| trend " + length), options()));
    return fmt::format("{}x{}", page.issues.at(0).trend.size(),
                       page.trend_bucket_us / kMicrosPerSecond);
  };
  CHECK(shape("24h") == "24x3600");
  CHECK(shape("14d") == "14x86400");
  CHECK(shape("1h") == "12x300");
  CHECK(shape("1w") == "14x43200");
  CHECK(shape("12w") == "12x604800");
  CHECK(shape("90d") == "90x86400");
  CHECK(shape("7s") == "7x1");
}

TEST_CASE_METHOD(ThreeIssues, "rates are of the time the whole query has") {
  CHECK(table("timestamp:-24h | fields short_id, rate(24h)") ==
        Rows{"SHOP-2 2", "SHOP-1 2", "SHOP-3 1"});
  // From the first match, which is another issue's.
  CHECK(table("| fields short_id, rate(26h) | limit 2") == Rows{"SHOP-2 3", "SHOP-1 2"});
}

TEST_CASE_METHOD(ThreeIssues, "wrong lists say what is right") {
  const auto check = [&](const std::string& text, uint32_t position, const char* part) {
    const Error found = error(text);
    INFO(text << " -> " << found.message);
    CHECK(found.code == ErrorCode::InvalidArgument);
    CHECK(found.position == position);
    CHECK(found.message.find(part) != std::string::npos);
  };
  check("| fields titel", 9, "did you mean \"title\"?");
  check("| fields title, environment", 16, "of which an issue has many");
  check("| fields title, title", 2, "twice");
  check("| fields title, cuont()", 16, "did you mean \"count\"?");
  check("| fields trend(x)", 9, "trend(24h)");
  check("| fields title, trend(24h) | sort trend(24h)", 34, "many numbers");
  check("| fields title, count().before", 16, "tables with vs");
  check("| fields title | count()", 17, "two here");
  check("| count() | fields title", 12, "two here");
  check("| fields title | where title > 3", 23, "in front of");
  check("| fields title | limit 3 | sort title", 27, "sort before limit");
  check("| sort freq | fields title | sort title", 29, "given twice");
  check("| count() | trend 24h", 12, "every 1h");
  check("| trend 24h | count()", 14, "every 1h");
  check("| trend 24h | trend 24h", 14, "twice");
  check("| trend 24h | fields title", 14, "one of them");
  check("| trend 100001s", 2, "rounder");
}

}  // namespace
}  // namespace cairn::testing
