// Binds what follows `|`.
#include <algorithm>
#include <array>
#include <set>

#include "query/binder.h"

namespace cairn::query {
namespace {

constexpr std::array<std::string_view, 4> kSorts = {"date", "new", "freq", "user"};
constexpr std::array<std::string_view, 2> kFunctions = {"count", "uniq"};

std::string written(const Key& key) {
  return key.form == KeyForm::Tag ? "tags[" + key.name + "]" : key.name;
}

Result<RowKey> bind_row_key(const Key& key) {
  RowKey row_key;
  row_key.name = written(key);
  const FieldRef ref = find_field(key);
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

Result<BoundCall> bind_call(const Call& call) {
  BoundCall bound;
  if (call.function == "count") {
    if (!call.arguments.empty()) {
      return invalid_at(call.arguments.front().at,
                        "count() takes no argument; put conditions in "
                        "front of the | instead.");
    }
    bound.name = "count()";
    return bound;
  }
  if (call.function == "uniq") {
    if (call.arguments.size() != 1) {
      return invalid_at(call.at, "uniq takes one field, as in uniq(user).");
    }
    CAIRN_TRY_ASSIGN(bound.distinct, bind_row_key(call.arguments.front()));
    bound.name = "uniq(" + bound.distinct->name + ")";
    return bound;
  }
  return invalid_at(call.at, "There is no function \"" + call.function + "\"" +
                                 suggestion(call.function, kFunctions) +
                                 " Known are count() and "
                                 "uniq(FIELD).");
}

class PipelineBinder {
 public:
  Result<void> add(const Stage& stage) {
    if (const auto* aggregate = std::get_if<AggregateStage>(&stage)) return add(*aggregate);
    if (const auto* top = std::get_if<TopStage>(&stage)) return add(*top);
    if (const auto* sort = std::get_if<SortStage>(&stage)) return add(*sort);
    return add(std::get<LimitStage>(stage));
  }

  Pipeline take() { return std::move(pipeline_); }

 private:
  Result<void> check_first(Span at) const {
    if (pipeline_.table) return invalid_at(at, "A query makes one table; there are two here.");
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
    table.calls.push_back(BoundCall{std::nullopt, "count()"});
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
      pipeline_.sort = parse_sort(stage.key);
      if (pipeline_.sort) return {};
      return invalid_at(stage.at, "There is no sort \"" + stage.key + "\"" +
                                      suggestion(stage.key, kSorts) + " Known are " +
                                      enumerate(kSorts) + ".");
    }
    return order_by(stage);
  }

  Result<void> order_by(const SortStage& stage) {
    const std::vector<Column> columns = table_columns(*pipeline_.table);
    std::vector<std::string_view> names;
    for (const Column& column : columns) names.push_back(column.name);
    // `sort count` is as good as `sort count()`.
    auto found = std::find(names.begin(), names.end(), stage.key);
    if (found == names.end()) found = std::find(names.begin(), names.end(), stage.key + "()");
    if (found == names.end()) {
      return invalid_at(stage.at, "The table has no column \"" + stage.key + "\"" +
                                      suggestion(stage.key, names) + " It has " + enumerate(names) +
                                      ".");
    }
    pipeline_.table->order =
        BoundTable::Order{static_cast<size_t>(found - names.begin()), stage.descending};
    return {};
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
  for (const BoundCall& call : table.calls) columns.push_back(Column{call.name, "integer"});
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
