// Who is interested in what is counted: rules that ask for the same share one evaluation, and
// evaluations of the same occurrences share one filter, however they are written (canonical.h).
// Both are counted by who uses them and gone with the last one, at once.
//
//   rule ──► evaluation (filter, aggregate, key, window, resolution) ──► filter (occurrences)
//
// Thread: one at a time. Deterministic: ids depend on the calls made and their order alone; they
// mean nothing outside.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "alert/bound_rule.h"
#include "alert/predicate_index.h"
#include "base/block_vector.h"
#include "base/hash.h"
#include "base/id_list.h"

namespace cairn::alert {

enum class RuleId : uint32_t {};
enum class EvaluationId : uint32_t {};

// What a filter counts for an evaluation: its window, or the one that it is a percentage of.
enum class Side : uint8_t { Counted, Whole };

class SharedQueries {
 public:
  struct Subscribed {
    EvaluationId evaluation{};
    bool made = false;  // nobody asked for it before: its windows are still to be made
  };
  // Preconditions: the rule is not subscribed; it is `bound`, and has a number.
  Subscribed subscribe(RuleId id, const Rule& rule, const BoundRule& bound,
                       const Frequency& frequency = usual_frequency);
  // The same for a rule that is known to ask for what that evaluation counts.
  // Preconditions: the rule is not subscribed; somebody asks for the evaluation.
  void join(RuleId id, EvaluationId evaluation);
  struct Unsubscribed {
    EvaluationId evaluation{};
    bool gone = false;  // nobody asks for it any more; the id may come again
  };
  // Precondition: the rule is subscribed.
  Unsubscribed unsubscribe(RuleId id);
  std::optional<EvaluationId> evaluation_of(RuleId id) const;

  // Calls fn(EvaluationId, Side) for all that count this occurrence. Conditions on the issue are
  // not asked: they are about the moment of the evaluation (SplitFilter::group).
  template <class F>
  void for_each_match(const query::Subject& subject, const F& fn) {
    index_.for_each_match(subject, [&](FilterId id) {
      for (const UseId use : uses_[raw(id)]) fn(evaluation_of(use), side_of(use));
    });
  }

  struct Figures {
    size_t subscriptions = 0;  // rules
    size_t evaluations = 0;    // different ones
    size_t filters = 0;        // different ones
    // Rules for one evaluation; 0 without any.
    double ratio() const {
      return evaluations == 0 ? 0 : double(subscriptions) / double(evaluations);
    }
  };
  Figures figures() const;
  const PredicateIndex& index() const { return index_; }
  // With the index; without what the evaluations count.
  size_t memory_bytes() const;

 private:
  // Twice the evaluation's id, and the side.
  enum class UseId : uint32_t {};
  static UseId use_id(EvaluationId evaluation, Side side) {
    return UseId{raw(evaluation) * 2 + static_cast<uint32_t>(side)};
  }
  static EvaluationId evaluation_of(UseId use) { return EvaluationId{raw(use) / 2}; }
  static Side side_of(UseId use) { return static_cast<Side>(raw(use) % 2); }
  struct Evaluation {
    Hash128 identity;
    uint32_t rules = 0;
    FilterId filter{};
    std::optional<FilterId> whole{};
  };
  struct IdentityHash {
    size_t operator()(const Hash128& identity) const { return identity.low; }
  };
  template <class Id>
  using Known = std::unordered_map<Hash128, Id, IdentityHash>;

  void set_evaluation(RuleId id, EvaluationId evaluation);
  FilterId use_filter(const Rule& rule, const BoundFilter& filter, UseId use,
                      const Frequency& frequency);
  void drop_filter(FilterId id, UseId use);

  static constexpr EvaluationId kNone{UINT32_MAX};
  std::vector<EvaluationId> of_rule_;  // by RuleId, which are few numbers above the count
  size_t rules_ = 0;
  BlockVector<Evaluation> evaluations_;  // by id
  std::vector<EvaluationId> free_evaluations_;
  Known<EvaluationId> known_evaluations_;
  std::vector<Hash128> filters_;     // identities, by id
  std::vector<IdList<UseId>> uses_;  // the same
  std::vector<FilterId> free_filters_;
  Known<FilterId> known_filters_;
  PredicateIndex index_;
};

}  // namespace cairn::alert
