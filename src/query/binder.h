// Names to meanings: turns a parsed query into a bound filter and pipeline, or says at which
// position what was wrong and what would have been right. Pure; thread: any.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "query/bound.h"
#include "query/issue_column.h"
#include "query/search.h"

namespace cairn::query {

// The forest is looked at for issues, projects, types and releases that the filter names.
// Errors: InvalidArgument, with the position of what is wrong; NotFound (an issue or a project
// named by slug that does not exist), also with position.
Result<Expr> bind_filter(const Query& query, const model::Forest& forest, TimeUs now,
                         const Viewer& viewer = {});

// One value a row of a table is made for.
struct RowKey {
  enum class Kind : uint8_t { Event, Issue, Project, Property, Time };
  Kind kind = Kind::Event;
  EventField field;                          // Kind::Event
  GroupField property = GroupField::Status;  // Kind::Property: a named one (issue_property.h)
  std::string name;                          // of the column, as written

  bool of_issue() const {
    return kind == Kind::Issue || kind == Kind::Project || kind == Kind::Property;
  }
};

struct BoundCall {
  enum class Function : uint8_t { Count, Uniq, Sum, Avg, Min, Max, Percentile, Rate };
  Function function = Function::Count;
  std::optional<RowKey> field;  // of all but Count and Rate
  uint32_t per_million = 0;     // Percentile: 990'000 of 0.99
  int64_t period_us = 0;        // Rate
  std::string name;             // of the column, canonical: count(), uniq(user)

  bool computes() const { return function >= Function::Sum && function <= Function::Percentile; }
  // issues() and uniq(issue): how many issues, whichever of their occurrences there are.
  bool counts_issues() const {
    return function == Function::Uniq && field->kind == RowKey::Kind::Issue;
  }
  bool gives_time() const { return field && field->kind == RowKey::Kind::Time; }
  bool gives_integer() const { return function == Function::Count || function == Function::Uniq; }
  std::string_view column_type() const {
    return gives_time() ? "time" : gives_integer() ? "integer" : "number";
  }
};

// Which rows of a table stay, and in which order.
struct RowChoice {
  // Names that have an order of their own: debug < info < ... < fatal, low < medium < high.
  enum class Names : uint8_t { Text, Levels, Priorities };
  struct Order {
    size_t column = 0;  // of the table
    bool descending = true;
    Names names = Names::Text;
  };
  std::optional<Order> order;  // nullopt: the table's own
  struct Condition {
    size_t column = 0;  // of numbers or times
    Op op = Op::Equal;
    double number = 0;  // times in microseconds
  };
  std::vector<Condition> where;  // all of them hold
};

// Numbers of a field in buckets of one width.
struct BoundHistogram {
  RowKey field;          // Kind::Event or Kind::Time
  uint32_t buckets = 0;  // at most so many
};

// Rows are ordered by time, else by the first call, descending.
struct BoundTable : RowChoice {
  std::vector<BoundCall> calls;
  std::vector<RowKey> by;
  std::optional<int64_t> every_us;
  std::optional<int64_t> vs_us;  // each call also over a window so much earlier, and the change
  Span vs_at;
  std::optional<BoundHistogram> histogram;  // instead of calls and keys
};

// How counts of the last `buckets` times `width_us` up to now are cut.
struct TrendShape {
  uint32_t buckets = 0;
  int64_t width_us = 0;
};

// A column of a list of issues.
struct BoundColumn {
  std::variant<IssueColumn, BoundCall, TrendShape> what;
  Column shown;
};

// The issues found, one a row, in the order of the list.
struct BoundFields : RowChoice {
  std::vector<BoundColumn> columns;
  std::optional<uint32_t> limit;  // of rows, after their choice
};

struct Pipeline {
  std::optional<BoundTable> table;
  std::optional<BoundFields> fields;  // neither: issues
  std::optional<Sort> sort;           // of issues, also before `fields`
  std::optional<uint32_t> limit;      // of a table, or of issues, also before `fields`
  std::optional<TrendShape> trend;    // of issues

  bool makes_table() const { return table || fields; }
};

// Columns of a table, in order: time (when `every`), keys, calls, each with what `vs` adds.
std::vector<Column> table_columns(const BoundTable& table);

inline constexpr size_t kMaxKeys = 8;   // fields of one `by`
inline constexpr size_t kMaxCalls = 8;  // functions of one table
inline constexpr size_t kMaxConditions = 8;
inline constexpr size_t kMaxFields = 32;  // columns of one `fields`
inline constexpr uint32_t kMaxHistogramBuckets = 1000;
inline constexpr uint32_t kHistogramBuckets = 20;  // when the query says nothing

// Errors: InvalidArgument with position.
Result<Pipeline> bind_pipeline(const Query& query);

// Rows of one answer: what the caller says, no more than the query says, else `by_default`.
// InvalidArgument when it is none between 1 and kMaxLimit.
Result<uint32_t> choose_limit(const SearchOptions& options, const Pipeline& pipeline,
                              uint32_t by_default);

}  // namespace cairn::query
