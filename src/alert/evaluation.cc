#include "alert/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "query/value_parser.h"

namespace cairn::alert {
namespace {

using Kind = query::RowKey::Kind;
using Function = query::BoundCall::Function;

bool minds_issues(const BoundRule& bound) {
  if (bound.call->counts_issues()) return true;
  if (bound.group_by && bound.group_by->kind == Kind::Issue) return true;
  if (!split(bound.filter.expr).group.empty()) return true;
  return bound.percent_of && !split(bound.percent_of->expr).group.empty();
}

// Issues are counted at the tick: until then what is kept is where there is something.
Function kept_function(const query::BoundCall& call) {
  return call.counts_issues() ? Function::Count : call.function;
}

size_t most_keys(bool by_fingerprint) { return by_fingerprint ? kMaxFingerprintKeys : kMaxKeys; }

// Whether an issue is one that the conditions want; each is asked once a tick.
class Wanted {
 public:
  Wanted(const Issues& issues, std::span<const query::Expr> conditions)
      : issues_(issues), conditions_(conditions) {}

  // The issue that shows the fingerprint; 0: none, or one that is not wanted.
  GroupId issue_of(FingerprintId fingerprint) {
    const GroupId root = issues_.root_of_fingerprint[raw(fingerprint)];
    if (root == GroupId{0} || conditions_.empty()) return root;
    const auto [known, fresh] = verdicts_.try_emplace(root, false);
    if (fresh) {
      known->second =
          std::all_of(conditions_.begin(), conditions_.end(), [&](const query::Expr& condition) {
            return query::matches_group(condition, issues_.forest, root);
          });
    }
    return known->second ? root : GroupId{0};
  }

