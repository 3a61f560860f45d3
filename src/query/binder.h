// Names to meanings: turns a parsed query into a bound filter and pipeline, or says at which
// position what was wrong and what would have been right. Pure; thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "query/bound.h"
#include "query/search.h"

namespace cairn::query {

// The forest is looked at for issues, projects, types and releases that the filter names.
// Errors: InvalidArgument, with the position of what is wrong; NotFound (an issue or a project
// named by slug that does not exist), also with position.
Result<Expr> bind_filter(const Query& query, const model::Forest& forest, TimeUs now,
                         const Viewer& viewer = {});

// One value a row of a table is made for.
struct RowKey {
  enum class Kind : uint8_t { Event, Issue, Project, Time };
  Kind kind = Kind::Event;
  EventField field;  // Kind::Event
  std::string name;  // of the column, as written
};

struct BoundCall {
  enum class Function : uint8_t { Count, Uniq, Sum, Avg, Min, Max, Percentile, Rate };
  Function function = Function::Count;
  std::optional<RowKey> field;  // of all but Count and Rate
  double fraction = 0;          // Percentile: 0.99
  int64_t period_us = 0;        // Rate
  std::string name;             // of the column, canonical: count(), uniq(user)

  bool computes() const { return function >= Function::Sum && function <= Function::Percentile; }
  bool gives_time() const { return field && field->kind == RowKey::Kind::Time; }
  bool gives_integer() const { return function == Function::Count || function == Function::Uniq; }
};

struct BoundTable {
  std::vector<BoundCall> calls;
  std::vector<RowKey> by;
  std::optional<int64_t> every_us;
  struct Order {
    size_t column = 0;  // of the table
    bool descending = true;
  };
  std::optional<Order> order;  // nullopt: by time, else by the first call, descending
  struct Condition {
    size_t column = 0;  // of numbers or times
    Op op = Op::Equal;
    double number = 0;  // times in microseconds
  };
  std::vector<Condition> where;  // of the rows that stay
};

struct Pipeline {
  std::optional<BoundTable> table;  // nullopt: issues
  std::optional<Sort> sort;         // issues only
  std::optional<uint32_t> limit;
};

// Columns of a table, in order: time (when `every`), keys, calls.
std::vector<Column> table_columns(const BoundTable& table);

inline constexpr size_t kMaxKeys = 8;   // fields of one `by`
inline constexpr size_t kMaxCalls = 8;  // functions of one table
inline constexpr size_t kMaxConditions = 8;

// Errors: InvalidArgument with position.
Result<Pipeline> bind_pipeline(const Query& query);

// Rows of one answer: what the caller says, else the query, else `by_default`. InvalidArgument when
// it is none between 1 and kMaxLimit.
Result<uint32_t> choose_limit(const SearchOptions& options, const Pipeline& pipeline,
                              uint32_t by_default);

}  // namespace cairn::query
