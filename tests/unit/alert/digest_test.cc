#include "alert/digest.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr int64_t kHour = 3600 * kMicrosPerSecond;
TimeUs second(int64_t n) { return TimeUs{n * kMicrosPerSecond}; }

struct Event {
  GroupId issue{};
  TimeUs time{};
  int user = 0;
};

// Issues 1 to 9 of project 7; what is seen of them is a list of events.
class Shop final : public DigestSource {
 public:
  std::vector<Event> events;
  std::map<uint32_t, uint32_t> shown_by;  // merged; 0: deleted
  std::vector<GroupId> resolved;
  size_t trends_asked = 0;

  GroupId visible(ProjectId project, uint32_t number) override {
    if (project != ProjectId{7} || number > 9) return GroupId{};
    const auto merged = shown_by.find(number);
    return GroupId{merged == shown_by.end() ? number : merged->second};
  }
  bool unresolved(GroupId issue) override {
    return std::find(resolved.begin(), resolved.end(), issue) == resolved.end();
  }
  DigestIssue describe(GroupId issue) override {
    DigestIssue out;
    out.id = issue;
    out.short_id = fmt::format("SHOP-{}", raw(issue));
    return out;
  }
  Result<std::vector<DigestCounts>> counts(std::span<const GroupId> issues, TimeUs first,
                                           TimeUs last) override {
    std::vector<DigestCounts> out;
    for (const GroupId issue : issues) {
      DigestCounts& counts = out.emplace_back();
      std::map<int, int> users;
      for (const Event& one : events) {
        if (one.issue != issue || one.time < first || one.time > last) continue;
        ++counts.events;
        ++users[one.user];
      }
      counts.users = users.size();
    }
    return out;
  }
  Result<std::vector<std::vector<uint64_t>>> trends(std::span<const GroupId> issues,
                                                    const DigestChart& chart) override {
    trends_asked += issues.size();
    std::vector<std::vector<uint64_t>> out;
    for (const GroupId issue : issues) {
      auto& trend = out.emplace_back(chart.count);
      for (const Event& one : events) {
        if (one.issue != issue || one.time < chart.begin || one.time >= chart.end()) continue;
        ++trend[static_cast<size_t>((raw(one.time) - raw(chart.begin)) / chart.width_us)];
      }
    }
    return out;
  }
};

DigestRecord record(uint32_t rule, uint32_t number, int64_t begin, int64_t end = -1) {
  return {rule,          fmt::format("rule {}", rule), ProjectId{7}, number,
          second(begin), second(end < 0 ? begin : end)};
}

constexpr DigestRange kRange{TimeUs{0}, TimeUs{100 * kHour}};

Digest built(const std::vector<DigestRecord>& records, Shop& shop,
             const DigestRange& range = kRange) {
  auto digest = build_digest(records, range, shop);
  REQUIRE(digest.ok());
  return *std::move(digest);
}

