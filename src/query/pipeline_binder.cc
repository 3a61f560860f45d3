// Binds what follows `|`.
#include <algorithm>
#include <array>
#include <set>

#include "base/time_format.h"
#include "query/binder.h"

namespace cairn::query {
namespace {

constexpr std::array<std::string_view, 4> kSorts = {"date", "new", "freq", "user"};
constexpr std::array<std::string_view, 12> kFunctions = {
    "count", "uniq", "sum", "avg", "min", "max", "p50", "p75", "p90", "p95", "p99", "rate"};

Result<RowKey> bind_row_key(const Key& key) {
  RowKey row_key;
  row_key.name = column_name(key);
  const FieldRef ref = find_field(key);
  if (ref.scope == Scope::Event && ref.event.part != ReleasePart::Whole) {
    return invalid_at(key.at,
                      "Tables know releases by their whole names: write release instead of "
                      "\"" +
                          key.name + "\".");
  }
  if (ref.scope == Scope::Event && ref.event.prefix.empty()) {
    row_key.field = ref.event;
    return row_key;
  }
  if (ref.scope == Scope::Event) {
    return invalid_at(
        key.at, "Tables know users by one name each: write user instead of \"" + key.name + "\".");
  }
  if (ref.scope == Scope::Group && ref.group == GroupField::Issue) {
    row_key.kind = RowKey::Kind::Issue;
    return row_key;
  }
  if (ref.scope == Scope::Group && ref.group == GroupField::Project) {
    row_key.kind = RowKey::Kind::Project;
    return row_key;
  }
  if (ref.scope == Scope::Time) {
    return invalid_at(key.at, "Times are grouped by their bucket: write every 1h, for example.");
  }
  return invalid_at(key.at,
                    "Tables are made by fields of the occurrence, tags, issue or project; "
                    "\"" +
                        key.name + "\" is none of them.");
}

using Function = BoundCall::Function;

Result<void> bind_rate(const Call& call, BoundCall& bound) {
  const auto period =
      call.arguments.size() == 1 ? parse_period(call.arguments[0].name) : std::optional<int64_t>();
  if (!period) {
    return invalid_at(call.at, "rate takes a length of time, as in rate(1h): s, m, h, d or w.");
  }
  bound.function = Function::Rate;
  bound.period_us = *period;
  return {};
}

// sum, avg, min, max, p50 ... of the numbers in a field; min and max also of the time.
Result<void> bind_number_field(const Call& call, BoundCall& bound) {
  const Key& key = call.arguments.front();
  const bool extreme = bound.function == Function::Min || bound.function == Function::Max;
  if (extreme && find_field(key).scope == Scope::Time) {
    bound.field = RowKey{RowKey::Kind::Time, {}, column_name(key)};
    return {};
  }
  CAIRN_TRY_ASSIGN(bound.field, bind_row_key(key));
  if (bound.field->kind == RowKey::Kind::Event) return {};
  return invalid_at(key.at, "\"" + key.name + "\" is no number; " + call.function +
                                " takes a tag or a field whose values are numbers.");
}

std::optional<Function> find_function(std::string_view name, double& fraction) {
  if (name == "sum") return Function::Sum;
  if (name == "avg") return Function::Avg;
  if (name == "min") return Function::Min;
  if (name == "max") return Function::Max;
  if (std::find(kFunctions.begin(), kFunctions.end(), name) == kFunctions.end() ||
      !name.starts_with('p')) {
    return std::nullopt;
  }
  fraction = (10 * (name[1] - '0') + (name[2] - '0')) / 100.0;
  return Function::Percentile;
}

Result<BoundCall> bind_call(const Call& call) {
  BoundCall bound;
  bound.name = column_name(call);
  if (call.function == "count") {
    if (call.arguments.empty()) return bound;
    return invalid_at(call.arguments.front().at,
                      "count() takes no argument: conditions go in front of the |, and the "
                      "different values of a field are counted by uniq(" +
                          column_name(call.arguments.front()) + ").");
  }
  if (call.function == "rate") {
    CAIRN_TRY(bind_rate(call, bound));
    return bound;
  }
  const auto computed = find_function(call.function, bound.fraction);
  if (!computed && call.function != "uniq") {
    return invalid_at(call.at, "There is no function \"" + call.function + "\"" +
                                   suggestion(call.function, kFunctions) + " Known are " +
                                   enumerate(kFunctions) + ".");
  }
  if (call.arguments.size() != 1) {
    return invalid_at(call.at, call.function + " takes one field, as in " + call.function +
                                   (computed ? "(tags[duration])." : "(user)."));
  }
  bound.function = computed.value_or(Function::Uniq);
  if (computed) {
    CAIRN_TRY(bind_number_field(call, bound));
  } else {
    CAIRN_TRY_ASSIGN(bound.field, bind_row_key(call.arguments.front()));
  }
  return bound;
}

class PipelineBinder {
 public:
  Result<void> add(const Stage& stage) {
    if (const auto* aggregate = std::get_if<AggregateStage>(&stage)) return add(*aggregate);
    if (const auto* top = std::get_if<TopStage>(&stage)) return add(*top);
    if (const auto* where = std::get_if<WhereStage>(&stage)) return add(*where);
    if (const auto* sort = std::get_if<SortStage>(&stage)) return add(*sort);
    return add(std::get<LimitStage>(stage));
  }

