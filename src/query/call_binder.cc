#include "query/call_binder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "query/issue_property.h"

namespace cairn::query {
namespace {

using Function = BoundCall::Function;

constexpr std::array<std::string_view, 14> kFunctions = {
    "count", "uniq", "sum", "avg", "min",  "max",    "p50",
    "p75",   "p90",  "p95", "p99", "rate", "issues", "percentile"};

struct OtherName {
  std::string_view name;
  std::string_view function;
};
// What other languages call them. The first one is taken, the others are suggested.
constexpr std::array kOtherNames = {
    OtherName{"count_unique", "uniq"},
    OtherName{"count_distinct", "uniq"},
    OtherName{"distinct", "uniq"},
    OtherName{"average", "avg"},
    OtherName{"mean", "avg"},
    OtherName{"median", "p50"},
    OtherName{"total", "sum"},
    OtherName{"quantile", "percentile"},
    OtherName{"count_issues", "issues"},
};
constexpr std::string_view kUniqSynonym = kOtherNames[0].name;

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Error unknown_function(const Call& call) {
  const std::string& name = call.function;
  std::string hint = suggestion(name, kFunctions);
  for (const OtherName& other : kOtherNames) {
    if (other.name == name) hint = "; did you mean \"" + std::string(other.function) + "\"?";
  }
  if (name == "trend") {
    return invalid_at(call.at,
                      "trend is a column of issues, as in | fields title, trend(24h); a "
                      "table has every 1h for that.");
  }
  const std::string percents = name.substr(std::min<size_t>(1, name.size()));
  if (name.starts_with('p') && all_digits(percents) && percents.size() <= 4) {
    const std::string digits = percents.size() == 1 ? "0" + percents : percents;
    hint = percents == "100" ? "; did you mean \"max\"?"
                             : "; write percentile(FIELD, 0." + digits + ").";
  }
  return invalid_at(call.at, "There is no function \"" + name + "\"" + hint + " Known are " +
                                 enumerate(kFunctions) + ".");
}

// Of a call that takes one length of time and got something else.
Error no_period(const Call& call, const std::string& example) {
  const bool one = call.arguments.size() == 1;
  if (one && has_form_of_period(call.arguments[0].name)) {
    return invalid_at(call.arguments[0].at, "\"" + call.arguments[0].name + "\" is out of range; " +
                                                call.function +
                                                " takes a length of time from 1s to 100 years.");
  }
  return invalid_at(
      call.at, call.function + " takes a length of time, as in " + example + ": s, m, h, d or w.");
}

Result<void> bind_rate(const Call& call, BoundCall& bound) {
  const auto period =
      call.arguments.size() == 1 ? parse_period(call.arguments[0].name) : std::optional<int64_t>();
  if (!period) {
    return no_period(call, "rate(1h)");
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
    bound.field = RowKey{RowKey::Kind::Time, {}, {}, column_name(key)};
    return {};
  }
  CAIRN_TRY_ASSIGN(bound.field, bind_row_key(key));
  if (bound.field->kind == RowKey::Kind::Event) return {};
  return invalid_at(key.at, "\"" + key.name + "\" is no number; " + call.function +
                                " takes a tag or a field whose values are numbers.");
}

// 0.95 as 950,000, with six digits behind the point at most.
std::optional<uint32_t> parse_per_million(std::string_view text) {
  constexpr size_t kDigits = 6;
  if (text == "1" || text == "0") return text == "1" ? 1'000'000 : 0;
  if (!text.starts_with("0.")) return std::nullopt;
  std::string digits(text.substr(2));
  if (!all_digits(digits) || digits.size() > kDigits) return std::nullopt;
  digits.resize(kDigits, '0');
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Result<void> bind_percentile(const Call& call, BoundCall& bound) {
  bound.function = Function::Percentile;
  if (call.arguments.size() != 2) {
    return invalid_at(call.at,
                      "percentile takes a field and a fraction, as in percentile(tags[duration], "
                      "0.95).");
  }
  const Key& fraction = call.arguments[1];
  const auto per_million = parse_per_million(fraction.name);
  if (!per_million) {
    return invalid_at(fraction.at, "\"" + fraction.name +
                                       "\" is no fraction: expected one from 0 to 1 with at most "
                                       "six digits behind the point, as in 0.95.");
  }
  bound.per_million = *per_million;
  return bind_number_field(call, bound);
}

std::optional<Function> find_function(std::string_view name, uint32_t& per_million) {
  if (name == "sum") return Function::Sum;
  if (name == "avg") return Function::Avg;
  if (name == "min") return Function::Min;
  if (name == "max") return Function::Max;
  if (name == "uniq" || name == kUniqSynonym) return Function::Uniq;
  if (name.size() != 3 || !name.starts_with('p') ||
      std::find(kFunctions.begin(), kFunctions.end(), name) == kFunctions.end()) {
    return std::nullopt;
  }
  const auto digit = [&](size_t at) { return static_cast<uint32_t>(name[at] - '0'); };
  per_million = (10 * digit(1) + digit(2)) * 10'000;
  return Function::Percentile;
}

Result<void> bind_issues(const Call& call, BoundCall& bound) {
  bound.function = Function::Uniq;
  bound.field = RowKey{RowKey::Kind::Issue, {}, {}, "issue"};
  if (call.arguments.empty()) return {};
  return invalid_at(call.arguments.front().at,
                    "issues() takes no argument: it is the number of different issues.");
}

}  // namespace

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
  if (ref.scope == Scope::Time) {
    return invalid_at(key.at, "Times are grouped by their bucket: write every 1h, for example.");
  }
  if (ref.scope == Scope::Group) {
    row_key.property = ref.group;
    if (ref.group == GroupField::Issue) row_key.kind = RowKey::Kind::Issue;
    if (ref.group == GroupField::Project) row_key.kind = RowKey::Kind::Project;
    if (is_named(ref.group)) row_key.kind = RowKey::Kind::Property;
    if (row_key.of_issue()) return row_key;
  }
  return invalid_at(key.at,
                    "Tables are made by fields of the occurrence, tags, issue, project, status, "
                    "substatus, priority, type, issue.category or assigned; \"" +
                        key.name + "\" is none of them.");
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
  if (call.function == "issues") {
    CAIRN_TRY(bind_issues(call, bound));
    return bound;
  }
  if (call.function == "percentile") {
    CAIRN_TRY(bind_percentile(call, bound));
    return bound;
  }
  const auto function = find_function(call.function, bound.per_million);
  if (!function) return unknown_function(call);
  bound.function = *function;
  if (call.arguments.size() != 1) {
    return invalid_at(call.at, call.function + " takes one field, as in " + call.function +
                                   (bound.computes() ? "(tags[duration])." : "(user)."));
  }
  if (bound.computes()) {
    CAIRN_TRY(bind_number_field(call, bound));
  } else {
    CAIRN_TRY_ASSIGN(bound.field, bind_row_key(call.arguments.front()));
  }
  return bound;
}

Result<BoundHistogram> bind_histogram(const HistogramStage& stage) {
  constexpr uint32_t kFewest = 2;  // numbers on both sides of zero do not fit into one
  BoundHistogram histogram;
  histogram.buckets = stage.buckets.value_or(kHistogramBuckets);
  if (histogram.buckets < kFewest || histogram.buckets > kMaxHistogramBuckets) {
    return invalid_at(stage.buckets_at, "A histogram has between 2 and " +
                                            std::to_string(kMaxHistogramBuckets) + " buckets.");
  }
  if (find_field(stage.field).scope == Scope::Time) {
    histogram.field = RowKey{RowKey::Kind::Time, {}, {}, column_name(stage.field)};
    return histogram;
  }
  CAIRN_TRY_ASSIGN(histogram.field, bind_row_key(stage.field));
  if (histogram.field.kind == RowKey::Kind::Event) return histogram;
  return invalid_at(stage.field.at, "\"" + stage.field.name +
                                        "\" is no number; histogram takes timestamp, or a tag or "
                                        "field whose values are numbers.");
}

Result<TrendShape> bind_trend(int64_t length_us, Span at) {
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  constexpr std::array<int64_t, 12> kSeconds = {
      28 * kDay,    7 * kDay,    kDay,    12 * kHour, 6 * kHour, kHour,
      30 * kMinute, 5 * kMinute, kMinute, 30,         5,         1};
  constexpr int64_t kEnough = 12;
  if (length_us <= 0) return invalid_at(at, "A trend of nothing has no buckets.");
  int64_t width_us = kMicrosPerSecond;
  for (const int64_t seconds : kSeconds) {
    width_us = seconds * kMicrosPerSecond;
    if (length_us % width_us == 0 && length_us / width_us >= kEnough) break;
  }
  if (length_us / width_us > kMaxTrendBuckets) {
    return invalid_at(at, "A trend has at most " + std::to_string(kMaxTrendBuckets) +
                              " buckets, and this length is cut into " +
                              std::to_string(length_us / width_us) + "; take a rounder one.");
  }
  return TrendShape{static_cast<uint32_t>(length_us / width_us), width_us};
}

namespace {

Result<BoundColumn> bind_trend_column(const Call& call) {
  const auto length =
      call.arguments.size() == 1 ? parse_period(call.arguments[0].name) : std::optional<int64_t>();
  if (!length) {
    return no_period(call, "trend(24h)");
  }
  CAIRN_TRY_ASSIGN(const TrendShape shape, bind_trend(*length, call.arguments[0].at));
  return BoundColumn{shape, Column{column_name(call), "trend"}};
}

// `fields count, users`
std::string call_meant_by(std::string_view name) {
  if (name == "count" || name == "events") return "count()";
  if (name == "users" || name == "user_count" || name == "userCount") return "uniq(user)";
  return "";
}

Error no_issue_column(const Key& key) {
  const std::string name = column_name(key);
  const std::vector<std::string_view> known = issue_column_names();
  const FieldRef ref = find_field(key);
  const std::string call = call_meant_by(name);
  if (!call.empty()) {
    return invalid_at(key.at, "\"" + name + "\" is counted here: write " + call + ".");
  }
  const bool of_occurrence = ref.scope == Scope::Event && ref.event.id != FieldId{0};
  const std::string why =
      of_occurrence ? "\"" + name + "\" is a field of the occurrences, of which an issue has many."
                    : "An issue has no field \"" + name + "\"" + suggestion(name, known);
  return invalid_at(key.at, why + " Known are " + enumerate(known) +
                                "; calls such as uniq(user), max(timestamp) and trend(24h) tell "
                                "of the occurrences.");
}

}  // namespace

Result<BoundColumn> bind_issue_column(const ColumnRef& column) {
  if (const auto* key = std::get_if<Key>(&column)) {
    const auto found = find_issue_column(*key);
    if (!found) return no_issue_column(*key);
    return BoundColumn{*found, Column{column_name(*key), std::string(type_of(*found))}};
  }
  const Call& call = std::get<Call>(column);
  if (!call.part.empty()) {
    return invalid_at(call.at, "Only tables with vs have a column \"" + column_name(call) + "\".");
  }
  if (call.function == "trend") return bind_trend_column(call);
  CAIRN_TRY_ASSIGN(BoundCall bound, bind_call(call));
  Column shown{bound.name, std::string(bound.column_type())};
  return BoundColumn{std::move(bound), std::move(shown)};
}

}  // namespace cairn::query
