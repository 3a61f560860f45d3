// Every way a condition can be answered, against a plain scan, over parts large enough that each
// way is taken.
#include "query/part_evaluator.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>

#include "query/binder.h"
#include "query/predicate.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

using query::Profile;
using query::Way;

// Two segments and a head of 2,000 occurrences each. `no` and the url differ in each, `of` repeats
// every 90, half of them have a user.
class Many : public Shop {
 public:
  Many() {
    for (int i = 0; i < 6000; ++i) {
      const std::string user = i % 2 == 0 ? fmt::format(R"("user":{{"id":"{}"}},)", i % 500) : "";
      event({fmt::format("f{}", i % 40),
             fmt::format("2026-11-{:02}T{:02}:00:00Z", 1 + i / 300, i % 24),
             fmt::format("Error {}", i % 300), i % 3 == 0 ? "fatal" : "error",
             user + fmt::format(R"("request":{{"url":"/p/{}"}},"tags":{{"no":"{}","of":"{}"}})", i,
                                i, i % 90)});
      if (i % 2000 == 1999 && i < 4000) seal();
    }
  }

  uint64_t scanned(const std::string& text) {
    const query::Query query = parsed(text);
    auto predicate = must(query::Predicate::bind(query, state(), options().now));
    uint64_t count = 0;
    for (const auto& stored : this->stored()) {
      const GroupId issue = roots()[raw(stored.fingerprint)];
      count += predicate.matches(stored.occurrence, issue) ? 1 : 0;
    }
    return count;
  }

  // Answers, and notes which ways were taken.
  uint64_t counted(const std::string& text) {
    Profile profile;
    SteadyClock clock;
    query::SearchOptions how = options();
    how.control.clock = &clock;
    how.control.profile = &profile;
    const auto answer = must(query::aggregate(view(), parsed(text + " | count()"), how));
    note(profile.conditions);
    CHECK(profile.matches() == static_cast<uint64_t>(std::get<int64_t>(answer.rows[0][0].value)));
    return profile.matches();
  }
  const std::map<Way, int>& ways() const { return ways_; }
  void forget_ways() { ways_.clear(); }

 private:
  void note(const Profile::Node& node) {
    for (const auto& work : node.work) ++ways_[work.way];
    for (const auto& child : node.children) note(child);
  }
  std::map<Way, int> ways_;
};

TEST_CASE("every way finds what a scan finds") {
  Many many;
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> conditions = {"level:error",
                                               "no:*1*",
                                               "no:17",
                                               "no:[1*, 25, 4999]",
                                               "!no:*3*",
                                               "url:*/p/4*",
                                               "user:*1*",
                                               "user:id:4",
                                               "has:user",
                                               "of:*",
                                               "of:[1*, 2*]",
                                               "!of:7*",
                                               "Error",
                                               "\"error 1\"",
                                               "is:unresolved",
                                               "!has:user",
                                               "user:\"\"",
                                               "of:5",
                                               "fingerprint:f7",
                                               "timestamp:>2026-11-09",
                                               "times_seen:>1",
                                               "(no:*1* OR is:assigned)",
                                               "(of:3* OR no:*9)",
                                               "!(user:*2* OR url:*77*)"};
  for (int round = 0; round < 150; ++round) {
    std::string text;
    for (size_t terms = 1 + random() % 4; terms > 0; --terms) {
      text += conditions[random() % conditions.size()];
      text += terms == 1 ? "" : random() % 3 == 0 ? " OR " : " ";
    }
    INFO(text);
    REQUIRE(many.counted(text) == many.scanned(text));
  }
}

TEST_CASE("every way is taken where it is the cheapest") {
  Many many;
  const std::pair<Way, const char*> cases[] = {
      {Way::Posting, "no:17"},
      {Way::Union, "of:[1*, 2*]"},
      {Way::Walk, "of:[1*, 2*, 3*]"},
      {Way::Present, "has:user"},
      {Way::Combined, "(of:5 OR no:17)"},
      {Way::Column, "user:[*1*, *2*, *3*, *4*]"},
      {Way::Skipped, "no:17 level:error"},
  };
  for (const auto& [way, text] : cases) {
    INFO(query::way_name(way) << " of " << text);
    many.forget_ways();
    CHECK(many.counted(text) == many.scanned(text));
    CHECK(many.ways().count(way) == 1);
  }
}

TEST_CASE("statistics tell about how much a condition leaves") {
  Many many;
  const auto estimated = [&](const std::string& text) {
    query::Expr filter =
        must(query::bind_filter(Shop::parsed(text), many.view().forest(), many.options().now));
    const query::View view = many.view();
    const query::Plan plan = must(query::make_plan(view, std::move(filter)));
    return query::estimate(plan.events, *view.parts[0]);
  };
  CHECK(estimated("no:17") == 1);
  CHECK(estimated("no:5000") == 0);
  CHECK(estimated("level:fatal") == 667);
  CHECK(estimated("!level:fatal") == 1333);
  CHECK(estimated("level:fatal has:user") == Approx(333).margin(2));
  CHECK(estimated("of:*1*") == Approx(18 * 2000 / 90).margin(60));
  CHECK(estimated("no:*1*") == Approx(1272).margin(400));
  CHECK(estimated("(timestamp:>2026-11-04 OR no:1)") == Approx(1100).margin(200));
  CHECK(estimated("(is:resolved OR no:1)") == 1);
  CHECK(estimated("(is:unresolved OR no:1)") == 2000);
}

}  // namespace
}  // namespace cairn::testing
