#include "query/search.h"

#include <catch2/catch.hpp>

#include "support/shop.h"

namespace cairn::testing {
namespace {

class Issues : public Shop {
 public:
  Issues() {
    const auto user = [](const char* id) {
      return R"("user":{"id":")" + std::string(id) + R"("})";
    };
    event({"a", "2026-11-21T08:00:00Z", "A", "error", user("1")});
    event({"b", "2026-11-21T09:00:00Z", "B", "error", user("1")});
    event({"a", "2026-11-21T10:00:00Z", "A", "fatal", user("2")});
    seal();
    event({"c", "2026-11-21T10:30:00Z", "C", "error", ""});
    event({"b", "2026-11-21T11:00:00Z", "B", "error", user("1")});
    event({"b", "2026-11-21T11:15:00Z", "B", "error", user("3")});
  }

  query::SearchPage search(const std::string& text, const query::SearchOptions& how) {
    return must(query::search(view(), parsed(text), how));
  }
};

TEST_CASE_METHOD(Issues, "rows sum up the matching occurrences only") {
  query::SearchOptions how = options();
  how.trend_buckets = 3;
  how.trend_bucket_us = 3600 * kMicrosPerSecond;
  const auto page = search("level:error", how);
  CHECK(page.total == 3);
  REQUIRE(page.issues.size() == 3);
  const query::IssueRow& b = page.issues[0];
  CHECK(b.id == GroupId{2});
  CHECK(b.count == 3);
  CHECK(b.users == 2);
  CHECK(b.first == at("2026-11-21T09:00:00Z"));
  CHECK(b.last == at("2026-11-21T11:15:00Z"));
  // Buckets end with now, which belongs to the last: 11:00 is in the one before it.
  CHECK(b.trend == std::vector<uint64_t>{0, 1, 1});
  CHECK(page.issues[1].users == 0);
  CHECK(page.issues[2].count == 1);
  CHECK(page.lsn == view().lsn);
}

TEST_CASE_METHOD(Issues, "sorts, with the newest issue first among equals") {
  CHECK(issues("") == std::vector<std::string>{"SHOP-2", "SHOP-3", "SHOP-1"});
  CHECK(issues("| sort new") == std::vector<std::string>{"SHOP-3", "SHOP-2", "SHOP-1"});
  CHECK(issues("| sort freq") == std::vector<std::string>{"SHOP-2", "SHOP-1", "SHOP-3"});
  CHECK(issues("| sort user") == std::vector<std::string>{"SHOP-2", "SHOP-1", "SHOP-3"});
  CHECK(issues("| sort freq | limit 1") == std::vector<std::string>{"SHOP-2"});
}

TEST_CASE_METHOD(Issues, "a merge shows one issue and an unmerge gives back what was there") {
  const auto before = search("level:error", options());
  command(model::MergeCommand{GroupId{3}, {GroupId{1}}});
  const auto merged = search("", options());
  CHECK(merged.total == 2);
  CHECK(merged.issues[1].id == GroupId{3});
  CHECK(merged.issues[1].count == 3);
  CHECK(merged.issues[1].users == 2);
  CHECK(merged.issues[1].first == at("2026-11-21T08:00:00Z"));
  // The hidden issue's own reference leads to the one that shows it.
  CHECK(issues("issue:SHOP-1") == std::vector<std::string>{"SHOP-3"});
  command(model::UnmergeCommand{GroupId{3}, {}});
  const auto after = search("level:error", options());
  CHECK(after.total == before.total);
  for (size_t i = 0; i < after.issues.size(); ++i) {
    CHECK(after.issues[i].id == before.issues[i].id);
    CHECK(after.issues[i].count == before.issues[i].count);
  }
}

TEST_CASE_METHOD(Issues, "pages follow one another, and back") {
  query::SearchOptions how = options();
  how.limit = 1;
  std::vector<GroupId> seen;
  query::SearchPage page;
  while (true) {
    page = search("level:error", how);
    CHECK(page.total == 3);
    CHECK(page.prev.has_value() == !seen.empty());
    seen.push_back(page.issues.at(0).id);
    if (!page.next) break;
    how.cursor = *page.next;
  }
  CHECK(seen == std::vector<GroupId>{GroupId{2}, GroupId{3}, GroupId{1}});
  how.cursor = *page.prev;
  page = search("level:error", how);
  CHECK(page.issues.at(0).id == GroupId{3});
  // Without a limit the page has as many rows as the one before; with one as many as that.
  how.limit = std::nullopt;
  CHECK(search("level:error", how).issues.size() == 1);
  how.cursor = *page.next;
  how.limit = 2;
  page = search("level:error", how);
  CHECK(page.issues.size() == 1);
  CHECK_FALSE(page.next);
  how.cursor = *page.prev;
  page = search("level:error", how);
  CHECK(page.issues.size() == 2);
  CHECK(page.issues.at(0).id == GroupId{2});
  CHECK_FALSE(page.prev);
  CHECK(page.next);
}

TEST_CASE_METHOD(Issues, "dates and scores of a page are as of the first one's now") {
  query::SearchOptions how = options();
  how.limit = 1;
  how.cursor = *search("timestamp:-4h | sort trends", how).next;
  how.now = at("2026-12-24T00:00:00Z");
  const auto page = search("timestamp:-4h | sort trends", how);
  CHECK(page.total == 3);
  CHECK(page.now == options().now);
}

TEST_CASE_METHOD(Issues, "without a key there is one page, which says so") {
  query::View plain = view();
  plain.seal = nullptr;
  query::SearchOptions how = options();
  CHECK(must(query::search(plain, parsed(""), how)).warnings.empty());
  how.limit = 2;
  const auto page = must(query::search(plain, parsed(""), how));
  CHECK_FALSE(page.next);
  CHECK(page.warnings == std::vector<std::string>{std::string(query::kNoCursors)});
  how.cursor = *search("", how).next;
  const auto refused = query::search(plain, parsed(""), how);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::Unsupported);
}

TEST_CASE_METHOD(Issues, "all issues with a match, without pages") {
  const auto all = must(query::matching_issues(view(), parsed("level:error"), {}));
  CHECK(all == std::vector<GroupId>{GroupId{1}, GroupId{2}, GroupId{3}});
  CHECK(must(query::matching_issues(view(), parsed("level:fatal"), {})).size() == 1);
}

TEST_CASE_METHOD(Issues, "a limit in the query bounds the listing over all pages") {
  query::SearchOptions how = options();
  how.limit = 1;
  std::vector<GroupId> seen;
  while (true) {
    const auto page = search("level:error | limit 2", how);
    CHECK(page.total == 3);
    REQUIRE(page.issues.size() == 1);
    seen.push_back(page.issues[0].id);
    if (!page.next) break;
    how.cursor = *page.next;
  }
  CHECK(seen == std::vector<GroupId>{GroupId{2}, GroupId{3}});
  how = options();
  CHECK(search("level:error | limit 2", how).issues.size() == 2);
  CHECK_FALSE(search("level:error | limit 2", how).next);
  how.limit = 2;
  CHECK(search("level:error | limit 9", how).next);
}

TEST_CASE_METHOD(Issues, "a page is of the moment of its list, which the view has to be of") {
  query::SearchOptions how = options();
  how.limit = 2;
  how.cursor = *search("level:error", how).next;
  event({"d", "2026-11-21T11:30:00Z", "D"});
  const auto refused = query::search(view(), parsed("level:error"), how);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::InvalidArgument);
  CHECK(refused.error().message.find("LSN") != std::string::npos);
}

