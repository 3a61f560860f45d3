// The meaning of a query, one occurrence at a time. Slow and plain: no dictionary, no bitmaps.
// Alerts will use it; tests hold the bitmaps against it.
#pragma once

#include <memory>

#include "base/result.h"
#include "model/forest.h"
#include "model/occurrence.h"
#include "query/ast.h"

namespace cairn::query {

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
