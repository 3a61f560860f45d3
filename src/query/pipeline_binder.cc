// Binds what follows `|`.
#include <algorithm>
#include <array>
#include <set>

#include "base/time_format.h"
#include "query/binder.h"
#include "query/call_binder.h"

namespace cairn::query {
namespace {

constexpr std::array<std::string_view, 7> kSorts = {
    "date", "new", "freq", "user", "trends", "recommended", "priority"};  // as Sort has them

class PipelineBinder {
 public:
  Result<void> add(const AggregateStage& stage) {
    CAIRN_TRY(check_first(stage.at));
    if (stage.calls.size() > kMaxCalls || stage.by.size() > kMaxKeys) {
      return invalid_at(stage.at, "A table has at most " + std::to_string(kMaxCalls) +
                                      " functions and " + std::to_string(kMaxKeys) +
                                      " fields after by.");
    }
    if (stage.calls.empty()) {
      return invalid_at(stage.at, "A table needs a function: count() or uniq(FIELD).");
    }
    if (stage.every_us && *stage.every_us <= 0) {
      return invalid_at(stage.at, "The width after every must be more than nothing.");
    }
    BoundTable table;
    for (const Call& call : stage.calls) {
      CAIRN_TRY_ASSIGN(auto bound, bind_call(call));
      if (stage.vs_us && bound.gives_time()) {
        return invalid_at(call.at, "vs compares numbers, and " + bound.name + " is a time.");
      }
      table.calls.push_back(std::move(bound));
    }
    for (const Key& key : stage.by) {
      CAIRN_TRY_ASSIGN(auto bound, bind_row_key(key));
      table.by.push_back(std::move(bound));
    }
    table.every_us = stage.every_us;
    table.vs_us = stage.vs_us;
    table.vs_at = stage.vs_at;
    pipeline_.table = std::move(table);
    return check_names(stage.at);
  }

  Result<void> add(const TopStage& stage) {
    CAIRN_TRY(check_first(stage.at));
    CAIRN_TRY_ASSIGN(auto key, bind_row_key(stage.field));
    BoundTable table;
    table.calls.emplace_back().name = "count()";
    table.by.push_back(std::move(key));
    pipeline_.table = std::move(table);
    top_ = true;
    return set_limit(stage.count, stage.count_at);
  }

  Result<void> add(const HistogramStage& stage) {
    CAIRN_TRY(check_first(stage.at));
    BoundTable table;
    CAIRN_TRY_ASSIGN(table.histogram, bind_histogram(stage));
    table.order = RowChoice::Order{0, false};
    pipeline_.table = std::move(table);
    return {};
  }

  Result<void> add(const FieldsStage& stage) {
    if (pipeline_.makes_table()) return two_tables(stage.at);
    if (pipeline_.trend) {
      return invalid_at(stage.at, "Beside fields a trend is one of them: trend(24h).");
    }
    if (stage.columns.size() > kMaxFields) {
      return invalid_at(stage.at,
                        "fields takes at most " + std::to_string(kMaxFields) + " columns.");
    }
    BoundFields fields;
    for (const ColumnRef& column : stage.columns) {
      CAIRN_TRY_ASSIGN(auto bound, bind_issue_column(column));
      fields.columns.push_back(std::move(bound));
    }
    pipeline_.fields = std::move(fields);
    // What follows is about the rows. Issues that were sorted and cut may be sorted again.
    if (pipeline_.limit) sorted_ = false;
    return check_names(stage.at);
  }

  Result<void> add(const TrendStage& stage) {
    if (pipeline_.makes_table()) {
      return invalid_at(stage.at,
                        "trend is about a list of issues; a table has every 1h, and fields has "
                        "trend(24h).");
    }
    if (pipeline_.trend) return invalid_at(stage.at, "trend is given twice.");
    CAIRN_TRY_ASSIGN(pipeline_.trend, bind_trend(stage.length_us, stage.at));
    return {};
  }

  Result<void> add(const SortStage& stage) {
    if (sorted_) return invalid_at(stage.at, "sort is given twice.");
    if (top_) return after_top(stage.at);
    if (is_cut()) {
      return invalid_at(stage.at, "Put sort before limit: rows are ordered, then cut.");
    }
    sorted_ = true;
    if (pipeline_.makes_table()) {
      CAIRN_TRY_ASSIGN(const size_t column, find_column(stage.key));
      if (columns()[column].type == "trend") {
        return invalid_at(span_of(stage.key),
                          "Rows are not sorted by a trend, which is many numbers.");
      }
      choice().order =
          RowChoice::Order{column, stage.descending, order_of_names(columns()[column].name)};
      return {};
    }
    const std::string name = column_name(stage.key);
    pipeline_.sort = parse_sort(name);
    if (pipeline_.sort) return {};
    return invalid_at(span_of(stage.key), "There is no sort \"" + name + "\"" + sort_hint(name) +
                                              " Known are " + enumerate(kSorts) + ".");
  }

