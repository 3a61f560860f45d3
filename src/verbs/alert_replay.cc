#include "verbs/alert_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "alert/window.h"
#include "engine/alert_history.h"

namespace cairn::verbs {
namespace {

using Seen = engine::AlertHistory::Seen;

constexpr uint32_t kSlices = 100;  // about so many queries, and steps of progress

// How many were recorded after the first tick that counts them. Times of records never go back, so
// that few of them have to be read.
class LateCounter {
 public:
  LateCounter(const engine::Snapshot& snapshot, TimeUs first, int64_t resolution_us)
      : snapshot_(snapshot), first_(first), resolution_us_(resolution_us) {}

  Result<uint64_t> count(std::vector<Seen>& seen) {
    if (seen.empty()) return uint64_t{0};
    std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) { return a.lsn < b.lsn; });
    CAIRN_TRY_ASSIGN(const TimeUs begin, recorded(seen.front()));
    CAIRN_TRY_ASSIGN(const TimeUs end, recorded(seen.back()));
    return count({seen.data(), seen.size()}, begin, end);
  }

 private:
  Result<TimeUs> recorded(const Seen& one) {
    CAIRN_TRY_ASSIGN(const model::Record record, snapshot_.record(one.lsn));
    return record.time;
  }
  TimeUs tick_of(const Seen& one) const {
    return std::max(first_,
                    TimeUs{alert::floor_to(raw(one.time), resolution_us_) + resolution_us_});
  }

  // `begin`, `end`: when the first and the last of them were recorded.
  Result<uint64_t> count(std::span<const Seen> seen, TimeUs begin, TimeUs end) {
    const auto [least, most] =
        std::minmax_element(seen.begin(), seen.end(),
                            [&](const Seen& a, const Seen& b) { return tick_of(a) < tick_of(b); });
    if (end <= tick_of(*least)) return uint64_t{0};
    if (begin > tick_of(*most)) return uint64_t{seen.size()};
    if (begin == end) {
      return static_cast<uint64_t>(std::count_if(
          seen.begin(), seen.end(), [&](const Seen& one) { return begin > tick_of(one); }));
    }
    const size_t half = seen.size() / 2;  // two at least: begin and end differ
    CAIRN_TRY_ASSIGN(const TimeUs before, recorded(seen[half - 1]));
    CAIRN_TRY_ASSIGN(const TimeUs after, recorded(seen[half]));
    CAIRN_TRY_ASSIGN(const uint64_t low, count(seen.first(half), begin, before));
    CAIRN_TRY_ASSIGN(const uint64_t high, count(seen.subspan(half), after, end));
    return low + high;
  }

  const engine::Snapshot& snapshot_;
  TimeUs first_;
  int64_t resolution_us_;
};

class Replayer {
 public:
  Replayer(const engine::Snapshot& snapshot, const query::View& view, const alert::Rule& rule,
           const alert::BoundRule& bound)
      : view_(view),
        metric_(*bound.metric),
        evaluation_(bound),
        snapshot_(snapshot),
        history_(snapshot, view_, rule, bound, evaluation_) {}

  Result<AlertReplay> run(const ReplayRange& range, const engine::Progress& progress) {
    CAIRN_TRY(lay_out(range));
    const alert::WindowShape shape = alert::shape_of(metric_);
    const int64_t reach_us = static_cast<int64_t>(shape.reach()) * shape.bucket_us;
    const uint32_t window_ticks = static_cast<uint32_t>(int64_t{metric_.time_window_min} * 60 *
                                                        kMicrosPerSecond / out_.resolution_us);
    const uint32_t slice = std::max({out_.ticks / kSlices, window_ticks, uint32_t{1}});
    const int64_t slice_us = slice * out_.resolution_us;
    LateCounter lates(snapshot_, out_.first, out_.resolution_us);
    TimeUs fed{raw(out_.first) - reach_us};
    std::vector<Seen> counted;
    for (uint32_t tick = 0; tick < out_.ticks;) {
      const uint32_t end = std::min(out_.ticks, tick + slice);
      while (fed < out_.time_of(end - 1)) {
        const TimeUs next{std::min(raw(fed) + slice_us, raw(out_.time_of(end - 1)))};
        counted.clear();
        CAIRN_TRY(history_.feed(fed, next, &counted));
        out_.matched += counted.size();
        CAIRN_TRY_ASSIGN(const uint64_t late, lates.count(counted));
        out_.late += late;
        fed = next;
      }
      for (; tick < end; ++tick) CAIRN_TRY(evaluate(tick));
      evaluation_.advance(out_.time_of(end - 1));
      if (progress) progress(tick, out_.ticks);
    }
    out_.figures = evaluation_.figures();
    return std::move(out_);
  }

