// What the texts of a rule mean: its filter, aggregate and key, bound as the query language binds
// them, and what of the language a rule cannot have. Pure; thread: any.
#pragma once

#include <optional>
#include <vector>

#include "alert/rule.h"
#include "base/hash.h"
#include "base/result.h"
#include "model/forest.h"
#include "query/binder.h"
#include "query/bound.h"

namespace cairn::alert {

// A filter with its tree: names of issues, projects and the like mean what the state says when they
// are bound, the tree is what was written.
struct BoundFilter {
  query::Query tree;
  query::Expr expr;
};

// Conditions of a metric rule, apart by what they need. Both are joined by AND.
struct SplitFilter {
  query::Expr events;              // of the occurrence alone: never changes
  std::vector<query::Expr> group;  // of the visible issue: asked again at each evaluation
};

struct BoundRule {
  BoundFilter filter;
  std::optional<BoundFilter> percent_of;
  std::optional<query::BoundCall> call;   // of rules with a number
  std::optional<query::RowKey> group_by;  // the same
  std::optional<MetricCondition> metric;  // of a metric rule, or what a counted issue rule is
};

// Of a rule that counts for one issue: the same as a metric rule by issue. nullopt: it does not.
std::optional<MetricCondition> counted_form(const IssueCondition& issue);

// Of what a rule with a number says about what is counted, as it is written: rules of which it is
// the same share an evaluation, though others may as well. nullopt: it has no number.
std::optional<Hash128> written_identity(const Rule& rule);

// Errors: InvalidArgument and NotFound, "member: what is wrong", with the position in the text of
// that member for query, percent_of, aggregate and group_by; those of check_limits().
// `now` is what relative dates (age:-24h) are relative to.
Result<BoundRule> bind_rule(const Rule& rule, const model::Forest& forest, TimeUs now);

// Precondition: the filter of a rule with a number that bind_rule() took.
SplitFilter split(const query::Expr& filter);

}  // namespace cairn::alert