  Pipeline take() { return std::move(pipeline_); }

 private:
  Result<void> check_first(Span at) const {
    if (pipeline_.table) {
      return invalid_at(at,
                        "A query makes one table; there are two here. Write calls beside each "
                        "other, as in | count() uniq(user).");
    }
    if (sorted_ || pipeline_.limit) {
      return invalid_at(at, "Put sort and limit after the table they apply to.");
    }
    return {};
  }

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
      table.calls.push_back(std::move(bound));
    }
    for (const Key& key : stage.by) {
      CAIRN_TRY_ASSIGN(auto bound, bind_row_key(key));
      table.by.push_back(std::move(bound));
    }
    table.every_us = stage.every_us;
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
    return set_limit(stage.count, stage.at);
  }

  Result<void> add(const SortStage& stage) {
    if (sorted_) return invalid_at(stage.at, "sort is given twice.");
    if (pipeline_.limit && !pipeline_.table) {
      return invalid_at(stage.at, "Put sort before limit: rows are ordered, then cut.");
    }
    sorted_ = true;
    if (!pipeline_.table) {
      const std::string name = column_name(stage.key);
      pipeline_.sort = parse_sort(name);
      if (pipeline_.sort) return {};
      return invalid_at(stage.at, "There is no sort \"" + name + "\"" + suggestion(name, kSorts) +
                                      " Known are " + enumerate(kSorts) + ".");
    }
    CAIRN_TRY_ASSIGN(const size_t column, find_column(stage.key, stage.at));
    pipeline_.table->order = BoundTable::Order{column, stage.descending};
    return {};
  }

