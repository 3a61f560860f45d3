#include "alert/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

uint32_t bytes_a_side(const BoundRule& bound, const EvaluationOptions& options) {
  return bound.percent_of ? options.max_bytes / 2 : options.max_bytes;
}

constexpr size_t kNameBytes = 80;  // a tree's node

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

std::unique_ptr<const Evaluation::Field> Evaluation::field_of(
    const std::optional<query::RowKey>& key) {
  if (!key) return nullptr;
  CAIRN_ASSERT(key->field.prefix.empty() && key->field.part == query::ReleasePart::Whole);
  return std::make_unique<const Field>(Field{key->kind, key->field.id, key->field.tag});
}

Evaluation::Evaluation(const BoundRule& bound, const EvaluationOptions& options)
    : plain_(!bound.call->field && !bound.group_by),
      compares_(bound.metric->comparison_delta_min.has_value()),
      by_fingerprint_(minds_issues(bound)),
      function_(bound.call->function),
      counted_(shape_of(*bound.metric), kept_function(*bound.call), bytes_a_side(bound, options)),
      per_million_(bound.call->per_million),
      period_us_(bound.call->period_us),
      of_(field_of(bound.call->field)),
      group_by_(field_of(bound.group_by)),
      seed_(options.seed),
      done_{std::numeric_limits<int64_t>::min()} {
  if (options.first_tick) counted_.advance(*options.first_tick);
  if (bound.percent_of) whole_ = std::make_unique<KeyedWindows>(counted_);
}

bool Evaluation::counts_issues() const {
  return function_ == Function::Uniq && of_->kind == Kind::Issue;
}

void Evaluation::add(Side side, const model::Occurrence& occurrence,
                     std::span<const model::Term> terms, FingerprintId decided_by, TimeUs now) {
  CAIRN_ASSERT(side == Side::Counted || whole_);
  KeyedWindows& windows = side == Side::Counted ? counted_ : *whole_;
  const TimeUs time = occurrence.time();
  if (plain_) return count(windows, 0, decided_by, time, now, {});
  const Observation observation = observe(occurrence, terms);
  if (!group_by_ || groups_by(Kind::Issue)) {
    return count(windows, 0, decided_by, time, now, observation);
  }
  if (groups_by(Kind::Project)) {
    return count(windows, raw(occurrence.project), decided_by, time, now, observation);
  }
  bool any = false;
  for (const model::Term& term : terms) {
    if (!group_by_->holds(term)) continue;
    any = true;
    count(windows, label_of(term.value), decided_by, time, now, observation,
          name_bytes(term.value));
  }
  if (!any) count(windows, 0, decided_by, time, now, observation);
}

void Evaluation::add_counts(TimeUs time, uint32_t occurrences) {
  CAIRN_ASSERT(counts_alone());
  count(counted_, 0, FingerprintId{0}, time, time, {{}, {}, occurrences});
}

void Evaluation::count(KeyedWindows& windows, uint64_t label, FingerprintId decided_by, TimeUs time,
                       TimeUs now, const Observation& observation, size_t name_bytes) {
  const WindowKey key{label, by_fingerprint_ ? decided_by : FingerprintId{0}};
  const auto added = windows.add(key, time, now, observation, name_bytes);
  if (!added) {
    figures_.refused += observation.occurrences;
  } else {
    switch (*added) {
      case Added::Counted:
        figures_.counted += observation.occurrences;
        break;
      case Added::Late:
        figures_.late += observation.occurrences;
        break;
      case Added::Early:
        figures_.early += observation.occurrences;
        break;
      case Added::NotKept:
        figures_.not_kept += observation.occurrences;
        break;
    }
  }
  // The name of a value that got no window.
  const bool has_name = label != 0 && groups_by(Kind::Event);
  if (has_name && !counted_.has(label) && !(whole_ && whole_->has(label))) names_.erase(label);
}

