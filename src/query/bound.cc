#include "query/bound.h"

#include <algorithm>

#include "base/assert.h"

namespace cairn::query {
namespace {

bool contains(const std::vector<uint64_t>& numbers, uint64_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

bool any_text(const std::vector<TextMatch>& matches, std::string_view text) {
  return std::any_of(matches.begin(), matches.end(),
                     [&](const TextMatch& match) { return match.matches(text); });
}

// A wildcard takes any assignee, but not the lack of one.
bool asks_for_nobody(const std::vector<TextMatch>& matches) {
  return std::any_of(matches.begin(), matches.end(), [](const TextMatch& match) {
    return match.exact() != nullptr && match.exact()->empty();
  });
}

bool any_time(const std::vector<TimeRange>& ranges, TimeUs time) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const TimeRange& range) { return range.contains(time); });
}

bool any_count(const std::vector<NumberTest>& tests, uint64_t count) {
  return std::any_of(tests.begin(), tests.end(), [&](const NumberTest& test) {
    return compare(static_cast<double>(count), test.op, test.number);
  });
}

Expr combine(Expr::Kind kind, std::vector<Expr> children) {
  Expr expr;
  expr.kind = kind;
  expr.children = std::move(children);
  return expr;
}

// Whether some of the texts passes; "" asks for there being none.
template <class Text>
bool any_of_texts(const std::vector<TextMatch>& matches, const std::vector<Text>& texts) {
  if (texts.empty()) return asks_for_nobody(matches);
  return std::any_of(texts.begin(), texts.end(),
                     [&](const Text& text) { return any_text(matches, text); });
}

template <class Test>
Expr test_of(Test test) {
  Expr expr;
  expr.kind = Expr::Kind::Test;
  expr.test = std::move(test);
  return expr;
}

}  // namespace

bool GroupTest::matches(const model::Forest& forest, GroupId issue) const {
  const model::State& state = forest.state();
  const model::Group& group = state.group(issue);
  switch (field) {
    case GroupField::Status:
      return contains(numbers, raw(forest.shown_status(issue).status));
    case GroupField::Substatus:
      return contains(numbers, raw(forest.shown_status(issue).substatus));
    case GroupField::Priority:
      return contains(numbers, group.priority);
    case GroupField::Type:
      return contains(numbers, group.type) ||
             (!texts.empty() && any_text(texts, state.type(group.type).slug));
    case GroupField::Category: {
      const model::GroupType type = state.type(group.type);
      return contains(numbers, type.category) || contains(numbers, type.category_v2);
    }
    case GroupField::Assigned:
      if (group.assignee.empty()) return asks_for_nobody(texts);
      return any_text(texts, group.assignee);
    case GroupField::TimesSeen:
      return any_count(counts, forest.totals(issue).times_seen);
    case GroupField::FirstSeen:
      return any_time(times, forest.totals(issue).first_seen);
    case GroupField::LastSeen:
      return any_time(times, forest.totals(issue).last_seen);
    case GroupField::Issue:
      return contains(numbers, raw(issue));
    case GroupField::Project:
      return contains(numbers, raw(group.project));
    case GroupField::BookmarkedBy:
      return any_of_texts(texts, state.care(issue).bookmarked_by);
    case GroupField::SubscribedBy:
      return any_of_texts(texts, state.care(issue).subscribed_by);
    case GroupField::Linked:
      return !state.care(issue).links.empty();
    case GroupField::ForReview:
      return forest.for_review(issue);
    case GroupField::Merged:
      return any_count(counts, forest.members(issue).size() - 1);
    case GroupField::FirstRelease: {
      const std::string_view release = forest.first_release(issue);
      return release.empty() ? asks_for_nobody(texts) : any_text(texts, release);
    }
    case GroupField::RegressedIn:
      return any_of_texts(texts, forest.regressed_in(issue));
  }
  return false;
}

Expr Expr::of(EventTest test) { return test_of(std::move(test)); }
Expr Expr::of(TimeTest test) { return test_of(test); }
Expr Expr::of(GroupTest test) { return test_of(std::move(test)); }
Expr Expr::of(IdTest test) { return test_of(test); }
Expr Expr::all_of(std::vector<Expr> children) { return combine(Kind::And, std::move(children)); }
Expr Expr::any_of(std::vector<Expr> children) { return combine(Kind::Or, std::move(children)); }
Expr Expr::negation(Expr child) {
  std::vector<Expr> children;
  children.push_back(std::move(child));
  return combine(Kind::Not, std::move(children));
}

bool is_group_only(const Expr& expr) {
  if (expr.kind == Expr::Kind::Test) return std::holds_alternative<GroupTest>(expr.test);
  return std::all_of(expr.children.begin(), expr.children.end(), is_group_only);
}

bool matches_group(const Expr& expr, const model::Forest& forest, GroupId issue) {
  return holds(expr, [&](const Expr& leaf) {
    const auto* test = std::get_if<GroupTest>(&leaf.test);
    CAIRN_ASSERT(test != nullptr);
    return test->matches(forest, issue);
  });
}

}  // namespace cairn::query