 private:
  Result<void> lay_out(const ReplayRange& range) {
    out_.resolution_us = int64_t{alert::resolution_of(metric_)} * 60 * kMicrosPerSecond;
    out_.first = TimeUs{alert::floor_to(raw(range.after), out_.resolution_us) + out_.resolution_us};
    const int64_t last = alert::floor_to(raw(range.up_to), out_.resolution_us);
    if (last < raw(out_.first)) {
      return make_error(ErrorCode::InvalidArgument,
                        fmt::format("no tick lies in that time: the rule is evaluated every {} "
                                    "min; choose a longer one",
                                    alert::resolution_of(metric_)));
    }
    const uint64_t ticks = static_cast<uint64_t>((last - raw(out_.first)) / out_.resolution_us) + 1;
    if (ticks > kMaxReplayTicks) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("that are {} ticks, and one test takes {} at most: choose a "
                                    "shorter time, or give the rule a longer resolution",
                                    ticks, kMaxReplayTicks));
    }
    out_.ticks = static_cast<uint32_t>(ticks);
    return {};
  }

  Result<void> evaluate(uint32_t tick) {
    const TimeUs time = out_.time_of(tick);
    if (!query::go_on(view_.meter)) return query::check(view_.meter);
    const alert::Issues issues{view_.forest(), view_.root_of_fingerprint};
    const auto known = alert::known_keys(out_.state);
    const auto updates = evaluation_.at(time, issues, known);
    alert::TickResult result = alert::apply_tick(metric_, out_.state, time, updates);
    out_.held += result.held;
    std::move(result.transitions.begin(), result.transitions.end(),
              std::back_inserter(out_.transitions));
    points_ += updates.size();
    if (points_ > kMaxReplayPoints) {
      return make_error(
          ErrorCode::Exhausted,
          fmt::format("the rule has too many keys for so long a time: {} values up to "
                      "tick {}; choose a shorter time, or a narrower query",
                      kMaxReplayPoints, tick));
    }
    for (const alert::KeyUpdate& one : updates) {
      // What the value is and whether it counts does not depend on what was before.
      const alert::Step alone = alert::step(metric_, {}, one.update);
      const auto state = out_.state.keys.find(one.key);
      const auto severity =
          state == out_.state.keys.end() ? alert::Severity::Ok : state->second.severity();
      out_.keys[one.key].push_back({tick, alone.outcome, severity, alone.value});
    }
    return {};
  }

  const query::View& view_;
  const alert::MetricCondition metric_;
  alert::Evaluation evaluation_;
  const engine::Snapshot& snapshot_;
  engine::AlertHistory history_;
  AlertReplay out_;
  size_t points_ = 0;
};

}  // namespace

Result<AlertReplay> replay(const engine::Snapshot& snapshot, const alert::Rule& rule,
                           const alert::BoundRule& bound, const ReplayRange& range,
                           const query::Control& control, const engine::Progress& progress) {
  query::Meter meter(control);
  const query::View view = query::watched(snapshot.view(), meter);
  return Replayer(snapshot, view, rule, bound).run(range, progress);
}

}  // namespace cairn::verbs