 private:
  const Issues& issues_;
  std::span<const query::Expr> conditions_;
  std::map<GroupId, bool> verdicts_;
};

std::string issue_key(const model::Forest& forest, GroupId issue) {
  const model::Group& group = forest.group(issue);
  return fmt::format("{}/{}", raw(group.project), group.number);
}

}  // namespace

std::optional<Evaluation::Field> Evaluation::field_of(const std::optional<query::RowKey>& key) {
  if (!key) return std::nullopt;
  CAIRN_ASSERT(key->field.prefix.empty() && key->field.part == query::ReleasePart::Whole);
  return Field{key->kind, key->field.id, key->field.tag};
}

Evaluation::Evaluation(const BoundRule& bound)
    : function_(bound.call->function),
      per_million_(bound.call->per_million),
      period_us_(bound.call->period_us),
      of_(field_of(bound.call->field)),
      group_by_(field_of(bound.group_by)),
      compares_(bound.metric->comparison_delta_min.has_value()),
      by_fingerprint_(minds_issues(bound)),
      counted_(shape_of(*bound.metric), kept_function(*bound.call), most_keys(by_fingerprint_)) {
  if (bound.percent_of) whole_ = std::make_unique<KeyedWindows>(counted_);
}

bool Evaluation::counts_issues() const {
  return function_ == Function::Uniq && of_->kind == Kind::Issue;
}

void Evaluation::add(Side side, const model::Occurrence& occurrence,
                     std::span<const model::Term> terms, FingerprintId decided_by, TimeUs now) {
  CAIRN_ASSERT(side == Side::Counted || whole_);
  KeyedWindows& windows = side == Side::Counted ? counted_ : *whole_;
  const Observation observation = observe(occurrence, terms);
  if (!group_by_ || groups_by(Kind::Issue)) {
    return count(windows, 0, decided_by, occurrence, observation, now);
  }
  if (groups_by(Kind::Project)) {
    return count(windows, raw(occurrence.project), decided_by, occurrence, observation, now);
  }
  bool any = false;
  for (const model::Term& term : terms) {
    if (!group_by_->holds(term)) continue;
    any = true;
    count(windows, label_of(term.value), decided_by, occurrence, observation, now);
  }
  if (!any) count(windows, 0, decided_by, occurrence, observation, now);
}

void Evaluation::count(KeyedWindows& windows, uint64_t label, FingerprintId decided_by,
                       const model::Occurrence& occurrence, const Observation& observation,
                       TimeUs now) {
  const WindowKey key{label, by_fingerprint_ ? decided_by : FingerprintId{0}};
  const auto added = windows.add(key, occurrence.time(), now, observation);
  if (!added) {
    ++figures_.refused;
  } else {
    switch (*added) {
      case Added::Counted:
        ++figures_.counted;
        break;
      case Added::Late:
        ++figures_.late;
        break;
      case Added::Early:
        ++figures_.early;
        break;
      case Added::NotKept:
        ++figures_.not_kept;
        break;
    }
  }
  // The name of a value that got no window.
  const bool has_name = groups_by(Kind::Event) && label != 0;
  if (has_name && !counted_.has(label) && !(whole_ && whole_->has(label))) names_.erase(label);
}

Observation Evaluation::observe(const model::Occurrence& occurrence,
                                std::span<const model::Term> terms) {
  values_.clear();
  numbers_.clear();
  if (!of_ || counts_issues()) return {};
  if (of_->kind == Kind::Project) {
    values_.push_back(raw(occurrence.project));
    return {values_, {}};
  }
  for (const model::Term& term : terms) {
    if (!of_->holds(term)) continue;
    if (function_ == Function::Uniq) {
      values_.push_back(hash64(term.value));
    } else if (const auto number = query::parse_quantity(term.value)) {
      numbers_.push_back(*number);
    }
  }
  return {values_, numbers_};
}

uint64_t Evaluation::label_of(std::string_view value) {
  const uint64_t label = std::max<uint64_t>(hash64(value), 1);
  names_.try_emplace(label, value);
  return label;
}

std::string Evaluation::name_of(uint64_t label) const {
  if (label == 0) return "";
  if (groups_by(Kind::Project)) return std::to_string(label);
  return names_.at(label);
}

Evaluation::Reading Evaluation::read(Window& window, TimeUs tick) const {
  query::BoundCall call;
  call.function = function_;
  call.per_million = per_million_;
  call.period_us = period_us_;
  Reading reading{window.value(call, tick), {}};
  if (compares_) reading.earlier = window.value(call, tick, /*earlier=*/true);
  return reading;
}

Evaluation::Readings Evaluation::read_all(KeyedWindows& windows, TimeUs tick, const Issues& issues,
                                          std::span<const query::Expr> conditions) {
  if (by_fingerprint_) return read_by_issue(windows, tick, issues, conditions);
  Readings readings;
  windows.for_each([&](const WindowKey& key, Window& window) {
    readings.emplace(name_of(key.label), read(window, tick));
  });
  return readings;
}

Evaluation::Readings Evaluation::read_by_issue(KeyedWindows& windows, TimeUs tick,
                                               const Issues& issues,
                                               std::span<const query::Expr> conditions) {
  Wanted wanted(issues, conditions);
  const query::BoundCall kept;  // count()
  const bool by_issue = groups_by(Kind::Issue);
  std::map<std::string, Window> joined;
  struct Found {
    std::set<GroupId> now;
    std::set<GroupId> earlier;
  };
  std::map<std::string, Found> found;  // issues, where they are counted
  windows.for_each([&](const WindowKey& key, Window& window) {
    const GroupId issue = wanted.issue_of(key.fingerprint);
    if (issue == GroupId{0}) return;
    const std::string name = by_issue ? issue_key(issues.forest, issue) : name_of(key.label);
    if (!counts_issues()) {
      joined.try_emplace(name, windows.empty_window()).first->second.absorb(window);
      return;
    }
    Found& of = found[name];
    if (window.value(kept, tick).number > 0) of.now.insert(issue);
    if (compares_ && window.value(kept, tick, true).number > 0) of.earlier.insert(issue);
  });
  Readings readings;
  for (auto& [name, window] : joined) readings.emplace(name, read(window, tick));
  for (const auto& [name, of] : found) {
    readings.emplace(name, Reading{{static_cast<double>(of.now.size())},
                                   {static_cast<double>(of.earlier.size())}});
  }
  return readings;
}

// What a window without occurrences says.
Evaluation::Reading Evaluation::nothing() const {
  query::BoundCall call;
  call.function = function_;
  const bool zero = !call.computes() || function_ == Function::Sum;
  const WindowValue value = zero ? WindowValue{0.0} : WindowValue{};
  return {value, value};
}

Update Evaluation::update_of(TimeUs tick, const Reading& counted, const Reading* whole) const {
  Update update;
  update.time = tick;
  update.value = whole != nullptr ? percent_of(counted.now, whole->now) : counted.now.number;
  update.incomplete = counted.now.incomplete || (whole != nullptr && whole->now.incomplete);
  if (!compares_) return update;
  update.base =
      whole != nullptr ? percent_of(counted.earlier, whole->earlier) : counted.earlier.number;
  update.incomplete = update.incomplete || counted.earlier.incomplete ||
                      (whole != nullptr && whole->earlier.incomplete);
  return update;
}

std::vector<KeyUpdate> Evaluation::at(TimeUs tick, const Issues& issues,
                                      std::span<const std::string> open) {
  const Readings counted = read_all(counted_, tick, issues, issues.counted);
  const Readings whole = whole_ ? read_all(*whole_, tick, issues, issues.whole) : Readings();
  std::set<std::string> keys(open.begin(), open.end());
  for (const auto& one : counted) keys.insert(one.first);
  for (const auto& one : whole) keys.insert(one.first);
  if (!group_by_) keys = {""};
  const Reading none = nothing();
  const auto reading_of = [&](const Readings& readings, const std::string& key) -> const Reading& {
    const auto found = readings.find(key);
    return found == readings.end() ? none : found->second;
  };
  std::vector<KeyUpdate> updates;
  updates.reserve(keys.size());
  for (const std::string& key : keys) {
    const Reading* const all = whole_ ? &reading_of(whole, key) : nullptr;
    updates.push_back({key, update_of(tick, reading_of(counted, key), all)});
  }
  return updates;
}

void Evaluation::advance(TimeUs tick) {
  counted_.advance(tick);
  if (whole_) whole_->advance(tick);
  std::erase_if(names_, [&](const auto& one) {
    return !counted_.has(one.first) && !(whole_ && whole_->has(one.first));
  });
}

size_t Evaluation::memory_bytes() const {
  size_t bytes = sizeof(*this) - sizeof(counted_) + counted_.memory_bytes() +
                 (whole_ ? whole_->memory_bytes() : 0);
  for (const auto& one : names_) bytes += 80 + one.second.capacity();  // a tree's node
  return bytes;
}

}  // namespace cairn::alert
