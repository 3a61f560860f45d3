// Runs bound queries over a View.
//
// The meaning of every query is one predicate over (occurrence, visible issue): an occurrence
// matches when the predicate holds for it and for the issue that shows it; an issue is found when
// at least one of its occurrences matches; its count is the number of them. predicate.h is that
// definition as code and the oracle of the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "query/meter.h"
#include "query/view.h"

namespace cairn::query {

enum class Sort : uint8_t { Date, New, Freq, User, Trends, Recommended, Priority };
std::optional<Sort> parse_sort(std::string_view name);

inline constexpr uint32_t kMaxLimit = 10'000;  // rows of one page or table
inline constexpr uint32_t kDefaultLimit = 25;  // rows of a page; tables: kMaxLimit
inline constexpr uint32_t kMaxTrendBuckets = 10'000;

// Who asks: what `me` and `my_teams` mean in a query.
struct Viewer {
  std::string user;                // an id, without "user:"; "" = nobody in particular
  std::vector<std::string> teams;  // ids, without "team:"
};

struct SearchOptions {
  TimeUs now{};                   // what relative dates and scores are relative to
  std::optional<Sort> sort;       // default: the query's `| sort`, else Date
  std::optional<uint32_t> limit;  // default: the query's `| limit`, else kDefaultLimit
  std::string cursor;             // from another page; "" = first page. Its `now` is the first's
  uint32_t trend_buckets = 0;     // 0 = no trend
  int64_t trend_bucket_us = 0;    // width; the last bucket ends at `now`
  Viewer viewer{};
  Control control{};  // budget, cancellation, profile (meter.h); a view with a meter has its own
};

struct IssueRow {
  GroupId id{};
  uint64_t count = 0;  // matching occurrences
  uint64_t users = 0;  // distinct users among them
  TimeUs first{};      // of the matching occurrences
  TimeUs last{};
  std::vector<uint64_t> trend;  // oldest bucket first
};

struct SearchPage {
  Lsn lsn{};
  TimeUs now{};        // what dates and scores are relative to: the first page's
  uint64_t total = 0;  // issues over all pages, exact
  std::vector<IssueRow> issues;
  int64_t trend_bucket_us = 0;        // of the rows' trends: what was asked for, or the query's own
  std::optional<std::string> next;    // cursor of the next page
  std::optional<std::string> prev;    // and of the one before
  std::vector<std::string> warnings;  // sentences: what in the query can match nothing, and why
};

struct Cell {
  // monostate: no value; a vector: a trend, oldest bucket first.
  std::variant<std::monostate, int64_t, double, std::string, TimeUs, std::vector<uint64_t>> value;
};
struct Column {
  std::string name;
  std::string type;  // integer, number, string, time, trend
};
struct Table {
  Lsn lsn{};
  uint64_t total = 0;  // rows before the limit cut them, exact
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> warnings;  // as SearchPage's
};

// Whether the pipeline ends in a table rather than in a page of issues.
bool is_aggregate(const Query& query);

// Errors of all: InvalidArgument (unknown sort, bad value for a field, function or cursor: with
// position where it lies in the query), Corruption, Io, Exhausted (limits; a budget is used up),
// Closed (cancelled). Of a cursor: those of cursor_for() (cursor.h).
Result<SearchPage> search(const View& view, const Query& query, const SearchOptions& options);
Result<Table> aggregate(const View& view, const Query& query, const SearchOptions& options);

// Issues with a match, ascending, without a limit.
Result<std::vector<GroupId>> matching_issues(const View& view, const Query& query, TimeUs now);

// Every matching occurrence with its visible issue, ascending by LSN, until fn returns false.
struct Match {
  Lsn lsn{};
  FingerprintId fingerprint{};
  GroupId issue{};
};
Result<void> for_each_match(const View& view, const Query& query, TimeUs now,
                            const std::function<bool(const Match&)>& fn);

}  // namespace cairn::query
