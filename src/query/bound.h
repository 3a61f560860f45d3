// A filter whose names and values are understood: what was written, without spans and spellings,
// and still without dictionary or index. The predicate evaluates it as it is; the planner
// (plan.h) turns it into bitmaps. Values; thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "model/state.h"
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
  std::vector<TextMatch> texts;    // of assignee and type
  std::vector<NumberTest> counts;  // of times seen
  std::vector<TimeRange> times;    // of first and last seen

  bool matches(const model::State& state, GroupId issue) const;
};

struct Expr {
  enum class Kind : uint8_t { True, Test, And, Or, Not };
  Kind kind = Kind::True;
  std::variant<std::monostate, EventTest, TimeTest, GroupTest> test;  // Kind::Test
  std::vector<Expr> children;                                         // And, Or; Not: exactly one

  static Expr of(EventTest test);
  static Expr of(TimeTest test);
  static Expr of(GroupTest test);
  static Expr all_of(std::vector<Expr> children);
  static Expr any_of(std::vector<Expr> children);
  static Expr negation(Expr child);
};

// Whether only properties of the visible issue are asked for.
bool is_group_only(const Expr& expr);
// Precondition: is_group_only(expr).
bool matches_group(const Expr& expr, const model::State& state, GroupId issue);

}  // namespace cairn::query
