// When two filters are the same, however they are written: order and repetition of terms, doubled
// and pushed-in negations, AND within AND, lists or OR, quotes, aliases of names. Equal texts mean
// equal filters; some equal filters have different texts (a OR (a AND b) is not a).
//
// What the state decides (issue:, project:, issue.type:) and what is relative to now (age:, first
// and last seen) is compared as written, since it may mean something else tomorrow. Pure; thread:
// any.
#pragma once

#include <string>

#include "alert/bound_rule.h"
#include "base/hash.h"
#include "query/bound.h"

namespace cairn::alert {

// Bytes, not for people. Precondition: `expr` is bound of `tree`, perhaps with more conditions.
std::string canonical(const query::Query& tree, const query::Expr& expr);

// Of everything that decides which occurrences count: conditions on them (SplitFilter::events),
// environment, projects. Precondition: the rule has a number.
Hash128 filter_identity(const Rule& rule, const BoundFilter& filter);
// Of everything that decides the values of a rule with a number, and when they are computed:
// thresholds are not among it. Precondition: rule.call.
Hash128 evaluation_identity(const Rule& rule, const BoundRule& bound);

}  // namespace cairn::alert
