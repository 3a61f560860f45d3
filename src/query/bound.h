// A filter whose names and values are understood: what was written, without spans and spellings,
// and still without dictionary or index. The predicate evaluates it as it is; the planner
// (plan.h) turns it into bitmaps. Values; thread: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/uuid.h"
#include "model/forest.h"
#include "query/ast.h"
#include "query/field_catalogue.h"
#include "query/text_match.h"
#include "query/value_parser.h"

namespace cairn::query {

// Some value of some of the fields passes some of the matches. With `or_absent` also: the
// occurrence has no value of the fields.
struct EventTest {
  std::vector<EventField> fields;  // several for free text only
  std::vector<TextMatch> matches;
  bool or_absent = false;
  bool operator==(const EventTest&) const = default;
};

// It is the occurrence's id, or that of its event.
struct IdTest {
  Uuid id;
};

struct TimeTest {
  TimeRange range;
};

struct NumberTest {
  Op op = Op::Equal;
  double number = 0;
};

// A property of the visible issue is one of these.
struct GroupTest {
  GroupField field{};
  std::vector<uint64_t> numbers;   // enumerators and ids
  std::vector<TextMatch> texts;    // of assignee, type, people and releases
  std::vector<NumberTest> counts;  // of times seen and groups merged
  std::vector<TimeRange> times;    // of first and last seen

  bool matches(const model::Forest& forest, GroupId issue) const;
};

struct Expr {
  enum class Kind : uint8_t { True, Test, And, Or, Not };
  Kind kind = Kind::True;
  std::variant<std::monostate, EventTest, TimeTest, GroupTest, IdTest> test;  // Kind::Test
  std::vector<Expr> children;  // And, Or; Not: exactly one
  Span at;                     // in the query, without `!`; empty: of no term alone

  static Expr of(EventTest test);
  static Expr of(TimeTest test);
  static Expr of(GroupTest test);
  static Expr of(IdTest test);
  static Expr all_of(std::vector<Expr> children);
  static Expr any_of(std::vector<Expr> children);
  static Expr negation(Expr child);
};

// Whether the expression holds; `ask` answers its tests: bool(const Expr&), Kind::Test.
template <class Ask>
bool holds(const Expr& expr, const Ask& ask) {
  const auto child_holds = [&](const Expr& child) { return holds(child, ask); };
  const auto& children = expr.children;
  switch (expr.kind) {
    case Expr::Kind::True:
      return true;
    case Expr::Kind::Test:
      return ask(expr);
    case Expr::Kind::And:
      return std::all_of(children.begin(), children.end(), child_holds);
    case Expr::Kind::Or:
      return std::any_of(children.begin(), children.end(), child_holds);
    case Expr::Kind::Not:
      return !child_holds(children.front());
  }
  return false;
}

// Whether only properties of the visible issue are asked for.
bool is_group_only(const Expr& expr);
// Precondition: is_group_only(expr).
bool matches_group(const Expr& expr, const model::Forest& forest, GroupId issue);

}  // namespace cairn::query
