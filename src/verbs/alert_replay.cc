#include "verbs/alert_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <unordered_map>

#include "alert/window.h"
#include "model/occurrence.h"
#include "query/executor.h"
#include "query/plan.h"

namespace cairn::verbs {
namespace {

using alert::Side;
using query::Block;
using query::Expr;
using Kind = query::RowKey::Kind;

constexpr uint32_t kSlices = 100;               // about so many queries, and steps of progress
constexpr size_t kMaxKeptValues = 1u << 18;     // texts of values at hand
constexpr uint64_t kRecordsPerLook = 1u << 10;  // read before the meter is asked

int64_t floor_to(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

// An occurrence as the columns of the index have it.
struct Seen {
  Lsn lsn{};
  TimeUs time{};
  FingerprintId fingerprint{};
};

// A field of the occurrence that the rule needs a value of.
struct NeededField {
  const query::RowKey* key = nullptr;
  std::optional<FieldId> column;  // nullopt: no occurrence has it
};

Expr joined(std::vector<Expr> all) {
  std::erase_if(all, [](const Expr& one) { return one.kind == Expr::Kind::True; });
  return all.size() == 1 ? std::move(all.front()) : Expr::all_of(std::move(all));
}

class Feeder {
 public:
  Feeder(const engine::Snapshot& snapshot, const query::View& view, const alert::Rule& rule,
         const alert::BoundRule& bound, alert::Evaluation& evaluation)
      : snapshot_(snapshot), view_(view), evaluation_(evaluation) {
    filters_.push_back({Side::Counted, in_projects(bound.filter.expr, rule)});
    if (bound.percent_of) {
      filters_.push_back({Side::Whole, in_projects(bound.percent_of->expr, rule)});
    }
    need(bound.call->field);
    need(bound.group_by);
  }

  // Every occurrence of the time into the evaluation; those that are counted also to `counted`.
  Result<void> feed(TimeUs begin, TimeUs end, std::vector<Seen>& counted) {
    for (const auto& [side, filter] : filters_) {
      query::TimeTest time;
      time.range = {begin, end};
      std::vector<Expr> both;
      both.push_back(filter);
      both.push_back(Expr::of(std::move(time)));
      CAIRN_TRY_ASSIGN(const query::Plan plan, query::make_plan(view_, joined(std::move(both))));
      query::GroupFilter groups(view_, plan.group_filter);
      const auto parts = query::match_parts(view_, plan, groups, query::GroupFilterIn::Matches);
      for (const query::PartMatch& match : parts) {
        CAIRN_TRY(feed_part(side, match, side == Side::Counted ? &counted : nullptr));
      }
      CAIRN_TRY(query::check(view_.meter));
    }
    return {};
  }

 private:
  static Expr in_projects(const Expr& filter, const alert::Rule& rule) {
    if (rule.projects.empty()) return filter;
    query::GroupTest test;
    test.field = query::GroupField::Project;
    for (const ProjectId project : rule.projects) test.numbers.push_back(raw(project));
    std::vector<Expr> both;
    both.push_back(filter);
    both.push_back(Expr::of(std::move(test)));
    return joined(std::move(both));
  }

  void need(const std::optional<query::RowKey>& key) {
    if (!key || key->kind != Kind::Event) return;
    NeededField field{&*key, key->field.id};
    if (key->field.id == FieldId{0}) field.column = view_.dictionary->find_tag(key->field.tag);
    needed_.push_back(field);
  }

  // Bodies are read only where the index keeps no column of a field that is needed.
  Result<void> feed_part(Side side, const query::PartMatch& match, std::vector<Seen>* counted) {
    const bool columns = std::all_of(needed_.begin(), needed_.end(), [&](const NeededField& field) {
      return !field.column || match.part->has_column(*field.column);
    });
    std::vector<Seen> bodies;
    Result<void> outcome;
    match.for_each_block([&](const Block& block) {
      if (!outcome.ok()) return;
      seen_.resize(block.size());
      read(block);
      if (counted != nullptr) counted->insert(counted->end(), seen_.begin(), seen_.end());
      if (columns) {
        outcome = feed_columns(side, block);
      } else {
        bodies.insert(bodies.end(), seen_.begin(), seen_.end());
      }
    });
    CAIRN_TRY(outcome);
    return feed_bodies(side, bodies);
  }

  void read(const Block& block) {
    std::array<Lsn, Block::kSize> lsns;
    std::array<TimeUs, Block::kSize> times;
    std::array<FingerprintId, Block::kSize> fingerprints;
    block.lsns(lsns.data());
    block.times(times.data());
    block.fingerprints(fingerprints.data());
    for (size_t i = 0; i < block.size(); ++i) seen_[i] = {lsns[i], times[i], fingerprints[i]};
  }

  Result<void> feed_columns(Side side, const Block& block) {
    std::vector<std::array<ValueId, Block::kSize>> columns(needed_.size());
    for (size_t f = 0; f < needed_.size(); ++f) {
      columns[f].fill(ValueId{0});
      if (needed_[f].column) block.column(*needed_[f].column, columns[f].data());
    }
    std::vector<model::Term> terms;
    for (size_t i = 0; i < block.size(); ++i) {
      terms.clear();
      if (values_.size() > kMaxKeptValues) values_.clear();
      for (size_t f = 0; f < needed_.size(); ++f) {
        if (columns[f][i] == ValueId{0}) continue;
        CAIRN_TRY_ASSIGN(const std::string_view text, value(*needed_[f].column, columns[f][i]));
        const query::EventField& field = needed_[f].key->field;
        terms.push_back({field.id, field.tag, text});
      }
      light_.project = view_.state->fingerprint(seen_[i].fingerprint).project;
      light_.detection_time =
          static_cast<double>(raw(seen_[i].time)) / static_cast<double>(kMicrosPerSecond);
      evaluation_.add(side, light_, terms, seen_[i].fingerprint, seen_[i].time);
    }
    return {};
  }

  // The text lives until values_ is cleared.
  Result<std::string_view> value(FieldId field, ValueId id) {
    const uint64_t both = (uint64_t{raw(field)} << 32) | raw(id);
    const auto known = values_.find(both);
    if (known != values_.end()) return std::string_view(known->second);
    CAIRN_TRY_ASSIGN(std::string text, view_.dictionary->value(field, id, view_.txn));
    return std::string_view(values_.emplace(both, std::move(text)).first->second);
  }

  Result<void> feed_bodies(Side side, std::vector<Seen>& bodies) {
    std::sort(bodies.begin(), bodies.end(),
              [](const Seen& a, const Seen& b) { return a.lsn < b.lsn; });
    uint64_t done = 0;
    for (const Seen& one : bodies) {
      if (++done % kRecordsPerLook == 0) CAIRN_TRY(query::check(view_.meter));
      CAIRN_TRY_ASSIGN(const model::Record record, snapshot_.record(one.lsn));
      const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
      if (occurrence == nullptr) {
        return make_error(ErrorCode::Corruption,
                          fmt::format("the index takes record {} for an occurrence: run "
                                      "'cairn rebuild'",
                                      raw(one.lsn)));
      }
      evaluation_.add(side, *occurrence, extractor_.extract(*occurrence), one.fingerprint,
                      one.time);
    }
    return {};
  }

  const engine::Snapshot& snapshot_;
  const query::View& view_;
  alert::Evaluation& evaluation_;
  std::vector<std::pair<Side, Expr>> filters_;
  std::vector<NeededField> needed_;
  std::vector<Seen> seen_;   // of a block
  model::Occurrence light_;  // what an evaluation wants of one without its body
  std::unordered_map<uint64_t, std::string> values_;  // by field and value
  model::TermExtractor extractor_;
};

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
    return std::max(first_, TimeUs{floor_to(raw(one.time), resolution_us_) + resolution_us_});
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
        feeder_(snapshot, view_, rule, bound, evaluation_) {}

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
        CAIRN_TRY(feeder_.feed(fed, next, counted));
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
    out_.first = TimeUs{floor_to(raw(range.after), out_.resolution_us) + out_.resolution_us};
    const int64_t last = floor_to(raw(range.up_to), out_.resolution_us);
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
  Feeder feeder_;
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