TEST_CASE_METHOD(Issues, "wrong options are refused") {
  const auto refused = [&](const query::SearchOptions& how) {
    const auto page = query::search(view(), parsed("level:error"), how);
    return !page.ok() && page.error().code == ErrorCode::InvalidArgument;
  };
  query::SearchOptions how = options();
  how.limit = 0;
  CHECK(refused(how));
  how.limit = query::kMaxLimit + 1;
  CHECK(refused(how));
  how = options();
  how.trend_buckets = 2;
  CHECK(refused(how));
  how = options();
  how.cursor = "AAAA";
  CHECK(refused(how));
  CHECK(error("level:error | sort dates").message.find("did you mean \"date\"?") !=
        std::string::npos);
  CHECK(error("| sort date | sort new").message.find("twice") != std::string::npos);
  CHECK(error("| limit 3 | sort new").message.find("before limit") != std::string::npos);
  CHECK(error("| limit 99999").code == ErrorCode::InvalidArgument);
}

TEST_CASE_METHOD(Issues, "a cursor fits its query and sort only") {
  query::SearchOptions how = options();
  how.limit = 1;
  how.cursor = *search("level:error", how).next;
  CHECK_FALSE(query::search(view(), parsed("level:fatal"), how).ok());
  how.viewer.user = "7";
  CHECK_FALSE(query::search(view(), parsed("level:error"), how).ok());
  how.viewer = {};
  CHECK(query::search(view(), parsed("level:error"), how).ok());
  how.sort = query::Sort::Freq;
  CHECK_FALSE(query::search(view(), parsed("level:error"), how).ok());
}

