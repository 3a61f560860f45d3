#include "query/group_events.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/shop.h"

namespace cairn::testing {
namespace {

// Two issues, A and B, with events on both sides of a seal, not in the order of their times.
class Events : public Shop {
 public:
  Events() {
    event({"a", "2026-11-21T08:00:00Z", "a1", "error"});
    event({"b", "2026-11-21T08:30:00Z", "b1", "error"});
    event({"a", "2026-11-21T10:00:00Z", "a2", "fatal"});
    event({"a", "2026-11-21T09:00:00Z", "a3", "error"});
    seal();
    event({"b", "2026-11-21T09:30:00Z", "b2", "fatal"});
    event({"a", "2026-11-21T09:00:00Z", "a4", "error"});
    event({"a", "2026-11-21T07:00:00Z", "a5", "warning"});
  }

  query::EventPage page(uint32_t group, const std::string& filter,
                        const query::EventOptions& options, bool alone = false) {
    return must(query::list_events(view(), {GroupId{group}, alone}, parsed(filter), options));
  }
  query::EventOptions how(uint32_t limit, std::string cursor = "") {
    return {at("2026-11-21T12:00:00Z"), limit, std::move(cursor)};
  }
  // Titles, in the order of the list.
  std::string titles(const query::EventPage& page) {
    std::string out;
    for (const auto& row : page.events) {
      for (const Stored& one : stored()) {
        if (one.lsn != row.lsn) continue;
        CHECK(row.time == one.occurrence.time());
        CHECK(row.fingerprint == one.fingerprint);
        out += (out.empty() ? "" : " ") + one.occurrence.title.value_or("?");
      }
    }
    return out;
  }
  std::string list(uint32_t group, const std::string& filter = "", bool alone = false) {
    const auto all = page(group, filter, how(100), alone);
    CHECK(all.total == all.events.size());
    CHECK_FALSE(all.next);
    return titles(all);
  }
  Error failure(const std::string& filter, const query::EventOptions& options) {
    auto page = query::list_events(view(), {GroupId{1}, false}, parsed(filter), options);
    REQUIRE_FALSE(page.ok());
    return page.error();
  }
};

TEST_CASE_METHOD(Events, "events: newest first, of one time the one recorded last") {
  CHECK(list(1) == "a2 a4 a3 a1 a5");
  CHECK(list(2) == "b2 b1");
}

TEST_CASE_METHOD(Events, "events: a filter takes some of them") {
  CHECK(list(1, "level:error") == "a4 a3 a1");
  CHECK(list(1, "title:a2 OR title:a5") == "a2 a5");
  CHECK(list(1, "!level:error") == "a2 a5");
  CHECK(list(1, "timestamp:>=2026-11-21T09:00:00Z") == "a2 a4 a3");
  CHECK(list(1, "is:unresolved") == "a2 a4 a3 a1 a5");
  CHECK(list(1, "is:resolved").empty());
  CHECK(list(1, "issue:SHOP-2").empty());
}

TEST_CASE_METHOD(Events, "events: those of merged issues come along, unless alone") {
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(list(1) == "a2 b2 a4 a3 b1 a1 a5");
  CHECK(list(1, "", true) == "a2 a4 a3 a1 a5");
  CHECK(list(2) == "b2 b1");  // a hidden issue has its own
  CHECK(list(1, "level:fatal") == "a2 b2");
  // Conditions on issues are about the one that shows them.
  CHECK(list(2, "issue:SHOP-1") == "b2 b1");
  command(model::UnmergeCommand{GroupId{1}, {}});
  CHECK(list(1) == "a2 a4 a3 a1 a5");
}

TEST_CASE_METHOD(Events, "events: pages of every size give the whole list") {
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  for (const std::string filter : {"", "level:[error, warning]"}) {
    const std::string whole = list(1, filter);
    for (uint32_t limit = 1; limit <= 8; ++limit) {
      INFO(filter << " by " << limit);
      std::vector<std::string> parts;
      std::string cursor;
      query::EventPage one;
      for (int pages = 0; pages < 10; ++pages) {
        one = page(1, filter, how(limit, cursor));
        CHECK(one.total == page(1, filter, how(100)).total);
        CHECK(one.events.size() <= limit);
        CHECK(one.prev.has_value() == !parts.empty());
        parts.push_back(titles(one));
        if (!one.next) break;
        cursor = *one.next;
      }
      CHECK(fmt::format("{}", fmt::join(parts, " ")) == whole);
      for (size_t back = parts.size() - 1; one.prev && back > 0; --back) {
        one = page(1, filter, {{}, std::nullopt, *one.prev});
        CHECK(titles(one) == parts[back - 1]);
        CHECK(one.next);
        CHECK(one.prev.has_value() == (back > 1));
      }
    }
  }
}

TEST_CASE_METHOD(Events, "events: a page is of the moment of its list") {
  const auto first = page(1, "timestamp:-4h", how(2));
  CHECK(titles(first) == "a2 a4");
  query::EventOptions options = how(100, *first.next);
  options.now = at("2026-12-24T00:00:00Z");
  CHECK(titles(page(1, "timestamp:-4h", options)) == "a3 a1");
  event({"a", "2026-11-21T11:00:00Z", "later", "error"});
  CHECK(failure("timestamp:-4h", options).message.find("LSN") != std::string::npos);
}

TEST_CASE_METHOD(Events, "events: without a key there is one page, which says so") {
  query::View plain = view();
  plain.seal = nullptr;
  const auto one = must(query::list_events(plain, {GroupId{1}, false}, parsed(""), how(2)));
  CHECK(one.events.size() == 2);
  CHECK_FALSE(one.next);
  CHECK(one.warnings == std::vector<std::string>{std::string(query::kNoCursors)});
  CHECK(must(query::list_events(plain, {GroupId{1}, false}, parsed(""), how(9))).warnings.empty());
}

TEST_CASE_METHOD(Events, "events: many of one issue, over several blocks") {
  for (int i = 0; i < 5000; ++i) {
    event({"c", format_time(TimeUs{raw(at("2026-11-20T00:00:00Z")) + i % 1700 * 1'000'000}),
           "c" + std::to_string(i)});
    if (i == 3500) seal();
  }
  std::vector<std::pair<TimeUs, Lsn>> wanted;
  for (const Stored& one : stored()) {
    if (one.occurrence.title->front() == 'c') {
      wanted.emplace_back(one.occurrence.time(), one.lsn);
    }
  }
  std::sort(wanted.rbegin(), wanted.rend());
  size_t next = 0;
  std::string cursor;
  for (;;) {
    const auto one = page(3, "", how(777, cursor));
    CHECK(one.total == wanted.size());
    for (const auto& row : one.events) {
      REQUIRE(next < wanted.size());
      CHECK(std::pair(row.time, row.lsn) == wanted[next++]);
    }
    if (!one.next) {
      cursor = one.prev.value_or("");
      break;
    }
    cursor = *one.next;
  }
  CHECK(next == wanted.size());
  // And back, in the last page's steps.
  for (next = wanted.size() - wanted.size() % 777; !cursor.empty();) {
    const auto one = page(3, "", how(777, cursor));
    REQUIRE(one.events.size() == 777);
    next -= 777;
    for (size_t i = 0; i < 777; ++i) {
      CHECK(std::pair(one.events[i].time, one.events[i].lsn) == wanted[next + i]);
    }
    cursor = one.prev.value_or("");
  }
  CHECK(next == 0);
}

TEST_CASE_METHOD(Events, "events: what is refused") {
  CHECK(failure("", how(0)).message.find("between 1 and 10000") != std::string::npos);
  CHECK(failure("", how(query::kMaxLimit + 1)).code == ErrorCode::InvalidArgument);
  CHECK(failure("", how(5, "nonsense")).message.find("cursor") != std::string::npos);
  const auto next = page(1, "", how(1)).next;
  REQUIRE(next);
  CHECK(failure("level:error", how(1, *next)).code == ErrorCode::InvalidArgument);
  const auto other = query::list_events(view(), {GroupId{1}, true}, parsed(""), how(1, *next));
  CHECK_FALSE(other.ok());
  const Error piped = failure("level:error | count()", how(5));
  CHECK(piped.position == std::optional<uint32_t>(14));
  CHECK(failure("times_seen:x", how(5)).position);
}

}  // namespace
}  // namespace cairn::testing
