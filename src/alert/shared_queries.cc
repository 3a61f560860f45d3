#include "alert/shared_queries.h"

#include <algorithm>
#include <utility>

#include "alert/canonical.h"
#include "base/assert.h"

namespace cairn::alert {
namespace {

// The place of the last one that went, or one more.
template <class Id, class All>
Id place(All& all, std::vector<Id>& free) {
  if (free.empty()) {
    all.push_back({});
    return Id{static_cast<uint32_t>(all.size() - 1)};
  }
  const Id id = free.back();
  free.pop_back();
  return id;
}

}  // namespace

SharedQueries::Subscribed SharedQueries::subscribe(RuleId id, const Rule& rule,
                                                   const BoundRule& bound,
                                                   const Frequency& frequency) {
  const Hash128 identity = evaluation_identity(rule, bound);
  const auto [known, made] = known_evaluations_.try_emplace(identity);
  if (made) {
    const EvaluationId fresh = place(evaluations_, free_evaluations_);
    known->second = fresh;
    Evaluation evaluation{identity};
    evaluation.filter = use_filter(rule, bound.filter, use_id(fresh, Side::Counted), frequency);
    if (bound.percent_of) {
      evaluation.whole = use_filter(rule, *bound.percent_of, use_id(fresh, Side::Whole), frequency);
    }
    evaluations_[raw(fresh)] = evaluation;
  }
  ++evaluations_[raw(known->second)].rules;
  set_evaluation(id, known->second);
  return {known->second, made};
}

void SharedQueries::join(RuleId id, EvaluationId evaluation) {
  CAIRN_ASSERT(raw(evaluation) < evaluations_.size() && evaluations_[raw(evaluation)].rules > 0);
  ++evaluations_[raw(evaluation)].rules;
  set_evaluation(id, evaluation);
}

void SharedQueries::set_evaluation(RuleId id, EvaluationId evaluation) {
  if (raw(id) >= of_rule_.size()) of_rule_.resize(raw(id) + 1, kNone);
  CAIRN_ASSERT(of_rule_[raw(id)] == kNone);
  of_rule_[raw(id)] = evaluation;
  ++rules_;
}

SharedQueries::Unsubscribed SharedQueries::unsubscribe(RuleId id) {
  CAIRN_ASSERT(evaluation_of(id));
  const EvaluationId evaluation_id = std::exchange(of_rule_[raw(id)], kNone);
  --rules_;
  Evaluation& evaluation = evaluations_[raw(evaluation_id)];
  if (--evaluation.rules > 0) return {evaluation_id, false};
  drop_filter(evaluation.filter, use_id(evaluation_id, Side::Counted));
  if (evaluation.whole) drop_filter(*evaluation.whole, use_id(evaluation_id, Side::Whole));
  known_evaluations_.erase(evaluation.identity);
  free_evaluations_.push_back(evaluation_id);
  return {evaluation_id, true};
}

std::optional<EvaluationId> SharedQueries::evaluation_of(RuleId id) const {
  if (raw(id) >= of_rule_.size() || of_rule_[raw(id)] == kNone) return std::nullopt;
  return of_rule_[raw(id)];
}

FilterId SharedQueries::use_filter(const Rule& rule, const BoundFilter& filter, UseId use,
                                   const Frequency& frequency) {
  const Hash128 identity = filter_identity(rule, filter);
  const auto [known, made] = known_filters_.try_emplace(identity);
  if (made) {
    known->second = place(filters_, free_filters_);
    uses_.resize(filters_.size());
    filters_[raw(known->second)] = identity;
    index_.add(known->second, split(filter.expr).events, rule.projects, frequency);
  }
  uses_[raw(known->second)].push_back(use);
  return known->second;
}

void SharedQueries::drop_filter(FilterId id, UseId use) {
  IdList<UseId>& uses = uses_[raw(id)];
  uses.erase_if([&](UseId one) { return one == use; });
  if (!uses.empty()) return;
  index_.remove(id);
  known_filters_.erase(filters_[raw(id)]);
  free_filters_.push_back(id);
}

SharedQueries::Figures SharedQueries::figures() const {
  return {rules_, known_evaluations_.size(), known_filters_.size()};
}

size_t SharedQueries::memory_bytes() const {
  constexpr size_t kNode = 4 * sizeof(void*);  // of a hash table, with its block and bucket
  size_t bytes = sizeof(*this) + index_.memory_bytes() +
                 of_rule_.capacity() * sizeof(EvaluationId) +
                 known_evaluations_.size() * (sizeof(Hash128) + sizeof(EvaluationId) + kNode) +
                 known_filters_.size() * (sizeof(Hash128) + sizeof(FilterId) + kNode) +
                 evaluations_.size() * sizeof(Evaluation) + filters_.capacity() * sizeof(Hash128) +
                 uses_.capacity() * sizeof(uses_[0]);
  for (const auto& uses : uses_) bytes += uses.size() > 1 ? 4 * (uses.size() + 1) : 0;
  return bytes;
}

}  // namespace cairn::alert
