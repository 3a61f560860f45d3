#include "query/rule.h"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>

#include "model/message.h"
#include "query/binder.h"
#include "query/executor.h"
#include "query/plan.h"
#include "query/table_builder.h"

namespace cairn::query {
namespace {

struct Pair {
  GroupId issue{};
  uint32_t value = 0;
};

// How often each value of one key occurs in each issue. Neighbours in a part mostly agree in both,
// so that they are counted before the table is asked.
class ValueCounts {
 public:
  void add(GroupId issue, uint32_t value, uint64_t count = 1) {
    if (issue == last_.issue && value == last_.value) {
      pending_ += count;
      return;
    }
    flush();
    last_ = {issue, value};
    pending_ = count;
  }
  void flush() {
    if (pending_ > 0 && last_.value != 0) {
      counts_[uint64_t{raw(last_.issue)} << 32 | last_.value] += pending_;
    }
    pending_ = 0;
  }
  size_t pairs() const { return counts_.size(); }
  // Calls fn(GroupId, value, count) until it returns false.
  template <class F>
  void for_each(F&& fn) const {
    for (const auto& [pair, count] : counts_) {
      if (!fn(GroupId{static_cast<uint32_t>(pair >> 32)}, static_cast<uint32_t>(pair), count)) {
        return;
      }
    }
  }

 private:
  std::unordered_map<uint64_t, uint64_t> counts_;
  Pair last_;
  uint64_t pending_ = 0;
};

Error too_many_pairs(const RuleKey& key) {
  return make_error(ErrorCode::Exhausted,
                    "The rule meets more than " + std::to_string(kMaxRulePairs) +
                        " values of issues for the key " + key.name + "; narrow its query.");
}

std::string group_value(const model::State& state, GroupId issue, GroupField field) {
  const model::Group& group = state.group(issue);
  switch (field) {
    case GroupField::Status:
      return std::to_string(raw(group.status));
    case GroupField::Substatus:
      return std::to_string(raw(group.substatus));
    case GroupField::Priority:
      return std::to_string(group.priority);
    case GroupField::Type:
      return std::to_string(group.type);
    case GroupField::Assigned:
      return std::string(group.assignee);
    default:
      break;
  }
  return "project";  // only issues of one project merge as it is
}

// The issues a query finds, and each one's value of every key.
class KeyedIssues {
 public:
  KeyedIssues(const View& view, const std::vector<RuleKey>& keys)
      : view_(view),
        keys_(keys),
        slots_(view.state->group_count() + size_t{1}, 0),
        held_(view.meter) {}

  Result<void> find(const Query& query, TimeUs now) {
    CAIRN_TRY_ASSIGN(Expr bound, bind_filter(query, view_.forest(), now));
    CAIRN_TRY_ASSIGN(const Plan plan, make_plan(view_, std::move(bound)));
    GroupFilter filter(view_, plan.group_filter);
    for (const RuleKey& key : keys_) counters_.push_back(counter_of(key));
    for (const PartMatch& match : match_parts(view_, plan, filter, GroupFilterIn::Matches)) {
      CAIRN_TRY(count(match));
    }
    values_.resize(issues_.size() * keys_.size());
    for (size_t k = 0; k < keys_.size(); ++k) CAIRN_TRY(choose(k));
    return {};
  }

  const std::vector<GroupId>& issues() const { return issues_; }
  // The issue's values, length before text, after its project; "" when it lacks one.
  std::string key_of(size_t issue) const {
    std::string out = std::to_string(raw(view_.state->group(issues_[issue]).project));
    for (size_t k = 0; k < keys_.size(); ++k) {
      const std::string& value = values_[issue * keys_.size() + k];
      if (value.empty()) return {};
      out += ' ' + std::to_string(value.size()) + ':' + value;
    }
    return out;
  }

 private:
  static constexpr uint64_t kPairBytes = 48;  // of the table of pairs, with its allocations

  struct Counter {
    std::unique_ptr<RowKey> row;  // of an event field; before `space`, which borrows it
    std::unique_ptr<KeySpace> space;
    ValueCounts counts;
  };