  Result<void> add(const WhereStage& stage) {
    if (!pipeline_.makes_table()) {
      return invalid_at(stage.at,
                        "where is about the rows of a table, and there is none: make one first, "
                        "as in | count() by issue | where count() > 10, or put conditions on "
                        "issues in front of the |, as in times_seen:>10.");
    }
    if (top_) return after_top(stage.at);
    if ((pipeline_.fields ? choice().order.has_value() : sorted_) || is_cut()) {
      return invalid_at(stage.at, "Put where before sort and limit: rows are chosen first.");
    }
    std::vector<RowChoice::Condition>& where = choice().where;
    if (where.size() == kMaxConditions) {
      return invalid_at(stage.at,
                        "A table has at most " + std::to_string(kMaxConditions) + " conditions.");
    }
    CAIRN_TRY_ASSIGN(const size_t column, find_column(stage.key));
    CAIRN_TRY_ASSIGN(const double number, bind_bound(stage, columns()[column]));
    where.push_back({column, stage.op, number});
    return {};
  }

  Result<void> add(const LimitStage& stage) {
    const auto& limit = pipeline_.fields ? pipeline_.fields->limit : pipeline_.limit;
    if (limit) return invalid_at(stage.at, "limit is given twice.");
    return set_limit(stage.count, stage.count_at);
  }

  Pipeline take() { return std::move(pipeline_); }

 private:
  static Error two_tables(Span at) {
    return invalid_at(at,
                      "A query makes one table; there are two here. Write calls beside each "
                      "other, as in | count() uniq(user).");
  }

  Result<void> check_first(Span at) const {
    if (pipeline_.makes_table()) return two_tables(at);
    if (pipeline_.trend) return invalid_at(at, "A table has no trend; it has every 1h for that.");
    if (sorted_ || pipeline_.limit) {
      return invalid_at(at, "Put sort and limit after the table they apply to.");
    }
    return {};
  }

  // The values that come out of top are the most frequent ones, whatever stands behind it.
  static Error after_top(Span at) {
    return invalid_at(at,
                      "top N FIELD chooses, orders and cuts its rows: for others write "
                      "count() by FIELD, then where, sort and limit.");
  }

  // Whether there is a limit for what the next stage is about.
  bool is_cut() const {
    return pipeline_.fields ? pipeline_.fields->limit.has_value() : pipeline_.limit.has_value();
  }

  static RowChoice::Names order_of_names(std::string_view column) {
    if (column == "level") return RowChoice::Names::Levels;
    return column == "priority" || column == "issue.priority" ? RowChoice::Names::Priorities
                                                              : RowChoice::Names::Text;
  }

  // What other lists of issues call their orders.
  static std::string sort_hint(const std::string& name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kOtherNames = {{
        {"last_seen", "date"},
        {"lastSeen", "date"},
        {"first_seen", "new"},
        {"firstSeen", "new"},
        {"age", "new"},
        {"times_seen", "freq"},
        {"events", "freq"},
        {"count", "freq"},
        {"count()", "freq"},
        {"users", "user"},
        {"uniq(user)", "user"},
        {"trend", "trends"},
        {"betterPriority", "recommended"},
    }};
    for (const auto& [other, sort] : kOtherNames) {
      if (other == name) return ": here that is \"" + std::string(sort) + "\".";
    }
    return suggestion(name, kSorts);
  }

  // Of the table that is being made.
  RowChoice& choice() {
    if (pipeline_.fields) return *pipeline_.fields;
    return *pipeline_.table;
  }
  std::vector<Column> columns() const {
    if (pipeline_.table) return table_columns(*pipeline_.table);
    std::vector<Column> columns;
    for (const BoundColumn& column : pipeline_.fields->columns) columns.push_back(column.shown);
    return columns;
  }

  // `sort count` is as good as `sort count()`, and count.change as count().change.
  static std::string as_call(const std::string& name) {
    const size_t dot = std::min(name.find('.'), name.size());
    return name.substr(0, dot) + "()" + name.substr(dot);
  }

  Result<size_t> find_column(const ColumnRef& wanted) const {
    const Span at = span_of(wanted);
    const std::string name = column_name(wanted);
    const std::vector<Column> all = columns();
    std::vector<std::string_view> names;
    for (const Column& column : all) names.push_back(column.name);
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) found = std::find(names.begin(), names.end(), as_call(name));
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
    const auto* call = std::get_if<Call>(&wanted);
    if (call != nullptr && !call->part.empty() && !(pipeline_.table && pipeline_.table->vs_us)) {
      return invalid_at(at, "Only a table with vs has a column \"" + name +
                                "\": write count() vs 1w, for example.");
    }
    return invalid_at(at, "The table has no column \"" + name + "\"" + suggestion(name, names) +
                              " It has " + enumerate(names) + ".");
  }