Observation Evaluation::observe(const model::Occurrence& occurrence,
                                std::span<const model::Term> terms) {
  if (!of_ || counts_issues()) return {};
  if (!observed_) observed_ = std::make_unique<Observed>();
  auto& [values, numbers] = *observed_;
  values.clear();
  numbers.clear();
  if (of_->kind == Kind::Project) {
    values.push_back(raw(occurrence.project));
    return {values, {}};
  }
  for (const model::Term& term : terms) {
    if (!of_->holds(term)) continue;
    if (function_ == Function::Uniq) {
      values.push_back(hash_of(term.value));
    } else if (const auto number = query::parse_quantity(term.value)) {
      numbers.push_back(*number);
    }
  }
  return {values, numbers};
}

uint64_t Evaluation::hash_of(std::string_view value) const { return hash64(value, seed_); }

uint64_t Evaluation::label_hash(std::string_view value) const {
  return std::max<uint64_t>(hash_of(value), 1);
}

uint64_t Evaluation::label_of(std::string_view value) {
  const uint64_t label = label_hash(value);
  names_.try_emplace(label, value);
  return label;
}

// What a window is charged for it.
size_t Evaluation::name_bytes(std::string_view name) { return kNameBytes + 2 * name.size(); }

std::string Evaluation::name_of(uint64_t label) const {
  if (label == 0) return "";
  if (groups_by(Kind::Project)) return std::to_string(label);
  return names_.at(label);
}

Evaluation::Reading Evaluation::read(std::span<Window* const> windows, TimeUs tick) const {
  query::BoundCall call;
  call.function = counts_issues() ? Function::Count : function_;
  call.per_million = per_million_;
  call.period_us = period_us_;
  Reading reading{Window::value_of(windows, call, tick), {}};
  if (compares_) reading.earlier = Window::value_of(windows, call, tick, /*earlier=*/true);
  return reading;
}

Evaluation::Readings Evaluation::read_all(KeyedWindows& windows, TimeUs tick, const Issues& issues,
                                          std::span<const query::Expr> conditions) {
  if (by_fingerprint_) return read_by_issue(windows, tick, issues, conditions);
  Readings readings;
  windows.for_each([&](const WindowKey& key, Window& window) {
    Window* const one = &window;
    readings.emplace(name_of(key.label), read({&one, 1}, tick));
  });
  return readings;
}

Evaluation::Readings Evaluation::read_by_issue(KeyedWindows& windows, TimeUs tick,
                                               const Issues& issues,
                                               std::span<const query::Expr> conditions) {
  Wanted wanted(issues, conditions);
  const bool by_issue = groups_by(Kind::Issue);
  using OfIssues = std::vector<std::pair<GroupId, Window*>>;
  std::map<std::string, OfIssues> by_name;
  windows.for_each([&](const WindowKey& key, Window& window) {
    const GroupId issue = wanted.issue_of(key.fingerprint);
    if (issue == GroupId{0}) return;
    const std::string name = by_issue ? issue_key(issues.forest, issue) : name_of(key.label);
    by_name[name].emplace_back(issue, &window);
  });
  Readings readings;
  std::vector<Window*> together;
  for (const auto& [name, all] : by_name) {
    if (counts_issues()) {
      count_issues(readings, windows, tick, name, all);
      continue;
    }
    together = {&windows.none()};  // what is missing may be anybody's
    for (const auto& one : all) together.push_back(one.second);
    readings.emplace(name, read(together, tick));
  }
  return readings;
}