// "rule 2: SHOP-3 x1 5/2, SHOP-1 x2 1/1; rule 1: ..."
std::string text(const Digest& digest) {
  std::string out;
  for (const DigestRule& rule : digest.rules) {
    out += fmt::format("{}{}:", out.empty() ? "" : "; ", rule.name);
    for (const auto& entry : rule.entries) {
      const DigestIssue& issue = digest.issues[entry.issue];
      out += fmt::format(" {} x{} {}/{}", issue.short_id, entry.records, issue.counts.events,
                         issue.counts.users);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("rules by issues, issues by events and users, between first and last record") {
  Shop shop;
  shop.events = {
      {GroupId{1}, second(99), 1},  {GroupId{1}, second(100), 1}, {GroupId{2}, second(150), 1},
      {GroupId{2}, second(160), 1}, {GroupId{3}, second(150), 1}, {GroupId{3}, second(160), 2},
      {GroupId{1}, second(200), 1}, {GroupId{1}, second(201), 9}, {GroupId{4}, second(170), 1}};
  const Digest digest = built({record(1, 2, 150), record(2, 1, 100), record(2, 2, 150),
                               record(2, 3, 160), record(2, 3, 170), record(2, 4, 200)},
                              shop);
  CHECK(text(digest) ==
        "rule 2: SHOP-3 x2 2/2 SHOP-1 x1 2/1 SHOP-2 x1 2/1 SHOP-4 x1 1/1; rule 1: SHOP-2 x1 2/1");
  CHECK(digest.records == 6);
  CHECK(digest.first == second(100));
  CHECK(digest.last == second(200));
  CHECK(digest.issues.size() == 4);
}

TEST_CASE("issues that are gone or not unresolved are left out and counted") {
  Shop shop;
  shop.events = {{GroupId{1}, second(50), 1}, {GroupId{1}, second(10), 1}};
  shop.resolved = {GroupId{2}};
  shop.shown_by = {{3, 0}, {4, 2}, {5, 1}};
  const Digest digest = built({record(1, 2, 10), record(1, 3, 20), record(1, 4, 30),
                               record(1, 77, 35), record(1, 5, 40), record(1, 1, 60)},
                              shop);
  // The records left out do count for the time.
  CHECK(text(digest) == "rule 1: SHOP-1 x2 2/1");
  CHECK(digest.records == 2);
  CHECK(digest.not_unresolved == 2);
  CHECK(digest.gone == 2);

  const Digest nothing = built({record(1, 2, 10)}, shop);
  CHECK(nothing.empty());
  CHECK(nothing.issues.empty());
  CHECK(nothing.not_unresolved == 1);
  CHECK(built({}, shop).empty());
}

TEST_CASE("the time of an incident counts from its window on") {
  Shop shop;
  shop.events = {
      {GroupId{1}, second(500), 1}, {GroupId{1}, second(899), 2}, {GroupId{1}, second(901), 3}};
  const Digest digest = built({record(1, 1, 500, 900)}, shop);
  CHECK(text(digest) == "rule 1: SHOP-1 x1 2/2");
}

TEST_CASE("trends are asked of what is shown, and of each issue once") {
  Shop shop;
  shop.events = {
      {GroupId{1}, second(1), 1}, {GroupId{1}, second(2), 1}, {GroupId{2}, second(2), 1}};
  const std::vector<DigestRecord> records = {record(1, 1, 1), record(1, 2, 2), record(2, 1, 1),
                                             record(2, 3, 2)};
  const Digest digest = built(records, shop, {TimeUs{0}, TimeUs{24 * kHour}, 1});
  CHECK(shop.trends_asked == 1);
  REQUIRE(digest.issues.size() == 3);
  REQUIRE(digest.issues[0].trend.size() == 24);
  CHECK(digest.issues[0].trend[0] == 2);
  CHECK(digest.issues[1].trend.empty());
  shop.trends_asked = 0;
  built(records, shop, {TimeUs{0}, TimeUs{24 * kHour}, 10});
  CHECK(shop.trends_asked == 3);
}

TEST_CASE("a digest has an end") {
  Shop shop;
  std::vector<DigestRecord> records(kMaxDigestRecords + 3, record(1, 1, 5));
  records.front() = record(9, 2, 1);
  const Digest digest = built(records, shop);
  CHECK(digest.older == 3);
  CHECK(digest.records == kMaxDigestRecords);
  CHECK(digest.rules.size() == 1);
  CHECK(digest.first == second(5));
}

TEST_CASE("charts cover the time with few columns") {
  const DigestChart day = chart_over(TimeUs{50 * kHour}, TimeUs{51 * kHour});
  CHECK(day == DigestChart{TimeUs{27 * kHour}, kHour, 24});
  CHECK(chart_over(TimeUs{0}, TimeUs{7 * 24 * kHour}) == DigestChart{TimeUs{0}, 6 * kHour, 28});
  for (const int64_t hours : {0, 24, 25, 30, 31, 100, 721, 10'000, 100'000, 80'000'000}) {
    INFO(hours);
    const TimeUs end{1 + hours * kHour};
    const DigestChart chart = chart_over(TimeUs{0}, end);
    CHECK(chart.begin <= TimeUs{0});
    CHECK(chart.end() == end);
    CHECK(chart.count >= 15);
    CHECK(chart.count <= 30);
  }
}
