// A parsed query: what was written, with positions, before names mean anything.
//
// Search terms and pipeline follow docs/query-language.md. Values; spans are byte offsets into the
// query text. Tokens (parse --json) are derived from the same parse (query/token.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"

namespace cairn::query {

struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

enum class Op : uint8_t {
  Equal,
  NotEqual,
  Greater,
  GreaterEqual,
  Less,
  LessEqual,
  Contains,
  StartsWith,
  EndsWith,
  Regex,
};

// ">=" and the like; "" for operators that are words.
constexpr std::string_view sign_of(Op op) {
  switch (op) {
    case Op::Equal:
      return "=";
    case Op::NotEqual:
      return "!=";
    case Op::Greater:
      return ">";
    case Op::GreaterEqual:
      return ">=";
    case Op::Less:
      return "<";
    case Op::LessEqual:
      return "<=";
    case Op::Contains:
    case Op::StartsWith:
    case Op::EndsWith:
    case Op::Regex:
      break;
  }
  return "";
}

// An operator that is a word: as people type it, and as search boxes write it, between two
// characters U+F00D.
struct WordOperator {
  Op op;
  std::string_view typed;
  std::string_view marked;
};
inline constexpr std::array kWordOperators = {
    WordOperator{Op::Contains, "contains:",
                 "\xEF\x80\x8D"
                 "Contains"
                 "\xEF\x80\x8D"},
    WordOperator{Op::StartsWith, "starts_with:",
                 "\xEF\x80\x8D"
                 "StartsWith"
                 "\xEF\x80\x8D"},
    WordOperator{Op::EndsWith, "ends_with:",
                 "\xEF\x80\x8D"
                 "EndsWith"
                 "\xEF\x80\x8D"},
};
constexpr const WordOperator* find_word_operator(std::string_view text) {
  for (const WordOperator& word : kWordOperators) {
    if (word.typed == text || word.marked == text) return &word;
  }
  return nullptr;
}

enum class KeyForm : uint8_t { Plain, Tag /* tags[k] or tags[k,type] */ };

struct Key {
  KeyForm form = KeyForm::Plain;
  std::string name;      // without tags[...] and quotes
  std::string tag_type;  // "", string, number, boolean, array
  bool element = false;  // tags[k,array][*]: any element of the array
  bool quoted = false;
  Span at;
};

struct Value {
  // Unescaped text. In an unquoted or quoted value `*` is a wildcard unless written `\*`; then
  // `text` holds the literal asterisk and `pattern` the wildcard form. With Op::Regex, `text` is
  // the expression as typed.
  std::string text;
  bool quoted = false;
  // Set when the value holds at least one wildcard: literal runs between the asterisks; n+1 runs
  // for n asterisks ("a*b" -> {"a","b"}, "*x" -> {"","x"}).
  std::vector<std::string> pattern;
  Span at;
};

struct Filter {
  bool negated = false;
  Key key;
  Op op = Op::Equal;
  // Where the operator stands as typed; empty when none was written.
  Span op_at;
  bool list = false;          // k:[a, b]
  std::vector<Value> values;  // exactly one unless list
  Span at;
};

struct FreeText {
  Value value;           // consecutive bare words are one phrase
  bool negated = false;  // only before a quoted phrase
  Span at;
};

struct Node;
struct And {
  std::vector<Node> terms;
};  // two or more
struct Or {
  std::vector<Node> terms;
};  // two or more
struct Not {
  std::unique_ptr<Node> term;
};

struct Node {
  std::variant<Filter, FreeText, And, Or, Not> what;
  Span at;
};

// --- pipeline: what follows `|` -----------------------------------------------------------------

struct Call {
  std::string function;  // count, uniq, ...
  std::vector<Key> arguments;
  Span at;
  // Of a table with `vs`, where a column is named: "before" or "change"; "" = the call itself.
  std::string part{};
};
struct AggregateStage {  // count() uniq(user) by release every 1h vs 1w
  std::vector<Call> calls;
  std::vector<Key> by;
  std::optional<int64_t> every_us;  // microseconds
  Span at;
  std::optional<int64_t> vs_us{};  // how far back the window lies that is compared with
  Span vs_at{};                    // the length as typed
};
struct TopStage {
  uint32_t count = 0;
  Key field;
  Span at;
  Span count_at{};
};  // top 50 release
struct HistogramStage {
  Key field;
  std::optional<uint32_t> buckets;  // at most so many
  Span at;
  Span buckets_at{};
};  // histogram tags[duration] 30
using ColumnRef = std::variant<Key, Call>;
struct FieldsStage {
  std::vector<ColumnRef> columns;
  Span at;
};  // fields short_id, title, count(), trend(24h)
struct TrendStage {
  int64_t length_us = 0;
  Span at;
};  // trend 24h
struct SortStage {
  ColumnRef key;           // a sort of issues, or a column
  bool descending = true;  // with `-`; the sorts of issues have one direction, whatever is written
  Span at;
};  // sort freq, sort -count()
struct WhereStage {
  ColumnRef key;
  Op op = Op::Equal;
  Value value;
  Span at;
};  // where count() > 10
struct LimitStage {
  uint32_t count = 0;
  Span at;
  Span count_at{};
};
using Stage = std::variant<AggregateStage, TopStage, HistogramStage, FieldsStage, TrendStage,
                           WhereStage, SortStage, LimitStage>;

// What names the column that is made of it: release, tags[os], uniq(user).
std::string column_name(const Key& key);
std::string column_name(const Call& call);
std::string column_name(const ColumnRef& column);
Span span_of(const ColumnRef& column);

struct Query {
  std::string source;
  std::optional<Node> filter;  // nullopt = everything
  std::vector<Stage> stages;
};

}  // namespace cairn::query
