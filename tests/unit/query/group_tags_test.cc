#include "query/group_tags.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "support/shop.h"

namespace cairn::testing {
namespace {

class Tags : public Shop {
 public:
  Tags() {
    event({"a", "2026-11-21T08:00:00Z", "A", "error",
           R"("tags":{"os":"Linux","level":"error"},"release":"1.0","user":{"id":"7"})"});
    event({"a", "2026-11-21T09:00:00Z", "A", "error",
           R"("tags":{"os":"Linux","level":"error"},"release":"1.1","user":{"id":"7"})"});
    event({"b", "2026-11-21T09:30:00Z", "B", "fatal",
           R"("tags":{"os":"Windows","level":"odd","title":"x"},"environment":"prod")"});
    seal();
    event({"a", "2026-11-21T10:00:00Z", "A", "fatal",
           R"("tags":[["os","macOS"],["os","Linux"],["level","fatal"]],"release":"1.1")"});
  }

  query::TagList list(uint32_t group, const std::string& filter = "", uint32_t limit = 3,
                      bool alone = false) {
    return must(query::list_tags(view(), {GroupId{group}, alone}, parsed(filter),
                                 {at("2026-11-21T12:00:00Z"), limit}));
  }
  Result<query::TagList> values(uint32_t group, const std::string& key, uint32_t limit = 25) {
    return query::list_values(view(), {GroupId{group}, false}, parsed(""), key,
                              {at("2026-11-21T12:00:00Z"), limit});
  }
  // "level 2 of 3: error 2, fatal 1"
  static std::string text(const query::TagKey& key) {
    std::string out =
        key.key + " " + std::to_string(key.values) + " of " + std::to_string(key.count) + ":";
    for (const auto& value : key.top) out += " " + value.text + " " + std::to_string(value.count);
    return out;
  }
  static std::vector<std::string> texts(const query::TagList& list) {
    std::vector<std::string> out;
    for (const auto& key : list.keys) out.push_back(text(key));
    return out;
  }
};

TEST_CASE_METHOD(Tags, "tags: fields first, then tags by name, exact") {
  const auto all = list(1);
  CHECK(all.total == 3);
  // The tag called level says what the field says, and is left out.
  CHECK(texts(all) == std::vector<std::string>{"level 2 of 3: error 2 fatal 1",
                                               "release 2 of 3: 1.1 2 1.0 1", "user 1 of 2: id:7 2",
                                               "os 2 of 3: Linux 3 macOS 1"});
  CHECK(texts(list(2)) ==
        std::vector<std::string>{"level 1 of 1: fatal 1", "environment 1 of 1: prod 1",
                                 "tags[level] 1 of 1: odd 1", "os 1 of 1: Windows 1",
                                 "tags[title] 1 of 1: x 1"});
}

TEST_CASE_METHOD(Tags, "tags: of what matches, of what is merged, of the group alone") {
  CHECK(texts(list(1, "level:fatal")).front() == "level 1 of 1: fatal 1");
  CHECK(list(1, "level:debug").keys.empty());
  command(model::MergeCommand{GroupId{1}, {GroupId{2}}});
  CHECK(list(1).total == 4);
  CHECK(texts(list(1)).front() == "level 2 of 4: error 2 fatal 2");
  CHECK(list(1, "", 3, true).total == 3);
  CHECK(list(2).total == 1);
  CHECK(texts(list(1, "", 1)).back() == "tags[title] 1 of 1: x 1");
}

TEST_CASE_METHOD(Tags, "tags: the values of one key, with times") {
  const auto os = must(values(1, "os"));
  CHECK(os.total == 3);
  REQUIRE(os.keys.size() == 1);
  REQUIRE(os.keys[0].top.size() == 2);
  CHECK(os.keys[0].top[0].text == "Linux");
  CHECK(os.keys[0].top[0].first == at("2026-11-21T08:00:00Z"));
  CHECK(os.keys[0].top[0].last == at("2026-11-21T10:00:00Z"));
  CHECK(os.keys[0].top[1].first == at("2026-11-21T10:00:00Z"));
  const auto cut = must(values(1, "os", 1));
  CHECK(cut.keys[0].values == 2);
  CHECK(cut.keys[0].top.size() == 1);
  // Columns (users) and fields that are no tags.
  CHECK(must(values(1, "user")).keys[0].top[0].last == at("2026-11-21T09:00:00Z"));
  CHECK(text(must(values(1, "title")).keys[0]) == "title 1 of 3: A 3");
  CHECK(text(must(values(1, "env")).keys[0]) == "environment 0 of 0:");
  CHECK(text(must(values(2, "tags[title]")).keys[0]) == "tags[title] 1 of 1: x 1");
}

TEST_CASE_METHOD(Tags, "tags: what is refused") {
  CHECK(values(1, "oss").error().code == ErrorCode::NotFound);
  CHECK(values(1, "oss").error().message.find("\"os\"") != std::string::npos);
  CHECK(values(1, "status").error().code == ErrorCode::InvalidArgument);
  CHECK(values(1, "timestamp").error().code == ErrorCode::InvalidArgument);
  CHECK(values(1, "os", 0).error().code == ErrorCode::InvalidArgument);
}

// Against a count by hand, with many values, so that postings and columns are both used.
TEST_CASE_METHOD(Tags, "tags: many values over parts are counted as a scan counts them") {
  struct Seen {
    uint64_t count = 0;
    TimeUs first{INT64_MAX};
    TimeUs last{INT64_MIN};
  };
  std::map<std::string, Seen> urls;
  for (int i = 0; i < 3000; ++i) {
    const std::string url = "/page/" + std::to_string(i * 7 % 311);
    const TimeUs time{raw(at("2026-11-20T00:00:00Z")) + i * int64_t{1'000'000}};
    event({i % 3 == 0 ? "d" : "c", format_time(time), "C", "error",
           R"("request":{"url":")" + url + R"("})"});
    if (i % 1100 == 1000) seal();
    if (i % 3 == 0) continue;
    Seen& seen = urls[url];
    ++seen.count;
    seen.first = std::min(seen.first, time);
    seen.last = std::max(seen.last, time);
  }
  constexpr uint32_t kGroupC = 4;  // d came first
  CHECK(state().group(GroupId{kGroupC}).times_seen == 2000);
  const auto found = must(values(kGroupC, "url", 1000));
  CHECK(found.keys[0].values == urls.size());
  REQUIRE(found.keys[0].top.size() == urls.size());
  for (const auto& value : found.keys[0].top) {
    INFO(value.text);
    const Seen& wanted = urls[value.text];
    CHECK(value.count == wanted.count);
    CHECK(value.first == wanted.first);
    CHECK(value.last == wanted.last);
  }
}

}  // namespace
}  // namespace cairn::testing
