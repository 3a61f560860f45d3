#include "query/predicate.h"

#include <algorithm>

#include "base/assert.h"
#include "query/binder.h"

namespace cairn::query {
namespace {

bool passes(const Expr& leaf, const Subject& subject) {
  if (const auto* event = std::get_if<EventTest>(&leaf.test)) {
    return matches(*event, subject.terms);
  }
  if (const auto* time = std::get_if<TimeTest>(&leaf.test)) {
    return time->range.contains(subject.occurrence.time());
  }
  if (const auto* one = std::get_if<IdTest>(&leaf.test)) {
    return subject.occurrence.id == one->id || subject.occurrence.event_id == one->id;
  }
  const auto* group = std::get_if<GroupTest>(&leaf.test);
  CAIRN_ASSERT(group != nullptr);
  return group->matches(subject.forest, subject.issue);
}

}  // namespace

bool is_of(const model::Term& term, const EventField& field) {
  return field.id != FieldId{0} ? term.id == field.id
                                : term.id == FieldId{0} && term.tag == field.tag;
}

bool matches(const EventTest& test, std::span<const model::Term> terms) {
  bool absent = true;
  for (const model::Term& term : terms) {
    const bool wanted = std::any_of(test.fields.begin(), test.fields.end(),
                                    [&](const EventField& field) { return is_of(term, field); });
    if (!wanted) continue;
    absent = false;
    for (const TextMatch& match : test.matches) {
      if (match.matches(term.value)) return true;
    }
  }
  return absent && test.or_absent;
}

bool matches(const Expr& expr, const Subject& subject) {
  return holds(expr, [&](const Expr& leaf) { return passes(leaf, subject); });
}

struct Predicate::Impl {
  model::Forest forest;
  Expr expr;
  model::TermExtractor extractor;
};

Predicate::Predicate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Predicate::Predicate(Predicate&&) noexcept = default;
Predicate::~Predicate() = default;

Result<Predicate> Predicate::bind(const Query& query, const model::Forest& forest, TimeUs now) {
  CAIRN_TRY_ASSIGN(Expr expr, bind_filter(query, forest, now));
  return Predicate(std::unique_ptr<Impl>(new Impl{forest, std::move(expr), {}}));
}

bool Predicate::matches(const model::Occurrence& occurrence, GroupId issue) {
  const auto& terms = impl_->extractor.extract(occurrence);
  return query::matches(impl_->expr, Subject{occurrence, terms, impl_->forest, issue});
}

}  // namespace cairn::query
