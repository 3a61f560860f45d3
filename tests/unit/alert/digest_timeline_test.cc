#include "alert/digest_timeline.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <vector>

using namespace cairn;
using namespace cairn::alert;

namespace {

constexpr DigestDelays kDelays;  // 300, 30, 1800 seconds

TimeUs second(int64_t n) { return TimeUs{n * kMicrosPerSecond}; }
NotificationPlace at_lsn(uint64_t lsn, uint32_t ordinal = 0) { return {Lsn{lsn}, ordinal}; }

// Delivers what is due; the number of its records, 0 = nothing was.
uint64_t deliver(DigestTimeline& timeline, TimeUs now) {
  const auto span = timeline.begin(now);
  if (!span) return 0;
  timeline.finish();
  return span->records;
}

}  // namespace

TEST_CASE("the first record goes at once, those after it together") {
  DigestTimeline timeline(kDelays, at_lsn(0));
  CHECK_FALSE(timeline.due());
  CHECK(deliver(timeline, second(0)) == 0);

  CHECK(timeline.add(at_lsn(1), second(1000)));
  CHECK(timeline.due() == second(1000));
  CHECK(deliver(timeline, second(1000)) == 1);
  CHECK_FALSE(timeline.due());

  // 300 s after the delivery, 30 s more for each record.
  CHECK(timeline.add(at_lsn(2), second(1010)));
  CHECK(timeline.due() == second(1330));
  CHECK(timeline.add(at_lsn(2, 1), second(1010)));
  CHECK(timeline.due() == second(1360));
  CHECK(deliver(timeline, TimeUs{raw(second(1360)) - 1}) == 0);
  CHECK(deliver(timeline, second(1360)) == 2);

  // The wait passes without a record: the next one goes at once.
  CHECK(timeline.add(at_lsn(3), second(1660)));
  CHECK(timeline.due() <= second(1660));
  CHECK(deliver(timeline, second(1660)) == 1);
}

TEST_CASE("no wait is longer than the maximum delay") {
  DigestTimeline timeline(kDelays, at_lsn(0));
  timeline.add(at_lsn(1), second(0));
  REQUIRE(deliver(timeline, second(5)) == 1);
  for (uint64_t i = 0; i < 100; ++i) timeline.add(at_lsn(2 + i), second(10));
  CHECK(timeline.due() == second(1805));
  CHECK(timeline.waiting() == 100);
  CHECK(deliver(timeline, second(1804)) == 0);
  CHECK(deliver(timeline, second(1805)) == 100);
}

TEST_CASE("a target's own delays") {
  const DigestDelays own{10 * kMicrosPerSecond, 5 * kMicrosPerSecond, 12 * kMicrosPerSecond};
  DigestTimeline timeline(own, at_lsn(0));
  timeline.add(at_lsn(1), second(0));
  REQUIRE(deliver(timeline, second(0)) == 1);
  timeline.add(at_lsn(2), second(1));
  CHECK(timeline.due() == second(12));

  CHECK(check_delays(own).ok());
  CHECK(check_delays({0, 0, 0}).ok());
  CHECK_FALSE(check_delays({10, 5, 9}).ok());
  CHECK_FALSE(check_delays({-1, 5, 9}).ok());
  CHECK_FALSE(check_delays({0, 0, kMaxDigestDelayUs + 1}).ok());
}

TEST_CASE("records that come while one is due go with it") {
  DigestTimeline timeline(kDelays, at_lsn(0));
  timeline.add(at_lsn(1), second(0));
  REQUIRE(deliver(timeline, second(0)) == 1);
  timeline.add(at_lsn(2), second(100));
  REQUIRE(timeline.due() == second(330));
  timeline.add(at_lsn(3), second(330));
  CHECK(timeline.due() == second(330));
  CHECK(deliver(timeline, second(400)) == 2);
}

TEST_CASE("a record is taken once") {
  DigestTimeline timeline(kDelays, at_lsn(5, 1));
  CHECK_FALSE(timeline.add(at_lsn(5), second(0)));
  CHECK_FALSE(timeline.add(at_lsn(5, 1), second(0)));
  CHECK(timeline.waiting() == 0);
  CHECK(timeline.add(at_lsn(5, 2), second(0)));
  timeline.pass(at_lsn(9));
  CHECK_FALSE(timeline.add(at_lsn(9), second(0)));
  timeline.pass(at_lsn(7));
  CHECK(timeline.taken() == at_lsn(9));
  CHECK(timeline.waiting() == 1);
}