  Counter counter_of(const RuleKey& key) const {
    Counter counter;
    if (key.kind != RuleKey::Kind::Event) return counter;
    counter.row = std::make_unique<RowKey>();
    counter.row->field = key.event;
    counter.space = std::make_unique<KeySpace>(view_, *counter.row);
    return counter;
  }

  Result<void> count(const PartMatch& match) {
    std::vector<std::unique_ptr<KeyReader>> readers;
    for (const Counter& counter : counters_) {
      const bool wanted = counter.space && counter.space->field();
      readers.push_back(wanted ? std::make_unique<KeyReader>(view_, *counter.space, match)
                               : nullptr);
    }
    std::array<FingerprintId, Block::kSize> fingerprints;
    std::array<GroupId, Block::kSize> issues;
    match.for_each_block([&](const Block& block) {
      block.fingerprints(fingerprints.data());
      for (size_t i = 0; i < block.size(); ++i) {
        issues[i] = view_.root_of_fingerprint[raw(fingerprints[i])];
        meet(issues[i]);
      }
      for (size_t k = 0; k < keys_.size(); ++k) {
        ValueCounts& counts = counters_[k].counts;
        if (keys_[k].kind == RuleKey::Kind::Decider) {
          for (size_t i = 0; i < block.size(); ++i) counts.add(issues[i], raw(fingerprints[i]));
        } else if (readers[k]) {
          readers[k]->read(block);
          const uint32_t* numbers = readers[k]->numbers();
          for (size_t i = 0; i < block.size(); ++i) counts.add(issues[i], numbers[i]);
          for (const auto& [at, number] : readers[k]->more()) counts.add(issues[at], number);
        }
      }
    });
    size_t pairs = 0;
    for (const Counter& counter : counters_) pairs += counter.counts.pairs();
    held_.set(pairs * kPairBytes);
    CAIRN_TRY(check(view_.meter));
    for (size_t k = 0; k < keys_.size(); ++k) {
      counters_[k].counts.flush();
      if (counters_[k].counts.pairs() > kMaxRulePairs) return too_many_pairs(keys_[k]);
    }
    return {};
  }

  void meet(GroupId issue) {
    uint32_t& slot = slots_[raw(issue)];
    if (slot != 0) return;
    issues_.push_back(issue);
    slot = static_cast<uint32_t>(issues_.size());
  }

  Result<std::string> text(size_t k, uint32_t value) const {
    if (keys_[k].kind == RuleKey::Kind::Decider) {
      return std::string(view_.state->fingerprint(FingerprintId{value}).value);
    }
    return view_.dictionary->value(*counters_[k].space->field(), ValueId{value}, view_.txn);
  }

  // Every issue's most frequent value; of equally frequent ones the smallest text.
  Result<void> choose(size_t k) {
    if (keys_[k].kind == RuleKey::Kind::Group) {
      for (size_t i = 0; i < issues_.size(); ++i) {
        values_[i * keys_.size() + k] = group_value(*view_.state, issues_[i], keys_[k].group);
      }
      return {};
    }
    struct Best {
      uint64_t count = 0;
      uint32_t value = 0;
    };
    std::vector<Best> best(issues_.size());
    Result<void> outcome;
    counters_[k].counts.for_each([&](GroupId issue, uint32_t value, uint64_t count) {
      Best& held = best[slots_[raw(issue)] - 1];
      if (count < held.count) return true;
      if (count == held.count) {
        auto ours = text(k, value), theirs = text(k, held.value);
        if (!ours.ok() || !theirs.ok()) {
          outcome = ours.ok() ? theirs.error() : ours.error();
          return false;
        }
        if (*theirs < *ours) return go_on(view_.meter);
      }
      held = {count, value};
      return go_on(view_.meter);
    });
    CAIRN_TRY(outcome);
    CAIRN_TRY(check(view_.meter));
    std::unordered_map<uint32_t, std::string> texts;  // many issues have the same one
    for (size_t i = 0; i < best.size(); ++i) {
      if (best[i].value == 0) continue;
      const auto [known, added] = texts.try_emplace(best[i].value);
      if (added) {
        CAIRN_TRY_ASSIGN(known->second, text(k, best[i].value));
      }
      values_[i * keys_.size() + k] = known->second;
    }
    return {};
  }

