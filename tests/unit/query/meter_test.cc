#include "query/meter.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <functional>

#include "query/group_tags.h"
#include "query/rule.h"
#include "support/shop.h"

namespace cairn::testing {
namespace {

using query::Budget;
using query::Control;
using query::Meter;

// Says a late time, or raises a flag, from its nth look on.
class TripClock final : public Clock {
 public:
  TripClock(uint64_t trips_at, std::atomic<bool>* flag) : trips_at_(trips_at), flag_(flag) {}
  TimeUs now() override {
    if (++looks_ < trips_at_) return TimeUs{0};
    if (flag_ == nullptr) return TimeUs{1'000'000'000};
    flag_->store(true);
    return TimeUs{0};
  }
  uint64_t looks() const { return looks_; }
  uint64_t looks_after() const { return looks_ > trips_at_ ? looks_ - trips_at_ : 0; }

 private:
  uint64_t trips_at_;
  std::atomic<bool>* flag_;
  uint64_t looks_ = 0;
};

TEST_CASE("a meter without a budget says go on") {
  Meter meter{Control{}};
  CHECK(meter.spend(1u << 30));
  meter.hold(uint64_t{1} << 40);
  meter.returned(1'000'000);
  CHECK(meter.go_on());
  CHECK(meter.check().ok());
  CHECK(meter.examined() == 1u << 30);
  CHECK(meter.most_held() == uint64_t{1} << 40);
}

std::string refusal(Meter& meter) {
  const auto checked = meter.check();
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().code == ErrorCode::Exhausted);
  return checked.error().message;
}

TEST_CASE("each limit is named with its value and what to do") {
  ManualClock clock(TimeUs{0});
  Control control;
  control.clock = &clock;
  control.budget = {5'000'000, 1u << 20, 1000, 10};
  SECTION("time") {
    Meter meter(control);
    clock.set(TimeUs{5'000'000});
    CHECK(meter.check().ok());
    clock.set(TimeUs{5'000'001});
    const std::string said = refusal(meter);
    CHECK(said.find("limit of 5 s") != std::string::npos);
    CHECK(said.find("--timeout") != std::string::npos);
    clock.set(TimeUs{0});
    CHECK_FALSE(meter.check().ok());  // once is for good
  }
  SECTION("memory") {
    Meter meter(control);
    {
      query::Holding held(&meter);
      held.set(1u << 20);
      held.set(1000);
      held.add((1u << 20) - 1000);
    }
    CHECK(meter.check().ok());
    meter.hold((1u << 20) + 1);
    const std::string said = refusal(meter);
    CHECK(said.find("limit of 1 MiB") != std::string::npos);
    CHECK(said.find("--max-memory") != std::string::npos);
  }
  SECTION("rows read") {
    Meter meter(control);
    CHECK(meter.spend(1000));
    CHECK_FALSE(meter.spend(1));
    CHECK(refusal(meter).find("limit of 1000 occurrences") != std::string::npos);
  }
  SECTION("rows of the answer") {
    Meter meter(control);
    meter.returned(10);
    CHECK(meter.check().ok());
    meter.returned(11);
    CHECK(refusal(meter).find("limit of 10 rows") != std::string::npos);
  }
  SECTION("cancelled") {
    std::atomic<bool> cancelled{false};
    control.cancelled = &cancelled;
    Meter meter(control);
    CHECK(meter.go_on());
    cancelled = true;
    CHECK_FALSE(meter.go_on());
    CHECK(meter.check().error().code == ErrorCode::Closed);
  }
}

// Enough of everything that each stage takes several steps: 12 parts, 3,000 occurrences, as many
// urls and messages.
class Crowd : public Shop {
 public:
  Crowd() {
    for (int i = 0; i < 3000; ++i) {
      event({fmt::format("f{}", i % 600), fmt::format("2026-11-21T{:02}:{:02}:00Z", i % 24, i % 60),
             fmt::format("Error {}", i % 50), i % 3 == 0 ? "fatal" : "error",
             fmt::format(R"("user":{{"id":"{}"}},"request":{{"url":"/p/{}"}},)"
                         R"("tags":{{"took":"{}ms","no":"{}"}})",
                         i % 400, i, i % 700, i)});
      if (i % 250 == 249 && i < 2900) seal();
    }
  }