  Result<size_t> find_column(const ColumnRef& wanted, Span at) const {
    const std::string name = column_name(wanted);
    const std::vector<Column> columns = table_columns(*pipeline_.table);
    std::vector<std::string_view> names;
    for (const Column& column : columns) names.push_back(column.name);
    // `sort count` is as good as `sort count()`.
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) found = std::find(names.begin(), names.end(), name + "()");
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
    return invalid_at(at, "The table has no column \"" + name + "\"" + suggestion(name, names) +
                              " It has " + enumerate(names) + ".");
  }

  Result<void> add(const WhereStage& stage) {
    if (!pipeline_.table) {
      return invalid_at(stage.at,
                        "where is about the rows of a table, and there is none: make one first, "
                        "as in | count() by issue | where count() > 10, or put conditions on "
                        "issues in front of the |, as in times_seen:>10.");
    }
    if (sorted_ || pipeline_.limit) {
      return invalid_at(stage.at, "Put where before sort and limit: rows are chosen first.");
    }
    std::vector<BoundTable::Condition>& where = pipeline_.table->where;
    if (where.size() == kMaxConditions) {
      return invalid_at(stage.at,
                        "A table has at most " + std::to_string(kMaxConditions) + " conditions.");
    }
    CAIRN_TRY_ASSIGN(const size_t column, find_column(stage.key, stage.at));
    CAIRN_TRY_ASSIGN(const double number, bind_bound(stage, column));
    where.push_back({column, stage.op, number});
    return {};
  }

  Result<double> bind_bound(const WhereStage& stage, size_t column) const {
    const Column shown = table_columns(*pipeline_.table)[column];
    if (shown.type == "string") {
      return invalid_at(stage.at, "where compares numbers and times; conditions on \"" +
                                      shown.name + "\" go in front of the |.");
    }
    if (shown.type == "time") {
      if (const auto time = parse_time(stage.value.text)) return static_cast<double>(raw(*time));
      return invalid_at(stage.value.at, "\"" + stage.value.text +
                                            "\" is no time: expected one like 2026-11-21 or "
                                            "2026-11-21T05:27:44Z.");
    }
    if (const auto number = parse_quantity(stage.value.text)) return *number;
    return not_a_quantity(stage.value);
  }

  Result<void> add(const LimitStage& stage) {
    if (pipeline_.limit) return invalid_at(stage.at, "limit is given twice.");
    return set_limit(stage.count, stage.at);
  }

  Result<void> set_limit(uint32_t count, Span at) {
    if (count == 0 || count > kMaxLimit) {
      return invalid_at(at, "A limit is between 1 and " + std::to_string(kMaxLimit) + ".");
    }
    pipeline_.limit = count;
    return {};
  }

  // Names of columns are unique, so that sort and JSON readers can tell them apart.
  Result<void> check_names(Span at) const {
    std::set<std::string> seen;
    for (const Column& column : table_columns(*pipeline_.table)) {
      if (!seen.insert(column.name).second) {
        return invalid_at(at, "The table has the column \"" + column.name + "\" twice.");
      }
    }
    return {};
  }

  Pipeline pipeline_;
  bool sorted_ = false;
};

}  // namespace

std::optional<Sort> parse_sort(std::string_view name) {
  const auto found = std::find(kSorts.begin(), kSorts.end(), name);
  if (found == kSorts.end()) return std::nullopt;
  return static_cast<Sort>(found - kSorts.begin());
}

bool is_aggregate(const Query& query) {
  return std::any_of(query.stages.begin(), query.stages.end(), [](const Stage& stage) {
    return std::holds_alternative<AggregateStage>(stage) || std::holds_alternative<TopStage>(stage);
  });
}

std::vector<Column> table_columns(const BoundTable& table) {
  std::vector<Column> columns;
  if (table.every_us) columns.push_back(Column{"time", "time"});
  for (const RowKey& key : table.by) columns.push_back(Column{key.name, "string"});
  for (const BoundCall& call : table.calls) {
    columns.push_back(Column{call.name, call.gives_time()      ? "time"
                                        : call.gives_integer() ? "integer"
                                                               : "number"});
  }
  return columns;
}

Result<Pipeline> bind_pipeline(const Query& query) {
  PipelineBinder binder;
  for (const Stage& stage : query.stages) CAIRN_TRY(binder.add(stage));
  return binder.take();
}

Result<uint32_t> choose_limit(const SearchOptions& options, const Pipeline& pipeline,
                              uint32_t by_default) {
  const uint32_t limit = options.limit.value_or(pipeline.limit.value_or(by_default));
  if (limit >= 1 && limit <= kMaxLimit) return limit;
  return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(limit) +
                                                    "; it has to be between 1 and " +
                                                    std::to_string(kMaxLimit) + ".");
}

}  // namespace cairn::query
