#include "query/sort_key.h"

#include <catch2/catch.hpp>
#include <limits>

#include "support/shop.h"

namespace cairn::testing {
namespace {

class Sorted : public Shop {
 public:
  // Of a long story, of this morning, and of a moment ago; all at 12:00.
  Sorted() {
    for (int day = 10; day < 21; ++day) {
      for (int hour = 0; hour < 20; ++hour) {
        event({"old", fmt::format("2026-11-{}T{:02}:00:00Z", day, hour), "Old", "fatal"});
      }
    }
    event({"morning", "2026-11-21T06:30:00Z", "Morning", "error"});
    event({"morning", "2026-11-21T11:30:00Z", "Morning", "info"});
    event({"now", "2026-11-21T11:59:00Z", "Now", "info", "", 1, 4001});
  }
};

TEST_CASE_METHOD(Sorted, "trends: what is new and loud comes first") {
  CHECK(issues("| sort trends") == std::vector<std::string>{"SHOP-3", "SHOP-2", "SHOP-1"});
  seal();
  CHECK(issues("| sort trends") == std::vector<std::string>{"SHOP-3", "SHOP-2", "SHOP-1"});
  // Over what matches alone: of the morning's only its beginning.
  CHECK(issues("!level:fatal (level:error OR title:Now) | sort trends") ==
        std::vector<std::string>{"SHOP-3", "SHOP-2"});
}

TEST_CASE_METHOD(Sorted, "priority: the highest first, then the newest") {
  CHECK(issues("| sort priority") == std::vector<std::string>{"SHOP-3", "SHOP-2", "SHOP-1"});
  command(model::SetPriorityCommand{GroupId{1}, uint8_t{75}});
  command(model::SetPriorityCommand{GroupId{3}, uint8_t{25}});
  CHECK(issues("| sort priority") == std::vector<std::string>{"SHOP-1", "SHOP-2", "SHOP-3"});
}

TEST_CASE_METHOD(Sorted, "recommended: level, users and type weigh beside recency") {
  CHECK(issues("| sort recommended") == std::vector<std::string>{"SHOP-2", "SHOP-3", "SHOP-1"});
  seal();
  CHECK(issues("| sort recommended") == std::vector<std::string>{"SHOP-2", "SHOP-3", "SHOP-1"});
  for (int i = 0; i < 20; ++i) {
    event(
        {"old", "2026-11-21T11:59:00Z", "Old", "fatal", fmt::format(R"("user":{{"id":"{}"}})", i)});
  }
  CHECK(issues("| sort recommended").front() == "SHOP-1");
}

TEST_CASE_METHOD(Sorted, "scores at the ends of time") {
  for (const int64_t now :
       {std::numeric_limits<int64_t>::min(), int64_t{0}, std::numeric_limits<int64_t>::max()}) {
    query::SearchOptions how = options();
    how.now = TimeUs{now};
    for (const char* sort : {"trends", "recommended", "priority"}) {
      const auto query = parsed(std::string("| sort ") + sort);
      const auto in_head = must(query::search(view(), query, how));
      CHECK(in_head.issues.size() == 3);
    }
  }
}

// Many occurrences in few minutes are counted by where minutes end, few one by one, a filter makes
// it bitmaps: the score is the same.
TEST_CASE_METHOD(Shop, "trends weigh alike in ranges, dense or sparse, and in bitmaps") {
  for (int i = 0; i < 500; ++i) {
    event({"dense", fmt::format("2026-11-21T11:{:02}:{:02}Z", 50 + i / 250, i % 60), "D"});
    event(
        {"sparse", fmt::format("2026-11-{:02}T{:02}:{:02}:00Z", 12 + i / 60, i % 20, i % 60), "S"});
  }
  const auto keys = [&](const std::string& filter) {
    query::SearchOptions how = options();
    how.sort = query::Sort::Trends;
    how.limit = 1;
    std::vector<int64_t> found;
    const query::View now = view();
    std::vector<query::PartMatch> parts;
    for (const storage::Part* part : now.parts) {
      parts.push_back({part, std::nullopt, {{0, part->size()}}});
      if (filter == "bitmap") parts.back().bitmap = storage::Bitmap::range(0, part->size());
    }
    const auto page = must(query::search(now, parsed("| sort new"), options()));
    std::vector<query::IssueTotals> issues;
    for (const auto& row : page.issues) issues.push_back({row.id, row.count, row.first, row.last});
    return must(query::sort_keys(now, parts, issues, query::Sort::Trends, how.now));
  };
  const auto in_head = keys("");
  seal();
  CHECK(keys("") == in_head);
  CHECK(keys("bitmap") == in_head);
}

}  // namespace
}  // namespace cairn::testing