  query::EventOptions events_now() const {
    query::EventOptions how;
    how.now = options().now;
    return how;
  }
  query::TagOptions tags_now() const {
    query::TagOptions how;
    how.now = options().now;
    return how;
  }

  using Ask = std::function<Result<void>(const query::View&, const Control&)>;

  Result<void> search(const std::string& text, const query::View& view, const Control& control) {
    query::SearchOptions how = options();
    how.control = control;
    const query::Query query = parsed(text);
    if (query::is_aggregate(query)) {
      CAIRN_TRY(query::aggregate(view, query, how));
    } else {
      CAIRN_TRY(query::search(view, query, how));
    }
    return {};
  }

  // Every question with a way of its own through the code.
  std::vector<std::pair<std::string, Ask>> questions() {
    std::vector<std::pair<std::string, Ask>> all;
    for (const char* text :
         {"error", "took:*1* !no:*2* is:unresolved", "level:error | sort user",
          "(is:unresolved OR no:*7*) timestamp:>2026-11-21T03:00:00Z", "title:\"Error 1*\" no:*3*",
          "level:error | count() by url", "| count() uniq(user) by no every 1h",
          "level:fatal | p95(took) avg(took) by user", "no:*1* | top 10 url", "| count() by issue",
          "level:error | rate(1m)", "issue:SHOP-1 level:error | sort freq",
          "no:*1* | histogram took 20", "| histogram timestamp 12",
          "timestamp:-9h | count() uniq(user) by no vs 3h",
          "no:*1* | fields short_id, max(took), count(), trend(3h) | where count() > 1",
          "level:error | sort trends", "no:*1* | sort recommended",
          "took:*1* | sort priority | trend 12h"}) {
      all.emplace_back(text, [this, text](const query::View& view, const Control& control) {
        return search(text, view, control);
      });
    }
    const auto with_meter = [&](const char* name,
                                std::function<Result<void>(const query::View&)> ask) {
      all.emplace_back(name, [ask](const query::View& view, const Control& control) {
        Meter meter(control);
        return ask(query::watched(view, meter));
      });
    };
    with_meter("for_each_match", [this](const query::View& view) {
      return query::for_each_match(view, parsed("no:*1*"), options().now,
                                   [](const query::Match&) { return true; });
    });
    for (const char* text : {"merge where no:*1* by title, no", "unmerge where level:error"}) {
      with_meter(text, [this, text](const query::View& view) -> Result<void> {
        CAIRN_TRY(query::evaluate(view, must(query::parse_rule(text)), options().now));
        return {};
      });
    }
    with_meter("list_events", [this](const query::View& view) -> Result<void> {
      CAIRN_TRY(query::list_events(view, {GroupId{1}, false}, parsed("no:*1*"), events_now()));
      return {};
    });
    with_meter("list_tags", [this](const query::View& view) -> Result<void> {
      CAIRN_TRY(query::list_tags(view, {GroupId{1}, false}, parsed("no:*1*"), tags_now()));
      return {};
    });
    with_meter("list_values", [this](const query::View& view) -> Result<void> {
      CAIRN_TRY(
          query::list_values(view, {GroupId{1}, false}, parsed("no:*1*"), "no", {options().now}));
      return {};
    });
    return all;
  }
};

// Wherever the time runs out or somebody cancels, the answer ends within a few steps.
TEST_CASE("every stage stops soon") {
  Crowd crowd;
  const bool cancelling = GENERATE(false, true);
  constexpr uint64_t kNever = UINT64_MAX;
  constexpr uint64_t kFew = 64;
  const query::View view = crowd.view();
  for (const auto& [name, ask] : crowd.questions()) {
    INFO(name);
    const auto answer = [&](TripClock& clock, std::atomic<bool>& flag) {
      Control control;
      control.clock = &clock;
      control.steps_per_look = 1;
      control.budget.time_us = 1000;
      if (cancelling) control.cancelled = &flag;
      return ask(view, control);
    };
    std::atomic<bool> flag{false};
    TripClock undisturbed(kNever, &flag);
    REQUIRE(answer(undisturbed, flag).ok());
    const uint64_t looks = undisturbed.looks();
    CHECK(looks > 8);
    // Each place of some, and some of the others. The first look is before the first step; a flag
    // that is raised at the last one is raised when all is done.
    for (uint64_t at = 2; at <= looks - (cancelling ? 1 : 0); at += 1 + at / 16) {
      INFO("stopped at look " << at << " of " << looks);
      flag = false;
      TripClock clock(at, cancelling ? &flag : nullptr);
      const auto stopped = answer(clock, flag);
      REQUIRE_FALSE(stopped.ok());
      CHECK(stopped.error().code == (cancelling ? ErrorCode::Closed : ErrorCode::Exhausted));
      CHECK(clock.looks_after() < kFew);
    }
    flag = false;
    TripClock again(kNever, &flag);
    CHECK(answer(again, flag).ok());
  }
}

// What one question held is not there any more when the next one is asked.
TEST_CASE("memory is given back") {
  Crowd crowd;
  for (const auto& [name, ask] : crowd.questions()) {
    INFO(name);
    Meter meter{Control{}};
    const query::View view = query::watched(crowd.view(), meter);
    REQUIRE(ask(view, Control{}).ok());
    const uint64_t once = meter.most_held();
    for (int again = 0; again < 3; ++again) REQUIRE(ask(view, Control{}).ok());
    CHECK(meter.most_held() == once);
  }
}

TEST_CASE("rows and memory end an answer, and nothing is harmed") {
  Crowd crowd;
  const auto refused = [&](const std::string& text, const Budget& budget) {
    Control control;
    control.budget = budget;
    const auto answer = crowd.search(text, crowd.view(), control);
    INFO(text);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code == ErrorCode::Exhausted);
    return answer.error().message;
  };
  const auto before = crowd.table("| count() uniq(user) by no");
  CHECK(refused("| count() uniq(user) by no", {0, 10'000, 0, 0}).find("--max-memory") !=
        std::string::npos);
  CHECK(refused("no:*1*", {0, 300, 0, 0}).find("--max-memory") != std::string::npos);
  // Few match, but the values a pattern found are kept meanwhile.
  CHECK(refused("url:*p* url:/p/1", {0, 8'000, 0, 0}).find("--max-memory") != std::string::npos);
  CHECK(refused("| count() uniq(user) by no", {0, 0, 500, 0}).find("--max-examined") !=
        std::string::npos);
  CHECK(refused("level:error | sort user", {0, 0, 100, 0}).find("--max-examined") !=
        std::string::npos);
  CHECK(refused("| count() by no", {0, 0, 0, 2999}).find("--max-rows") != std::string::npos);
  CHECK(refused("level:error", {0, 0, 0, 24}).find("--max-rows") != std::string::npos);
  CHECK(crowd.table("| count() uniq(user) by no") == before);

  // Before the memory is taken, also where few rows are shown.
  constexpr Budget kMegabyte{0, 1u << 20, 0, 0};
  constexpr Budget kLittle{0, 20'000, 0, 0};
  const std::vector<std::pair<std::string, Budget>> held = {
      {"| limit 600 | fields trend(9999s)", kMegabyte},
      {"| limit 600 | trend 9999s", kMegabyte},
      {"| fields title, count() | where count() > 0", {0, 40'000, 0, 0}},
      {"no:7 | count() by no", kLittle},
      {"no:7 | histogram no", kLittle}};
  for (const auto& [text, budget] : held) {
    CHECK(refused(text, budget).find("--max-memory") != std::string::npos);
  }
  CHECK(refused("| limit 600 | fields trend(9999s), trend(9998s), trend(9997s)", {})
            .find("more than 16777216 buckets") != std::string::npos);
  // The values of equal patterns are kept once.
  Control twice;
  twice.budget = {0, 20'000, 0, 0};
  CHECK(crowd.search("(url:*p* url:/p/1) OR (url:*p* url:/p/2)", crowd.view(), twice).ok());

  Control enough;
  enough.budget = {60'000'000, 1u << 24, 100'000, 3000};
  CHECK(crowd.search("| count() uniq(user) by no", crowd.view(), enough).ok());
}

TEST_CASE("the users of few issues take no more than there are") {
  Shop shop;
  for (int i = 0; i < 2000; ++i) {
    shop.event({"f1", "2026-11-21T08:00:00Z", "Error", "error",
                fmt::format(R"("user":{{"id":"{}"}})", i % 3)});
  }
  query::SearchOptions options = shop.options();
  options.control.budget.memory_bytes = 4096;  // not 8 bytes for each of the matches
  CHECK(query::search(shop.view(), Shop::parsed("| sort user"), options).ok());
}

}  // namespace
}  // namespace cairn::testing