TEST_CASE("a clock that goes back holds nothing up for longer than the maximum delay") {
  DigestTimeline timeline(kDelays, at_lsn(0));
  timeline.add(at_lsn(1), second(1'000'000));
  REQUIRE(deliver(timeline, second(1'000'000)) == 1);
  timeline.add(at_lsn(2), second(10));
  CHECK(deliver(timeline, second(10)) == 1);
  timeline.add(at_lsn(3), second(20));
  CHECK(timeline.due() == second(340));
  // The very first one waits for nothing, whatever its record says.
  DigestTimeline fresh(kDelays, at_lsn(0));
  fresh.add(at_lsn(1), second(1'000'000));
  CHECK(deliver(fresh, second(10)) == 1);
}

TEST_CASE("a digest begun is the same one until it is finished") {
  DigestTimeline timeline(kDelays, at_lsn(0));
  timeline.add(at_lsn(1), second(100));
  const auto span = timeline.begin(second(100));
  REQUIRE(span);
  CHECK(*span == DigestSpan{at_lsn(0), at_lsn(1), second(100), 1});
  timeline.add(at_lsn(2), second(101));
  CHECK(timeline.begin(second(5000)) == span);

  // Restarted: again the same, and what came after it is read from the log again.
  auto again = DigestTimeline::parse(kDelays, timeline.to_json());
  REQUIRE(again.ok());
  CHECK(again->taken() == at_lsn(1));
  CHECK(again->begin(second(6000)) == span);
  CHECK(again->add(at_lsn(2), second(101)));
  again->finish();
  timeline.finish();
  CHECK(timeline.due() == second(430));
  CHECK(again->due() == second(430));
  CHECK(again->to_json() == timeline.to_json());
}

TEST_CASE("the saved form of a timeline") {
  DigestTimeline timeline(kDelays, at_lsn(3, 1));
  timeline.pass(at_lsn(7));
  CHECK(timeline.to_json() == R"({"delivered":{"lsn":7,"ordinal":0},"last":null,"begun":null})");
  timeline.add(at_lsn(8, 2), second(1));
  CHECK(timeline.to_json() == R"({"delivered":{"lsn":3,"ordinal":1},"last":null,"begun":null})");
  timeline.begin(TimeUs{1'000'001});
  CHECK(timeline.to_json() == R"({"delivered":{"lsn":3,"ordinal":1},"last":null,"begun":)"
                              R"({"through":{"lsn":8,"ordinal":2},)"
                              R"("at":"1970-01-01T00:00:01.000001Z","records":1}})");
  timeline.finish();
  CHECK(timeline.to_json() == R"({"delivered":{"lsn":8,"ordinal":2},)"
                              R"("last":"1970-01-01T00:00:01.000001Z","begun":null})");
  for (const char* bad : {
           "",
           "{}",
           "[]",
           R"({"delivered":1,"last":null,"begun":null})",
           R"({"delivered":{"lsn":-1,"ordinal":0},"last":null,"begun":null})",
           R"({"delivered":{"lsn":1.5,"ordinal":0},"last":null,"begun":null})",
           R"({"delivered":{"lsn":1,"ordinal":0},"last":"soon","begun":null})",
           R"({"delivered":{"lsn":1,"ordinal":0},"last":null})",
           R"({"delivered":{"lsn":9,"ordinal":0},"last":null,"begun":)"
           R"({"through":{"lsn":9,"ordinal":0},"at":"2026-01-01T00:00:00Z","records":1}})",
       }) {
    INFO(bad);
    CHECK_FALSE(DigestTimeline::parse(kDelays, bad).ok());
  }
}

namespace {

// A log with the target's records, and the rules of a timeline as sentences say them: absent,
// waiting until a time, or ready.
struct Naive {
  struct Record {
    NotificationPlace place;
    TimeUs at;
  };
  DigestDelays delays;
  std::vector<Record> log;
  size_t delivered = 0;          // of log
  std::optional<TimeUs> last{};  // delivery

