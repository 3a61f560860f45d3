#include "query/filter_kind.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace cairn::query {
namespace {

using grammar::AggregateKey;
using grammar::Item;
using grammar::TagKey;
using grammar::Text;

template <size_t N>
bool contains(const std::array<std::string_view, N>& set, std::string_view key) {
  return std::find(set.begin(), set.end(), key) != set.end();
}

constexpr std::array<std::string_view, 9> kDateKeys = {
    "start",           "end",       "firstSeen",         "lastSeen",        "time",
    "event.timestamp", "timestamp", "timestamp.to_hour", "timestamp.to_day"};
constexpr std::array<std::string_view, 7> kNumericKeys = {
    "project_id",        "project.id",          "issue.id", "stack.colno", "stack.lineno",
    "stack.stack_level", "transaction.duration"};
constexpr std::array<std::string_view, 14> kTimedMeasurements = {"fp",
                                                                 "fcp",
                                                                 "lcp",
                                                                 "fid",
                                                                 "inp",
                                                                 "ttfb",
                                                                 "ttfb.requesttime",
                                                                 "app_start_cold",
                                                                 "app_start_warm",
                                                                 "stall_total_time",
                                                                 "stall_longest_time",
                                                                 "time_to_initial_display",
                                                                 "time_to_full_display",
                                                                 "frames_delay"};
constexpr std::array<std::string_view, 4> kBooleanKeys = {"error.handled", "error.unhandled",
                                                          "stack.in_app", "team_key_transaction"};
constexpr std::array<std::string_view, 4> kComparedTextKeys = {"release.version", "release.build",
                                                               "release.package", "release.stage"};
constexpr std::array<std::string_view, 1> kDateFunctions = {"last_seen"};
constexpr std::array<std::string_view, 1> kPercentageFunctions = {"percentage"};

constexpr std::string_view kMeasurements = "measurements.";
constexpr std::string_view kSpans = "spans.";

bool is_duration_key(std::string_view key) {
  if (key.starts_with(kMeasurements)) {
    return contains(kTimedMeasurements, key.substr(kMeasurements.size()));
  }
  return key == "transaction.duration" || key.starts_with(kSpans);
}

bool is_numeric_key(std::string_view key) {
  return key.starts_with(kMeasurements) || contains(kNumericKeys, key);
}

bool is_number(std::string_view text) { return grammar::match_number(text).has_value(); }

bool is_percentage(std::string_view text) {
  return text.ends_with('%') && is_number(text.substr(0, text.size() - 1));
}

// Calls: the type of the result is what the value shows, as far as the first argument allows it.
FilterKind classify_call(const AggregateKey& call, const FilterParts& filter) {
  const std::string_view text = filter.text.text;
  if (filter.form != FilterParts::Form::Text || filter.text.quoted) return FilterKind::None;
  const std::string_view function = call.function.text;
  if (contains(kDateFunctions, function)) {
    if (grammar::match_date(text)) return FilterKind::AggregateDate;
    if (filter.head.op.missing() && grammar::match_relative_date(text)) {
      return FilterKind::AggregateRelativeDate;
    }
  }
  const std::string_view first = call.arguments.front().value.text;
  if ((first.empty() || is_duration_key(first)) && grammar::match_duration(text)) {
    return FilterKind::AggregateDuration;
  }
  if (contains(kPercentageFunctions, function) && is_percentage(text)) {
    return FilterKind::AggregatePercentage;
  }
  return is_number(text) ? FilterKind::AggregateNumeric : FilterKind::None;
}

bool is_number_list(const FilterParts& filter) {
  return filter.form == FilterParts::Form::List &&
         std::all_of(filter.items.begin(), filter.items.end(), [](const Item& item) {
           return item.value.missing() || (!item.value.quoted && is_number(item.value.text));
         });
}

// Typed kinds of a plain key; Text when the value does not fit.
FilterKind classify_typed(std::string_view key, const FilterParts& filter) {
  if (is_numeric_key(key) && is_number_list(filter)) return FilterKind::NumericIn;
  if (filter.form != FilterParts::Form::Text || filter.text.quoted) return FilterKind::Text;
  const std::string_view text = filter.text.text;
  const bool plain = filter.head.op.missing();
  if (contains(kDateKeys, key)) {
    if (grammar::match_date(text)) return plain ? FilterKind::SpecificDate : FilterKind::Date;
    if (plain && grammar::match_relative_date(text)) return FilterKind::RelativeDate;
  }
  if (is_duration_key(key) && grammar::match_duration(text)) return FilterKind::Duration;
  if (contains(kBooleanKeys, key) && plain && is_boolean(text)) return FilterKind::Boolean;
  if (is_numeric_key(key) && is_number(text)) return FilterKind::Numeric;
  return FilterKind::Text;
}

}  // namespace

bool is_boolean(std::string_view text) {
  const std::string lower = lower_ascii(text);
  return lower == "true" || lower == "false" || lower == "1" || lower == "0";
}

FilterKind classify(const FilterParts& filter) {
  if (const auto* call = std::get_if<AggregateKey>(&filter.head.key.what)) {
    return classify_call(*call, filter);
  }
  if (const auto* key = std::get_if<Text>(&filter.head.key.what)) {
    const FilterKind kind = classify_typed(key->text, filter);
    if (kind != FilterKind::Text) return kind;
    if (filter.form == FilterParts::Form::Text && !key->quoted) {
      if (key->text == "has") return FilterKind::Has;
      if (key->text == "is") return FilterKind::Is;
    }
  }
  const auto* tag = std::get_if<TagKey>(&filter.head.key.what);
  if (tag != nullptr && tag->element) return FilterKind::ArrayIncludes;
  const std::string_view op = filter.head.op.whole;
  const bool sign = !op.empty() && op.find_first_not_of("<>=!") == std::string_view::npos;
  return filter.form == FilterParts::Form::List && !sign ? FilterKind::TextIn : FilterKind::Text;
}

std::string_view filter_kind_name(FilterKind kind) {
  switch (kind) {
    case FilterKind::None:
      return "none";
    case FilterKind::Text:
      return "text";
    case FilterKind::TextIn:
      return "textIn";
    case FilterKind::Has:
      return "has";
    case FilterKind::Is:
      return "is";
    case FilterKind::Boolean:
      return "boolean";
    case FilterKind::Numeric:
      return "numeric";
    case FilterKind::NumericIn:
      return "numericIn";
    case FilterKind::Date:
      return "date";
    case FilterKind::SpecificDate:
      return "specificDate";
    case FilterKind::RelativeDate:
      return "relativeDate";
    case FilterKind::Duration:
      return "duration";
    case FilterKind::AggregateNumeric:
      return "aggregateNumeric";
    case FilterKind::AggregateDuration:
      return "aggregateDuration";
    case FilterKind::AggregatePercentage:
      return "aggregatePercentage";
    case FilterKind::AggregateDate:
      return "aggregateDate";
    case FilterKind::AggregateRelativeDate:
      return "aggregateRelativeDate";
    case FilterKind::ArrayIncludes:
      return "arrayIncludes";
  }
  return "none";
}

KeyType key_type(std::string_view key) {
  if (contains(kDateKeys, key)) return KeyType::Date;
  if (is_duration_key(key)) return KeyType::Duration;
  if (contains(kBooleanKeys, key)) return KeyType::Boolean;
  if (is_numeric_key(key)) return KeyType::Numeric;
  return KeyType::Text;
}

bool compares_text(std::string_view key) { return contains(kComparedTextKeys, key); }

}  // namespace cairn::query
