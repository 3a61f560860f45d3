#include "alert/shared_queries.h"

#include <algorithm>

#include "alert/canonical.h"
#include "base/assert.h"

namespace cairn::alert {
namespace {

// The place of the last one that went, or one more.
template <class Id, class T>
Id place(std::vector<T>& all, std::vector<Id>& free) {
  if (free.empty()) {
    all.emplace_back();
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
    evaluation.filter = use_filter(rule, bound.filter, {fresh, Side::Counted}, frequency);
    if (bound.percent_of) {
      evaluation.whole = use_filter(rule, *bound.percent_of, {fresh, Side::Whole}, frequency);
    }
    evaluations_[raw(fresh)] = evaluation;
  }
  ++evaluations_[raw(known->second)].rules;
  CAIRN_ASSERT(rules_.try_emplace(id, known->second).second);
  return {known->second, made};
}

void SharedQueries::join(RuleId id, EvaluationId evaluation) {
  CAIRN_ASSERT(evaluations_.at(raw(evaluation)).rules > 0);
  ++evaluations_[raw(evaluation)].rules;
  CAIRN_ASSERT(rules_.try_emplace(id, evaluation).second);
}

SharedQueries::Unsubscribed SharedQueries::unsubscribe(RuleId id) {
  const auto rule = rules_.find(id);
  CAIRN_ASSERT(rule != rules_.end());
  const EvaluationId evaluation_id = rule->second;
  rules_.erase(rule);
  Evaluation& evaluation = evaluations_[raw(evaluation_id)];
  if (--evaluation.rules > 0) return {evaluation_id, false};
  drop_filter(evaluation.filter, {evaluation_id, Side::Counted});
  if (evaluation.whole) drop_filter(*evaluation.whole, {evaluation_id, Side::Whole});
  known_evaluations_.erase(evaluation.identity);
  free_evaluations_.push_back(evaluation_id);
  return {evaluation_id, true};
}

std::optional<EvaluationId> SharedQueries::evaluation_of(RuleId id) const {
  const auto rule = rules_.find(id);
  return rule == rules_.end() ? std::nullopt : std::optional(rule->second);
}

FilterId SharedQueries::use_filter(const Rule& rule, const BoundFilter& filter, Use use,
                                   const Frequency& frequency) {
  const Hash128 identity = filter_identity(rule, filter);
  const auto [known, made] = known_filters_.try_emplace(identity);
  if (made) {
    known->second = place(filters_, free_filters_);
    filters_[raw(known->second)].identity = identity;
    index_.add(known->second, split(filter.expr).events, rule.projects, frequency);
  }
  filters_[raw(known->second)].uses.push_back(use);
  return known->second;
}

void SharedQueries::drop_filter(FilterId id, Use use) {
  Filter& filter = filters_[raw(id)];
  std::erase_if(filter.uses, [&](const Use& one) {
    return one.evaluation == use.evaluation && one.side == use.side;
  });
  if (!filter.uses.empty()) return;
  index_.remove(id);
  known_filters_.erase(filter.identity);
  filter = Filter{};
  free_filters_.push_back(id);
}

SharedQueries::Figures SharedQueries::figures() const {
  return {rules_.size(), known_evaluations_.size(), known_filters_.size()};
}

size_t SharedQueries::memory_bytes() const {
  constexpr size_t kNode = 4 * sizeof(void*);  // of a hash table, with its block and bucket
  size_t bytes = sizeof(*this) + index_.memory_bytes() +
                 rules_.size() * (sizeof(RuleId) + sizeof(EvaluationId) + kNode) +
                 known_evaluations_.size() * (sizeof(Hash128) + sizeof(EvaluationId) + kNode) +
                 known_filters_.size() * (sizeof(Hash128) + sizeof(FilterId) + kNode) +
                 evaluations_.capacity() * sizeof(Evaluation) +
                 filters_.capacity() * sizeof(Filter);
  for (const Filter& filter : filters_) bytes += filter.uses.capacity() * sizeof(Use);
  return bytes;
}

}  // namespace cairn::alert