void Evaluation::count_issues(Readings& readings, KeyedWindows& windows, TimeUs tick,
                              const std::string& name,
                              std::span<const std::pair<GroupId, Window*>> all) const {
  const query::BoundCall kept;  // count()
  const auto count = [&](bool earlier) {
    bool incomplete = windows.none().value(kept, tick, earlier).incomplete;
    std::vector<GroupId> found;
    for (const auto& [issue, window] : all) {
      const WindowValue value = window->value(kept, tick, earlier);
      incomplete = incomplete || value.incomplete;
      if (value.number > 0) found.push_back(issue);
    }
    if (incomplete) return WindowValue{std::nullopt, true};
    std::sort(found.begin(), found.end());
    const auto end = std::unique(found.begin(), found.end());
    return WindowValue{static_cast<double>(end - found.begin())};
  };
  readings.emplace(name, Reading{count(false), compares_ ? count(true) : WindowValue{}});
}

Update Evaluation::update_of(TimeUs tick, const Reading& counted, const Reading* whole) const {
  Update update;
  update.time = tick;
  update.value = whole != nullptr ? percent_of(counted.now, whole->now) : counted.now.number;
  update.incomplete = counted.now.incomplete || (whole != nullptr && whole->now.incomplete);
  if (compares_) {
    update.base =
        whole != nullptr ? percent_of(counted.earlier, whole->earlier) : counted.earlier.number;
    update.incomplete = update.incomplete || counted.earlier.incomplete ||
                        (whole != nullptr && whole->earlier.incomplete);
  }
  // A sum of huge numbers is no number, and must not be taken for nothing either.
  for (std::optional<double>* number : {&update.value, &update.base}) {
    if (!*number || std::isfinite(**number)) continue;
    number->reset();
    update.incomplete = true;
  }
  return update;
}

std::vector<KeyUpdate> Evaluation::at(TimeUs tick, const Issues& issues,
                                      std::span<const std::string> open) {
  CAIRN_ASSERT(tick > done_);
  const Readings counted = read_all(counted_, tick, issues, issues.counted);
  const Readings whole = whole_ ? read_all(*whole_, tick, issues, issues.whole) : Readings();
  std::set<std::string> keys(open.begin(), open.end());
  for (const auto& one : counted) keys.insert(one.first);
  for (const auto& one : whole) keys.insert(one.first);
  if (!group_by_) keys = {""};
  const auto reading_of = [&](const Readings& readings, KeyedWindows& windows,
                              const std::string& key) {
    const auto found = readings.find(key);
    Window* const none = &windows.none();
    return found == readings.end() ? read({&none, 1}, tick) : found->second;
  };
  std::vector<KeyUpdate> updates;
  updates.reserve(keys.size());
  for (const std::string& key : keys) {
    const Reading part = reading_of(counted, counted_, key);
    const Reading all = whole_ ? reading_of(whole, *whole_, key) : Reading{};
    updates.push_back({key, update_of(tick, part, whole_ ? &all : nullptr)});
  }
  return updates;
}

bool Evaluation::keys_missing(TimeUs tick) {
  for (KeyedWindows* windows : {&counted_, whole_.get()}) {
    if (windows == nullptr) continue;
    Window* const none = &windows->none();
    const Reading reading = read({&none, 1}, tick);
    if (reading.now.incomplete || reading.earlier.incomplete) return true;
  }
  return false;
}

void Evaluation::advance(TimeUs tick) {
  done_ = std::max(done_, tick);
  counted_.advance(tick);
  if (whole_) whole_->advance(tick);
  std::erase_if(names_, [&](const auto& one) {
    return !counted_.has(one.first) && !(whole_ && whole_->has(one.first));
  });
}

size_t Evaluation::bucket_bytes() const {
  return counted_.bucket_bytes() + (whole_ ? whole_->bucket_bytes() : 0);
}

size_t Evaluation::memory_bytes() const {
  size_t bytes = sizeof(*this) - sizeof(counted_) + counted_.memory_bytes() +
                 (whole_ ? whole_->memory_bytes() : 0);
  for (const auto* field : {&of_, &group_by_}) bytes += *field ? sizeof(Field) : 0;
  for (const auto& one : names_) bytes += kNameBytes + one.second.capacity();
  return bytes;
}

}  // namespace cairn::alert
