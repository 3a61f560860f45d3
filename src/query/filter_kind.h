// The kinds of filters, decided by key and value together: `age:-24h` is a relative date,
// `release:-24h` a text. Key sets are those of Sentry's search box; what cairn itself searches by
// is the field catalogue's business (field_catalogue.h). Pure functions; thread: any.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "query/grammar.h"

namespace cairn::query {

// A filter as typed, cut into its parts. All borrow the query.
struct FilterParts {
  enum class Form : uint8_t { Text, List, Regex };

  grammar::FilterHead head;
  Form form = Form::Text;
  grammar::Text text;                // Text, Regex (there without the slashes)
  std::vector<grammar::Item> items;  // List
  std::string_view value;            // all behind the operator, as typed
};

enum class FilterKind : uint8_t {
  None,  // not a filter at all: a call whose value fits no type reads as free text
  Text,
  TextIn,
  Has,
  Is,
  Boolean,
  Numeric,
  NumericIn,
  Date,
  SpecificDate,
  RelativeDate,
  Duration,
  AggregateNumeric,
  AggregateDuration,
  AggregatePercentage,
  AggregateDate,
  AggregateRelativeDate,
  ArrayIncludes,
};

// Tried in a fixed order: dates, durations, booleans, numbers, calls, has, is, list, text.
FilterKind classify(const FilterParts& filter);

// Name in the token list: "aggregateNumeric".
std::string_view filter_kind_name(FilterKind kind);

// What a key expects; a text filter on a typed key is invalid.
enum class KeyType : uint8_t { Text, Date, Numeric, Duration, Boolean };
KeyType key_type(std::string_view key);

// Keys with text values that still take > >= < <=.
bool compares_text(std::string_view key);

// true/1/false/0 in any case.
bool is_boolean(std::string_view text);

}  // namespace cairn::query