  static Result<double> bind_bound(const WhereStage& stage, const Column& shown) {
    if (shown.type == "string" || shown.type == "trend") {
      return invalid_at(span_of(stage.key), "where compares numbers and times; conditions on \"" +
                                                shown.name + "\" go in front of the |.");
    }
    if (shown.type == "time") {
      if (const auto time = parse_time(stage.value.text)) return static_cast<double>(raw(*time));
      return invalid_at(stage.value.at, "\"" + stage.value.text +
                                            "\" is no time: expected one like 2026-11-21 or "
                                            "2026-11-21T05:27:44Z.");
    }
    return bind_number(stage.value, shown);
  }

  // Counts have no units, and changes are in percent already: 10 and 10% are the same.
  static Result<double> bind_number(const Value& value, const Column& shown) {
    if (shown.name.ends_with(".change")) {
      std::string_view text = value.text;
      if (text.ends_with('%')) text.remove_suffix(1);
      if (const auto percent = parse_number(text)) return *percent;
      return invalid_at(value.at, "\"" + value.text +
                                      "\" is no change in percent: expected one like 10, -2.5 or "
                                      "10%.");
    }
    if (shown.type == "integer") {
      if (const auto number = parse_number(value.text)) return *number;
      return not_a_number(value);
    }
    if (const auto number = parse_quantity(value.text)) return *number;
    return not_a_quantity(value);
  }

  Result<void> set_limit(uint32_t count, Span at) {
    if (count == 0 || count > kMaxLimit) {
      return invalid_at(at, "A limit is between 1 and " + std::to_string(kMaxLimit) +
                                ": longer lists are read page by page.");
    }
    (pipeline_.fields ? pipeline_.fields->limit : pipeline_.limit) = count;
    return {};
  }

  // Names of columns are unique, so that sort and JSON readers can tell them apart.
  Result<void> check_names(Span at) const {
    std::set<std::string> seen;
    for (const Column& column : columns()) {
      if (!seen.insert(column.name).second) {
        return invalid_at(at, "The table has the column \"" + column.name + "\" twice.");
      }
    }
    return {};
  }

  Pipeline pipeline_;
  bool sorted_ = false;
  bool top_ = false;  // the table is that of top
};

}  // namespace

std::optional<Sort> parse_sort(std::string_view name) {
  const auto found = std::find(kSorts.begin(), kSorts.end(), name);
  if (found == kSorts.end()) return std::nullopt;
  return static_cast<Sort>(found - kSorts.begin());
}

bool is_aggregate(const Query& query) {
  return std::any_of(query.stages.begin(), query.stages.end(), [](const Stage& stage) {
    return std::holds_alternative<AggregateStage>(stage) ||
           std::holds_alternative<TopStage>(stage) ||
           std::holds_alternative<HistogramStage>(stage) ||
           std::holds_alternative<FieldsStage>(stage);
  });
}

std::vector<Column> table_columns(const BoundTable& table) {
  if (table.histogram) {
    const char* type = table.histogram->field.kind == RowKey::Kind::Time ? "time" : "number";
    return {Column{"from", type}, Column{"to", type}, Column{"count()", "integer"}};
  }
  std::vector<Column> columns;
  if (table.every_us) columns.push_back(Column{"time", "time"});
  for (const RowKey& key : table.by) columns.push_back(Column{key.name, "string"});
  for (const BoundCall& call : table.calls) {
    const std::string type(call.column_type());
    columns.push_back(Column{call.name, type});
    if (!table.vs_us) continue;
    columns.push_back(Column{call.name + ".before", type});
    columns.push_back(Column{call.name + ".change", "number"});
  }
  return columns;
}

Result<Pipeline> bind_pipeline(const Query& query) {
  PipelineBinder binder;
  for (const Stage& stage : query.stages) {
    CAIRN_TRY(std::visit([&](const auto& what) { return binder.add(what); }, stage));
  }
  return binder.take();
}

Result<uint32_t> choose_limit(const SearchOptions& options, const Pipeline& pipeline,
                              uint32_t by_default) {
  const uint32_t limit = options.limit.value_or(pipeline.limit.value_or(by_default));
  // What the query says bounds what is asked for beside it.
  if (limit >= 1 && limit <= kMaxLimit) return std::min(limit, pipeline.limit.value_or(limit));
  return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(limit) +
                                                    "; it has to be between 1 and " +
                                                    std::to_string(kMaxLimit) + ".");
}

}  // namespace cairn::query