  // Replays the wait that the last delivery began, record by record.
  bool is_due(TimeUs now) const {
    if (delivered == log.size()) return false;
    if (!last) return true;
    int64_t wait_until = raw(*last) + delays.minimum_us;
    const int64_t latest = raw(*last) + delays.maximum_us;
    for (size_t i = delivered; i < log.size(); ++i) {
      const bool waiting = raw(log[i].at) < wait_until;
      if (waiting) wait_until = std::min(wait_until + delays.increment_us, latest);
    }
    return wait_until <= raw(now) || wait_until > raw(now) + delays.maximum_us;
  }
};

struct Life {
  explicit Life(uint64_t seed) : random(seed) {
    const auto some = [&](int64_t most) { return below(most) * kMicrosPerSecond; };
    naive.delays = {some(400), some(60), 0};
    naive.delays.maximum_us = naive.delays.minimum_us + some(2000);
    timeline = DigestTimeline(naive.delays, at_lsn(0));
    saved = timeline.to_json();
  }

  int64_t below(int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); }

  // What the log has, to the timeline.
  void read_log() {
    for (const auto& one : naive.log) timeline.add(one.place, one.at);
  }
  void record() {
    lsn += 1 + static_cast<uint64_t>(below(3));
    naive.log.push_back({at_lsn(lsn, static_cast<uint32_t>(below(3))), now});
    if (below(3) > 0) read_log();
  }
  void pass() {
    read_log();
    lsn += 2;
    timeline.pass(at_lsn(lsn));
    if (below(2) == 0) saved = timeline.to_json();
  }
  void restart() {
    auto read = DigestTimeline::parse(naive.delays, saved);
    REQUIRE(read.ok());
    timeline = *read;
    ++restarts;
  }
  // As a schedule does it, which may die anywhere.
  void look() {
    read_log();
    const bool again = timeline.begun();
    if (!again) REQUIRE(timeline.begin(now).has_value() == naive.is_due(now));
    const auto span = timeline.begin(now);
    if (!span) return;
    if (below(8) == 0) return restart();  // nothing saved, nothing sent
    saved = timeline.to_json();
    if (below(8) == 0) return restart();
    sent.push_back(*span);
    if (below(8) == 0) return restart();
    timeline.finish();
    naive.last = span->at;
    while (naive.delivered < naive.log.size() &&
           naive.log[naive.delivered].place <= span->through) {
      ++naive.delivered;
    }
    if (below(8) == 0) return restart();  // sent, and sent again: this was not saved
    saved = timeline.to_json();
  }
  void step() {
    // Mostly on, at times far, at times back.
    const int64_t seconds = below(20) == 0 ? below(4000) : below(40);
    now = TimeUs{raw(now) + (below(50) == 0 ? -below(5000) : seconds) * kMicrosPerSecond};
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        return record();
      case 3:
        return pass();
      case 4:
        return restart();
      default:
        return look();
    }
  }
  // Each digest goes on where the one before ended, or is that one again.
  void check_sent() {
    NotificationPlace reached = at_lsn(0);
    std::optional<DigestSpan> before;
    for (const DigestSpan& one : sent) {
      repeated += before == one ? 1 : 0;
      if (before == one) continue;
      uint64_t records = 0;
      for (const auto& record : naive.log) {
        // None between two digests was left out; those within are counted.
        CHECK_FALSE((record.place > reached && record.place <= one.after));
        records += record.place > one.after && record.place <= one.through ? 1 : 0;
      }
      CHECK(one.after >= reached);
      CHECK(records == one.records);
      reached = one.through;
      before = one;
    }
    REQUIRE_FALSE(naive.log.empty());
    CHECK(reached >= naive.log.back().place);
  }

  std::mt19937_64 random;
  Naive naive;
  DigestTimeline timeline{kDelays, {}};
  std::string saved;
  std::vector<DigestSpan> sent;
  TimeUs now = second(1'000'000);
  uint64_t lsn = 0;
  int restarts = 0;
  int repeated = 0;
};

}  // namespace

TEST_CASE("random records, restarts and clocks: nothing lost, nothing twice but one sent again") {
  int restarts = 0;
  int repeated = 0;
  size_t sent = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Life life(seed);
    for (int i = 0; i < 400; ++i) life.step();
    life.record();
    // In the end everything that is left goes.
    for (int i = 0; i < 200; ++i) {
      life.now = TimeUs{raw(life.now) + 1000 * kMicrosPerSecond};
      life.look();
    }
    life.check_sent();
    restarts += life.restarts;
    repeated += life.repeated;
    sent += life.sent.size();
  }
  CHECK(restarts > 1000);
  CHECK(repeated > 100);
  CHECK(sent > 5000);
}