  const View& view_;
  const std::vector<RuleKey>& keys_;
  std::vector<uint32_t> slots_;  // by group: position in issues_ + 1, 0 = not met
  std::vector<GroupId> issues_;
  std::vector<Counter> counters_;
  std::vector<std::string> values_;  // by issue, then by key; "" = none
  Holding held_;
};

struct Candidate {
  GroupId issue{};
  uint32_t number = 0;
  uint64_t times_seen = 0;
  bool may_show = true;  // others
  bool may_go = true;    // below another

  // Whether it is the better one to show others.
  bool before(const Candidate& other) const {
    if (may_show != other.may_show) return may_show;
    return times_seen != other.times_seen ? times_seen > other.times_seen : number < other.number;
  }
};

// Issues alike in every key. One that both queries find is where the first one put it, so that no
// issue is in two of them.
struct Buckets {
  std::unordered_map<std::string, std::vector<Candidate>> by_key;
  std::unordered_map<GroupId, std::pair<std::vector<Candidate>*, size_t>> place;
};

// Returns how many have no key.
uint64_t put_in_buckets(const View& view, const KeyedIssues& found, Candidate proto,
                        Buckets& buckets) {
  const model::Forest forest = view.forest();
  uint64_t without_key = 0;
  for (size_t i = 0; i < found.issues().size(); ++i) {
    if (const auto known = buckets.place.find(found.issues()[i]); known != buckets.place.end()) {
      (*known->second.first)[known->second.second].may_show = true;
      continue;
    }
    const std::string key = found.key_of(i);
    if (key.empty()) {
      ++without_key;
      continue;
    }
    proto.issue = found.issues()[i];
    proto.number = view.state->group(proto.issue).number;
    proto.times_seen = forest.totals(proto.issue).times_seen;
    std::vector<Candidate>& bucket = buckets.by_key[key];
    buckets.place[proto.issue] = {&bucket, bucket.size()};
    bucket.push_back(proto);
  }
  return without_key;
}

Result<RuleFindings> merge_alike(const View& view, const Rule& rule, TimeUs now) {
  KeyedIssues found(view, rule.keys);
  CAIRN_TRY(found.find(*rule.where, now));
  RuleFindings out;
  out.issues = found.issues().size();
  Buckets buckets;
  out.without_key = put_in_buckets(view, found, {{}, 0, 0, !rule.into, true}, buckets);
  if (rule.into) {
    KeyedIssues primaries(view, rule.keys);
    CAIRN_TRY(primaries.find(*rule.into, now));
    put_in_buckets(view, primaries, {{}, 0, 0, true, false}, buckets);
  }
  std::vector<std::vector<Candidate>*> order;
  for (auto& [key, bucket] : buckets.by_key) {
    const auto before = [](const Candidate& a, const Candidate& b) { return a.before(b); };
    std::sort(bucket.begin(), bucket.end(), before);
    if (bucket.size() > 1 && bucket.front().may_show) order.push_back(&bucket);
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->front().issue < b->front().issue; });
  std::vector<GroupId> children;
  for (const auto* bucket : order) {
    children.clear();
    for (const Candidate& one : *bucket) {
      if (&one == &bucket->front() || !one.may_go) continue;
      children.push_back(one.issue);
      out.occurrences += one.times_seen;
    }
    if (children.empty()) continue;
    out.links.merges.add(bucket->front().issue, children);
    ++out.views;
  }
  return out;
}

// The leaf groups with a match that another one shows.
Result<RuleFindings> take_out(const View& view, const Rule& rule, TimeUs now) {
  CAIRN_TRY_ASSIGN(Expr bound, bind_filter(*rule.where, view.forest(), now));
  CAIRN_TRY_ASSIGN(const Plan plan, make_plan(view, std::move(bound)));
  GroupFilter filter(view, plan.group_filter);
  std::vector<bool> met(view.state->group_count() + size_t{1}, false);
  std::array<FingerprintId, Block::kSize> fingerprints;
  for (const PartMatch& match : match_parts(view, plan, filter, GroupFilterIn::Matches)) {
    match.for_each_block([&](const Block& block) {
      block.fingerprints(fingerprints.data());
      for (size_t i = 0; i < block.size(); ++i) {
        met[raw(view.state->leaves()[raw(fingerprints[i])])] = true;
      }
    });
  }
  CAIRN_TRY(check(view.meter));
  const model::Forest forest = view.forest();
  std::unordered_map<GroupId, std::vector<GroupId>> by_view;
  std::vector<GroupId> views;
  std::vector<bool> issues(met.size(), false);
  RuleFindings out;
  for (uint32_t id = 1; id < met.size(); ++id) {
    if (!met[id]) continue;
    const GroupId root = forest.root_of(GroupId{id});
    if (!issues[raw(root)]) ++out.issues;
    issues[raw(root)] = true;
    const GroupId parent = forest.parent(GroupId{id});
    if (parent == GroupId{}) continue;
    auto& children = by_view[parent];
    if (children.empty()) views.push_back(parent);
    children.push_back(GroupId{id});
    out.occurrences += forest.totals(GroupId{id}).times_seen;
  }
  for (const GroupId shown_in : views) out.links.cuts.add(shown_in, by_view[shown_in]);
  out.views = views.size();
  return out;
}

Result<GroupId> find_named(const model::Forest& forest, const RuleIssue& named) {
  auto found = forest.state().find_issue(named.reference);
  if (found.ok() && forest.issue_of(*found) == GroupId{}) {
    return invalid_at(named.at,
                      named.reference + " is " +
                          std::string(model::standing_name(forest.group(*found).standing)) + ".");
  }
  if (found.ok()) return *found;
  Error error = std::move(found).error();
  error.position = named.at.begin;
  return error;
}

Result<RuleFindings> merge_named(const model::Forest& forest, const Rule& rule) {
  RuleFindings out;
  std::vector<GroupId> children;
  GroupId view{};
  for (const RuleIssue& named : rule.issues) {
    CAIRN_TRY_ASSIGN(const GroupId id, find_named(forest, named));
    const GroupId root = forest.root_of(id);
    if (view == GroupId{}) {
      view = root;
      continue;
    }
    // A group that is shown there already has nowhere to go.
    if (root == view || std::find(children.begin(), children.end(), root) != children.end())
      continue;
    if (forest.group(root).project != forest.group(view).project) {
      return invalid_at(named.at, named.reference + " is an issue of another project than " +
                                      forest.state().short_id(view) + ".");
    }
    children.push_back(root);
    out.occurrences += forest.totals(root).times_seen;
  }
  out.issues = children.size() + 1;
  if (children.empty()) return out;
  out.views = 1;
  out.links.merges.add(view, children);
  return out;
}

Result<RuleFindings> take_out_named(const model::Forest& forest, const Rule& rule) {
  RuleFindings out;
  CAIRN_TRY_ASSIGN(const GroupId view, find_named(forest, rule.issues.front()));
  std::vector<GroupId> children;
  if (rule.issues.size() == 1) children = forest.children(view);
  for (size_t i = 1; i < rule.issues.size(); ++i) {
    CAIRN_TRY_ASSIGN(const GroupId child, find_named(forest, rule.issues[i]));
    if (forest.parent(child) != view) {
      return invalid_at(rule.issues[i].at, rule.issues[i].reference + " is not merged into " +
                                               forest.state().short_id(view) + ".");
    }
    if (std::find(children.begin(), children.end(), child) == children.end()) {
      children.push_back(child);
    }
  }
  out.issues = 1;
  if (children.empty()) return out;
  for (const GroupId child : children) out.occurrences += forest.totals(child).times_seen;
  out.views = 1;
  out.links.cuts.add(view, children);
  return out;
}

}  // namespace

Result<RuleFindings> evaluate(const View& view, const Rule& rule, TimeUs now) {
  if (rule.where) return rule.unmerge ? take_out(view, rule, now) : merge_alike(view, rule, now);
  return rule.unmerge ? take_out_named(view.forest(), rule) : merge_named(view.forest(), rule);
}

}  // namespace cairn::query
