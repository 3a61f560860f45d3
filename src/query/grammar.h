// The lexical grammar of queries: what a key, an operator, a list or a pipeline stage looks like.
// Nothing here knows how terms combine (token.h, parser.h) or what names mean.
//
// grammar.cc is the only file that includes Spirit X3. Every function matches at the beginning of
// a view into the query, consumes no more than one element, does not recurse and takes time linear
// in what it consumed or looked at. Results are views into the same text. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace cairn::query::grammar {

// A piece of the query: `whole` as typed, `text` the same without its quotes.
struct Text {
  std::string_view whole;
  std::string_view text;
  bool quoted = false;

  bool missing() const { return whole.empty(); }  // an empty quoted text is not missing
};

// One slot of a list or of call arguments. The first separator is empty, later ones hold the comma
// with the blanks around it; `value` may be missing.
struct Item {
  Text separator;
  Text value;
};

struct TagKey {  // tags[name], tags[name,type], tags[name,array][*]
  Text name;
  Text type;  // missing when none was written
  bool element = false;
};

struct AggregateKey {  // function(arguments)
  Text function;
  Text space_before;
  std::vector<Item> arguments;  // one empty slot when there are none
  Text space_after;
};

struct Key {
  std::variant<Text, TagKey, AggregateKey> what;
  std::string_view whole;
};

struct FilterHead {  // what stands before the value: !key:>=
  bool negated = false;
  Key key;
  Text op;  // empty when none was written
};

struct List {
  std::vector<Item> items;
  bool closed = false;  // by `]` with nothing glued to it; otherwise this is no list
};

// On success each advances `at` behind what it matched.
std::optional<FilterHead> match_filter_head(std::string_view& at);
std::optional<Key> match_field(std::string_view& at);    // a name, tags[NAME] or a quoted name
std::optional<Text> match_quoted(std::string_view& at);  // "..." where only \" is an escape
Text match_bare(std::string_view& at);                   // up to blank, tab, newline, ( or )
// tags["any name"] or tags["any name",type], as a value of has:; counts as quoted.
std::optional<Text> match_quoted_tag(std::string_view& at);
// Precondition: `at` begins with `[`. Advances even when the list is not closed, to the place
// where it could not go on.
List match_list(std::string_view& at);

// Typed values; each must be the whole of `text`.
struct Date {  // 2018-01-01, 2018-01-01T05:06:07.123Z, ...+01:00
  Text date;
  Text time;  // may be missing
  Text zone;  // may be missing
};
struct Quantity {
  Text number;
  Text unit;  // may be missing
};
struct RelativeDate {
  Text sign;
  Text number;
  Text unit;
};
std::optional<Date> match_date(std::string_view text);
std::optional<Quantity> match_number(std::string_view text);    // unit k m b or none
std::optional<Quantity> match_duration(std::string_view text);  // ms s min m hr h day d wk w
std::optional<RelativeDate> match_relative_date(std::string_view text);

// --- pipeline -----------------------------------------------------------------------------------

struct Call {
  Text function;
  std::vector<Key> arguments;
  std::string_view whole;
};
struct Aggregate {
  std::vector<Call> calls;
  std::vector<Key> by;
  Text every;  // digits and one of s m h d w, or missing
  Text vs;     // the same
};
struct Top {
  Text count;  // digits
  Key field;
};
struct Histogram {
  Key field;
  Text buckets;  // digits, or missing
};
struct PartOfCall {
  Call call;
  Text part;  // before, change, or missing
};
struct Column {
  std::variant<Key, PartOfCall> what;
};
struct Fields {
  std::vector<Column> columns;
};
struct Trend {
  Text length;  // digits and one of s m h d w
};
struct Sort {
  bool minus = false;
  Column key;
};
struct Where {
  Column key;
  Text op;     // > >= < <= = !=
  Text value;  // up to a blank or `|`
};
struct Limit {
  Text count;  // digits
};
struct Stage {
  std::variant<Aggregate, Top, Histogram, Fields, Trend, Where, Sort, Limit> what;
  std::string_view whole;
};

// `text` begins behind the first `|` and is read to its end. Errors: InvalidArgument with the
// position counted from the beginning of `text`.
Result<std::vector<Stage>> match_pipeline(std::string_view text);

}  // namespace cairn::query::grammar
