// The meaning of a query, one occurrence at a time. Slow and plain: no dictionary, no bitmaps.
// Alerts evaluate with it; tests hold the bitmaps against it.
#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "model/field.h"
#include "model/forest.h"
#include "model/occurrence.h"
#include "query/ast.h"
#include "query/bound.h"

namespace cairn::query {

// What a bound filter is asked of: an occurrence with its terms (TermExtractor), shown within the
// visible issue. Borrows everything.
struct Subject {
  const model::Occurrence& occurrence;
  std::span<const model::Term> terms;
  const model::Forest& forest;
  GroupId issue{};
};
// Thread: any.
bool matches(const Expr& expr, const Subject& subject);
bool matches(const EventTest& test, std::span<const model::Term> terms);
// Whether the term is a value of the field, also of none of the field's kind (EventField::prefix).
bool is_of(const model::Term& term, const EventField& field);

// Whether `occurrence`, shown within the visible issue `issue`, matches the query's filter.
// Errors: InvalidArgument as search() would give for the same query.
class Predicate {
 public:
  // Borrows query, state and overlay.
  static Result<Predicate> bind(const Query& query, const model::Forest& forest, TimeUs now);
  Predicate(Predicate&&) noexcept;
  ~Predicate();
  bool matches(const model::Occurrence& occurrence, GroupId issue);

 private:
  struct Impl;
  explicit Predicate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::query