TEST_CASE_METHOD(Issues, "a trend counts by range as it does one by one") {
  // Sealed, an issue is a range in which times ascend; the head, and any other condition, is
  // counted occurrence by occurrence.
  query::SearchOptions how = options();
  how.trend_buckets = 7;
  how.trend_bucket_us = 1800 * kMicrosPerSecond;
  const auto in_head = search("", how);
  seal();
  const auto sealed = search("", how);
  const auto filtered = search("level:[error, fatal]", how);
  REQUIRE(sealed.issues.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(sealed.issues[i].trend == in_head.issues[i].trend);
    CHECK(sealed.issues[i].trend == filtered.issues[i].trend);
    CHECK(sealed.issues[i].users == in_head.issues[i].users);
  }
  CHECK(sealed.issues[0].trend == std::vector<uint64_t>{1, 0, 0, 0, 1, 1, 0});
  // The earliest now there is, and buckets wider than time.
  how.trend_bucket_us = INT64_MAX;
  how.now = TimeUs{INT64_MAX};
  CHECK(search("", how).issues[0].trend == std::vector<uint64_t>{0, 0, 0, 0, 0, 0, 3});
  how.now = TimeUs{INT64_MIN};
  CHECK(search("", how).issues[0].trend == std::vector<uint64_t>(7, 0));
}

TEST_CASE_METHOD(Issues, "matches come in the order of the log, until enough") {
  std::vector<uint64_t> lsns;
  must(query::for_each_match(view(), parsed("level:error"), options().now,
                             [&](const query::Match& match) {
                               lsns.push_back(raw(match.lsn));
                               return lsns.size() < 4;
                             }));
  REQUIRE(lsns.size() == 4);
  CHECK(std::is_sorted(lsns.begin(), lsns.end()));
  CHECK(lsns.front() == raw(stored()[0].lsn));
}

TEST_CASE("a search of nothing finds nothing") {
  Shop shop;
  const auto page = must(query::search(shop.view(), Shop::parsed("level:error"), shop.options()));
  CHECK(page.total == 0);
  CHECK_FALSE(page.next);
  CHECK(shop.table("| count()") == std::vector<std::string>{"0"});
  CHECK(shop.table("| count() by level").empty());
}

TEST_CASE_METHOD(Shop, "a tag that no occurrence has is warned of") {
  event({"a", "2026-11-21T08:00:00Z", "A", "error", R"("tags":{"browser":"Chrome"})"});
  const auto warnings = [&](const std::string& text) {
    return must(query::search(view(), parsed(text), options())).warnings;
  };
  CHECK(warnings("browser:x !level:info has:release").empty());
  CHECK(warnings("browsr:x OR !browsr:y") ==
        std::vector<std::string>{"No occurrence has a tag \"browsr\"; did you mean \"browser\"?"});
  CHECK(warnings("levle:error").at(0).find("\"level\"") != std::string::npos);
  const auto table = must(query::aggregate(
      view(), parsed("qqq:1 | count() sum(zzz) by browser, nothing_near"), options()));
  CHECK(table.warnings.size() == 3);
}

}  // namespace
}  // namespace cairn::testing
