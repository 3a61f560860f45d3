#include "query/executor.h"

#include <algorithm>
#include <array>
#include <optional>

#include "query/part_evaluator.h"
#include "query/profile.h"

namespace cairn::query {
namespace {

using storage::Bitmap;
using storage::OrdinalRange;
using storage::Part;
using Kind = PlanNode::Kind;
using Outcome = Profile::Part::Outcome;

// A bitmap this many times smaller than its part is filtered by time or issue one by one: cheaper
// than a pass over the part.
constexpr uint64_t kFewOfPart = 4;
// Finding where projects begin costs as much as decoding so many matches.
constexpr uint64_t kMatchesPerSearch = 4096;
// Where the occurrences of a project, and of those after it, begin. Precondition: sorted.
Ordinal begin_of(ProjectId project, const View& view, const Part& part) {
  Ordinal low = 0;
  for (Ordinal high = part.size(); low < high;) {
    const Ordinal middle = low + (high - low) / 2;
    if (view.state->fingerprint(part.fingerprint(middle)).project < project) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::vector<OrdinalRange> ranges_of(const std::vector<ProjectId>& projects, const View& view,
                                    const Part& part) {
  std::vector<OrdinalRange> ranges;
  for (const ProjectId project : projects) {
    const Ordinal end = raw(project) == UINT64_MAX
                            ? part.size()
                            : begin_of(ProjectId{raw(project) + 1}, view, part);
    const OrdinalRange range{begin_of(project, view, part), end};
    if (!range.empty()) ranges.push_back(range);
  }
  return ranges;
}

// Keeps matches that pass(values of a block, i), the values being read by read(block, out).
template <class Value, class Read, class Pass>
void filter_one_by_one(PartMatch& match, Read&& read, Pass&& pass) {
  std::vector<Ordinal> kept;
  std::array<Ordinal, Block::kSize> ordinals;
  std::array<Value, Block::kSize> values;
  match.for_each_block([&](const Block& block) {
    block.ordinals(ordinals.data());
    read(block, values.data());
    for (size_t i = 0; i < block.size(); ++i) {
      if (pass(values[i])) kept.push_back(ordinals[i]);
    }
  });
  match.bitmap = Bitmap::from_sorted(kept);
}

// One part after the other: PartMatch by PartMatch the plan's conditions cut down what matches.
class Matcher {
 public:
  Matcher(const View& view, const Plan& plan, GroupFilter& filter, GroupFilterIn where)
      : view_(view), plan_(plan), filter_(filter), where_(where) {
    if (!plan.issues) return;
    for (const GroupId issue : *plan.issues) {
      if (!filter.passes(issue)) continue;
      const auto shown = view.forest().fingerprints_of(issue);
      named_.insert(named_.end(), shown.begin(), shown.end());
    }
  }

  // nullopt: nothing matches in this part, which is the view's `number`th.
  std::optional<PartMatch> match(const Part& part, uint32_t number) {
    report_ = begin_report(part);
    const TimeUs begin = report_ == nullptr ? TimeUs{} : view_.meter->now();
    auto match = find(part, number);
    if (match && is_empty(*match)) match.reset();
    if (report_ != nullptr) {
      report_->us = raw(view_.meter->now()) - raw(begin);
      report_->matches = match ? match->count() : 0;
      if (match) report_->outcome = Outcome::Matched;
    }
    if (match) match->hold_bitmap();
    return match;
  }

 private:
  std::optional<PartMatch> find(const Part& part, uint32_t number) {
    if (part.size() == 0 || plan_.events.kind == Kind::None) {
      return leave(Outcome::PrunedByPlan);
    }
    if (part.max_time() < plan_.time.begin || part.min_time() >= plan_.time.end) {
      return leave(Outcome::PrunedByTime);
    }
    if (report_ != nullptr) report_->estimated = estimate(plan_.events, part);
    PartMatch match{&part, std::nullopt, {{0, part.size()}}, view_.meter};
    bool in_time = plan_.time.contains(part.min_time()) && plan_.time.contains(part.max_time());
    bool filtered = filter_.empty();
    if (plan_.issues && part.sorted() && !are_many(view_, named_.size())) {
      tell("ranges of the issues named");
      match.ranges = ranges_of_named(part, in_time);
      in_time = filtered = true;
    }
    if (match.ranges.empty()) return std::nullopt;
    if (plan_.events.kind != Kind::All) {
      keep(match, PartEvaluator(view_, plan_, part, number).run());
    }
    if (part.only() != nullptr) keep(match, part.only()->clone());
    if (!filtered && worth_confining(match)) {
      tell("ranges of the projects named");
      confine(match, ranges_of(*plan_.projects, view_, part));
      filtered = plan_.only_projects;
    }
    if (!in_time && !is_empty(match)) keep_time(match);
    if (!filtered && where_ == GroupFilterIn::Matches && !is_empty(match)) keep_issues(match);
    return match;
  }

  // What is recorded of the part, if anything is.
  Profile::Part* begin_report(const Part& part) {
    Profile* const profile = plan_.told ? profile_of(view_) : nullptr;
    if (profile == nullptr) return nullptr;
    Profile::Part& report = profile->parts.emplace_back();
    report.occurrences = part.occurrences();
    report.segment = part.sorted();
    report.outcome = Outcome::NoMatch;
    if (part.size() == 0) return &report;
    report.first = part.min_time();
    report.last = part.max_time();
    return &report;
  }
  void tell(const char* way) {
    if (report_ != nullptr) report_->ways.emplace_back(way);
  }
  std::nullopt_t leave(Outcome outcome) {
    if (report_ != nullptr) report_->outcome = outcome;
    return std::nullopt;
  }

  static bool is_empty(const PartMatch& match) {
    return match.bitmap ? match.bitmap->empty() : match.ranges.empty();
  }
  static bool is_few(const PartMatch& match) {
    return match.count() < match.part->size() / kFewOfPart;
  }

  static void keep(PartMatch& match, Bitmap bitmap) {
    if (match.bitmap) {
      match.bitmap->and_with(bitmap);
      return;
    }
    if (!match.whole()) {
      Bitmap inside = bitmap_of(match.ranges);
      inside.and_with(bitmap);
      bitmap = std::move(inside);
    }
    match.bitmap = std::move(bitmap);
  }
  static void confine(PartMatch& match, std::vector<OrdinalRange> ranges) {
    if (match.bitmap) {
      keep(match, bitmap_of(ranges));
    } else {
      match.ranges = std::move(ranges);
    }
  }

  // Times ascend in the range of a fingerprint, so that a limit of time only shortens it.
  std::vector<OrdinalRange> ranges_of_named(const Part& part, bool in_time) const {
    std::vector<OrdinalRange> ranges;
    for (const FingerprintId fingerprint : named_) {
      OrdinalRange range = part.range_of(fingerprint);
      if (!in_time && !range.empty()) {
        const Ordinal begin = part.first_not_before(range, plan_.time.begin);
        range = {begin, part.first_not_before({begin, range.end}, plan_.time.end)};
      }
      if (!range.empty()) ranges.push_back(range);
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const OrdinalRange& a, const OrdinalRange& b) { return a.begin < b.begin; });
    return ranges;
  }

  bool worth_confining(const PartMatch& match) const {
    // Fingerprints of a later time, which the state does not know, may lie between.
    if (match.part->only() != nullptr) return false;
    return plan_.projects && match.part->sorted() && match.count() > kMatchesPerSearch;
  }

  void keep_time(PartMatch& match) {
    if (!is_few(match)) {
      tell("time by a search in every fingerprint's range");
      keep(match, match.part->in_time(plan_.time.begin, plan_.time.end));
      return;
    }
    tell("time one by one");
    filter_one_by_one<TimeUs>(
        match, [](const Block& block, TimeUs* out) { block.times(out); },
        [&](TimeUs time) { return plan_.time.contains(time); });
  }
  void keep_issues(PartMatch& match) {
    if (!is_few(match)) {
      tell("issues by the ranges of their fingerprints");
      keep(match, match.part->of_fingerprints(filter_.fingerprints()));
      return;
    }
    tell("issues one by one");
    filter_one_by_one<FingerprintId>(
        match, [](const Block& block, FingerprintId* out) { block.fingerprints(out); },
        [&](FingerprintId fingerprint) { return filter_.passes(fingerprint); });
  }

  const View& view_;
  const Plan& plan_;
  GroupFilter& filter_;
  const GroupFilterIn where_;
  std::vector<FingerprintId> named_;  // shown by the issues the plan names
  Profile::Part* report_ = nullptr;   // of the part at work
};

}  // namespace

std::vector<PartMatch> match_parts(const View& view, const Plan& plan, GroupFilter& filter,
                                   GroupFilterIn where) {
  if (Profile* profile = plan.told ? profile_of(view) : nullptr) {
    // What was recorded when the same plan was run before would count twice.
    profile->parts.clear();
    profile->work_by_node.assign(plan.node_count, {});
  }
  Matcher matcher(view, plan, filter, where);
  std::vector<PartMatch> matches;
  for (uint32_t number = 0; number < view.parts.size() && go_on(view.meter); ++number) {
    auto match = matcher.match(*view.parts[number], number);
    if (match) matches.push_back(std::move(*match));
  }
  return matches;
}

}  // namespace cairn::query
