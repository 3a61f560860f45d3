// Tokens as JSON, typed values included.
#include <charconv>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "query/ast.h"
#include "query/token.h"

namespace cairn::query {
namespace {

using grammar::AggregateKey;
using grammar::Item;
using grammar::TagKey;
using grammar::Text;

constexpr size_t kMaxRegexCharacters = 64;

struct Invalid {
  std::string_view code;
  std::string reason;
  std::vector<FilterKind> expected;
};

size_t characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

// Whether `wanted` occurs without a backslash before it.
bool holds_unescaped(std::string_view text, char wanted) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == wanted && (i == 0 || text[i - 1] != '\\')) return true;
  }
  return false;
}

double to_double(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double number_factor(std::string_view unit) {
  if (unit == "k" || unit == "K") return 1e3;
  if (unit == "m" || unit == "M") return 1e6;
  if (unit == "b" || unit == "B") return 1e9;
  return 1;
}

double duration_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1e3;
  if (unit == "m" || unit == "min") return 60e3;
  if (unit == "h" || unit == "hr") return 3600e3;
  if (unit == "d" || unit == "day") return 24 * 3600e3;
  return 7 * 24 * 3600e3;
}

bool is_sign(std::string_view op) {
  return !op.empty() && op.find_first_not_of("<>=!") == std::string_view::npos;
}

class Writer {
 public:
  explicit Writer(const TokenOptions& options) : options_(options) {}

  std::string write(const std::vector<Token>& tokens) {
    const std::vector<bool> paired = pair_parens(tokens);
    json_.begin_array();
    for (size_t i = 0; i < tokens.size(); ++i) write_token(tokens[i], paired[i]);
    json_.end_array();
    return json_.take();
  }

 private:
  static std::vector<bool> pair_parens(const std::vector<Token>& tokens) {
    std::vector<bool> paired(tokens.size());
    std::vector<size_t> open;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].kind == TokenKind::LeftParen) open.push_back(i);
      if (tokens[i].kind != TokenKind::RightParen || open.empty()) continue;
      paired[i] = paired[open.back()] = true;
      open.pop_back();
    }
    return paired;
  }

  JsonWriter& typed(std::string_view type) { return json_.begin_object().key("type").string(type); }
  void member(std::string_view key, std::string_view text) { json_.key(key).string(text); }

  void plain(std::string_view type, std::string_view value) {
    typed(type);
    member("value", value);
    json_.end_object();
  }

  void write_token(const Token& token, bool paired) {
    switch (token.kind) {
      case TokenKind::Spaces:
        return plain("spaces", token.whole);
      case TokenKind::FreeText:
        return write_free_text(token);
      case TokenKind::Filter:
        return write_filter(*token.filter);
      case TokenKind::And:
      case TokenKind::Or:
        return plain("logicBoolean", token.whole);
      case TokenKind::Not:
        return plain("logicNot", token.whole);
      case TokenKind::Pipeline:
        return plain("pipeline", token.whole);
      case TokenKind::LeftParen:
        if (!paired) return plain("lParen", token.whole);
        typed("logicGroup").key("inner").begin_array();
        return;
      case TokenKind::RightParen:
        if (!paired) return plain("rParen", token.whole);
        json_.end_array().end_object();
        return;
    }
  }

  void write_free_text(const Token& token) {
    typed("freeText");
    const size_t quotes = token.quoted ? 1 : 0;
    const auto text = token.whole.substr(quotes, token.whole.size() - 2 * quotes);
    member("value", text);
    json_.key("quoted").boolean(token.quoted);
    std::optional<Invalid> invalid;
    if (options_.disallow_wildcard && holds_unescaped(text, '*')) invalid = wildcard();
    json_.key("invalid");
    write_invalid(invalid);
    json_.end_object();
  }

  void write_filter(const FilterParts& filter) {
    const FilterKind kind = classify(filter);
    const std::string_view op = operator_of(kind, filter);
    typed("filter");
    member("filter", filter_kind_name(kind));
    json_.key("negated").boolean(filter.head.negated);
    json_.key("key");
    write_key(filter.head.key);
    member("operator", op);
    json_.key("value");
    write_value(kind, filter, op);
    if (const auto invalid = check(kind, filter, op)) {
      json_.key("invalid");
      write_invalid(invalid);
    }
    json_.end_object();
  }

  // A sign before a value that is not compared belongs to the value.
  std::string_view operator_of(FilterKind kind, const FilterParts& filter) const {
    if (filter.form == FilterParts::Form::Regex) return "//";
    const std::string_view op = filter.head.op.whole;
    const bool textual = kind == FilterKind::Text || kind == FilterKind::TextIn ||
                         kind == FilterKind::Has || kind == FilterKind::Is ||
                         kind == FilterKind::ArrayIncludes;
    if (textual && is_sign(op) && !compares_text(filter.head.key.whole)) return "";
    const WordOperator* word = find_word_operator(op);
    return word != nullptr ? word->marked : op;
  }

  // --- keys
  // ---------------------------------------------------------------------------------------

  void write_simple(const Text& key) {
    typed("keySimple");
    member("value", key.text);
    json_.key("quoted").boolean(key.quoted).end_object();
  }

  void write_tag(const TagKey& tag) {
    std::string type = "keyExplicit";
    if (!tag.type.missing()) {
      type += static_cast<char>(tag.type.text[0] - 'a' + 'A');
      type += tag.type.text.substr(1);
    }
    typed(type + "Tag");
    member("prefix", "tags");
    json_.key("key");
    write_simple(tag.name);
    json_.end_object();
  }

  void write_key(const grammar::Key& key) {
    if (const auto* simple = std::get_if<Text>(&key.what)) return write_simple(*simple);
    if (const auto* call = std::get_if<AggregateKey>(&key.what)) return write_call(*call);
    const auto& tag = std::get<TagKey>(key.what);
    if (!tag.element) return write_tag(tag);
    typed("keyArrayIncludes").key("key");
    write_tag(tag);
    member("index", "*");
    json_.end_object();
  }

  void write_call(const AggregateKey& call) {
    typed("keyAggregate").key("name");
    write_simple(call.function);
    json_.key("args");
    const bool none = call.arguments.size() == 1 && call.arguments.front().value.missing();
    if (none) {
      json_.null();
    } else {
      typed("keyAggregateArgs").key("args").begin_array();
      for (const Item& item : call.arguments) write_argument(item);
      json_.end_array().end_object();
    }
    json_.key("argsSpaceBefore");
    plain("spaces", call.space_before.whole);
    json_.key("argsSpaceAfter");
    plain("spaces", call.space_after.whole);
    json_.end_object();
  }

  void write_argument(const Item& item) {
    json_.begin_object();
    member("separator", item.separator.whole);
    json_.key("value");
    if (item.value.missing()) {
      json_.null();
    } else {
      typed("keyAggregateParam");
      member("value", item.value.whole);
      json_.key("quoted").boolean(item.value.quoted).end_object();
    }
    json_.end_object();
  }

  // --- values
  // -------------------------------------------------------------------------------------

  void write_text(std::string_view text, bool quoted) {
    typed("valueText");
    member("value", text);
    json_.key("quoted").boolean(quoted).end_object();
  }

  void write_value(FilterKind kind, const FilterParts& filter, std::string_view op) {
    const std::string_view text = filter.text.text;
    switch (kind) {
      case FilterKind::Date:
      case FilterKind::SpecificDate:
      case FilterKind::AggregateDate:
        return write_date(text);
      case FilterKind::RelativeDate:
      case FilterKind::AggregateRelativeDate:
        return write_relative_date(text);
      case FilterKind::Duration:
      case FilterKind::AggregateDuration:
        return write_duration(text);
      case FilterKind::Boolean:
        return write_boolean(text);
      case FilterKind::Numeric:
      case FilterKind::AggregateNumeric:
        return write_number(text);
      case FilterKind::AggregatePercentage:
        return write_percentage(text);
      case FilterKind::NumericIn:
        return write_list("valueNumberList", filter.items);
      default:
        break;
    }
    const bool sign_in_value = op.empty() && !filter.head.op.missing();
    if (sign_in_value) {
      const std::string_view sign = filter.head.op.whole;
      return write_text({sign.data(), sign.size() + filter.value.size()}, false);
    }
    if (filter.form == FilterParts::Form::List) return write_list("valueTextList", filter.items);
    write_text(text, filter.text.quoted);
  }

  void write_list(std::string_view type, const std::vector<Item>& items) {
    typed(type).key("items").begin_array();
    for (const Item& item : items) {
      json_.begin_object();
      member("separator", item.separator.whole);
      json_.key("value");
      if (item.value.missing()) {
        json_.null();
      } else if (type == "valueNumberList") {
        write_number(item.value.text);
      } else {
        write_text(item.value.text, item.value.quoted);
      }
      json_.end_object();
    }
    json_.end_array().end_object();
  }

  void parsed_number(double value) {
    json_.key("parsed").begin_object().key("value").number(value).end_object();
  }

  void optional_text(std::string_view key, const Text& text) {
    json_.key(key);
    if (text.missing()) {
      json_.null();
    } else {
      json_.string(text.text);
    }
  }

  void write_number(std::string_view text) {
    const auto number = grammar::match_number(text);
    typed("valueNumber");
    member("value", number->number.text);
    optional_text("unit", number->unit);
    parsed_number(to_double(number->number.text) * number_factor(number->unit.text));
    json_.end_object();
  }

  void write_percentage(std::string_view text) {
    text.remove_suffix(1);
    typed("valuePercentage");
    member("value", text);
    parsed_number(to_double(text) / 100);
    json_.end_object();
  }

  void write_duration(std::string_view text) {
    const auto duration = grammar::match_duration(text);
    typed("valueDuration");
    member("value", duration->number.text);
    member("unit", duration->unit.text);
    parsed_number(to_double(duration->number.text) * duration_ms(duration->unit.text));
    json_.end_object();
  }

  void write_boolean(std::string_view text) {
    typed("valueBoolean");
    member("value", text);
    const bool value = text[0] == 't' || text[0] == 'T' || text[0] == '1';
    json_.key("parsed").begin_object().key("value").boolean(value).end_object().end_object();
  }

  void write_date(std::string_view text) {
    const auto date = grammar::match_date(text);
    typed("valueIso8601Date");
    member("value", text);
    optional_text("date", date->date);
    optional_text("time", date->time);
    optional_text("tz", date->zone);
    if (const auto time = parse_time(text)) {
      json_.key("parsed").begin_object();
      member("value", format_time(*time));
      json_.end_object();
    }
    json_.end_object();
  }

  // Without `parsed`: what it is relative to is not known here.
  void write_relative_date(std::string_view text) {
    const auto date = grammar::match_relative_date(text);
    typed("valueRelativeDate");
    member("value", date->number.text);
    member("sign", date->sign.text);
    member("unit", date->unit.text);
    json_.end_object();
  }

  // --- what is wrong with a filter
  // ----------------------------------------------------------------

  static Invalid wildcard() {
    return {"wildcard-not-allowed", "Asterisks are not allowed in this search.", {}};
  }

  std::optional<Invalid> check(FilterKind kind, const FilterParts& filter,
                               std::string_view op) const {
    const std::string_view key = filter.head.key.whole;
    if (options_.validate_keys && kind != FilterKind::Has && kind != FilterKind::Is &&
        !options_.supported_tags.contains(key)) {
      return Invalid{"invalid-key", "\"" + std::string(key) + "\" is not a known search key.", {}};
    }
    if (const auto* call = std::get_if<AggregateKey>(&filter.head.key.what)) {
      return check_arguments(call->arguments);
    }
    if (filter.form == FilterParts::Form::Regex) return check_regex(filter.text.text);
    if (filter.form == FilterParts::Form::List) return check_items(kind, filter.items);
    if (kind != FilterKind::Text && kind != FilterKind::Has && kind != FilterKind::Is) return {};
    if (auto invalid = check_type(filter)) return invalid;
    return check_text(filter.text, op.empty() && !filter.head.op.missing());
  }

  static std::optional<Invalid> check_arguments(const std::vector<Item>& arguments) {
    if (arguments.size() == 1) return {};
    for (const Item& item : arguments) {
      if (item.value.missing()) {
        return Invalid{"empty-parameter-not-allowed", "An argument of this call is missing.", {}};
      }
    }
    return {};
  }

  static std::optional<Invalid> check_regex(std::string_view pattern) {
    if (pattern.empty()) {
      return Invalid{"filter-must-have-value", "The regular expression is empty.", {}};
    }
    if (characters(pattern) <= kMaxRegexCharacters) return {};
    return Invalid{"regex-pattern-too-long",
                   "A regular expression has at most 64 characters. Quote a text that begins "
                   "with two slashes.",
                   {}};
  }

  std::optional<Invalid> check_items(FilterKind kind, const std::vector<Item>& items) const {
    for (const Item& item : items) {
      if (item.value.missing()) {
        return Invalid{"empty-value-in-list-not-allowed", "A value of this list is missing.", {}};
      }
    }
    if (kind == FilterKind::NumericIn) return {};
    for (const Item& item : items) {
      if (auto invalid = check_text(item.value, false)) return invalid;
    }
    return {};
  }

  // A text where the key wants something else.
  static std::optional<Invalid> check_type(const FilterParts& filter) {
    const auto* key = std::get_if<Text>(&filter.head.key.what);
    if (key == nullptr) return {};
    switch (key_type(key->text)) {
      case KeyType::Text:
        return {};
      case KeyType::Date:
        return Invalid{"invalid-date-format",
                       "Not a date: expected one like 2026-11-21, 2026-11-21T05:27:44Z or -24h.",
                       {FilterKind::Date, FilterKind::SpecificDate, FilterKind::RelativeDate}};
      case KeyType::Duration:
        return Invalid{"invalid-duration",
                       "Not a duration: expected a number and a unit, like 500ms or 1.5h.",
                       {FilterKind::Duration}};
      case KeyType::Numeric:
        return Invalid{"invalid-number",
                       "Not a number: expected one like 12, 1.5 or 500k.",
                       {FilterKind::Numeric, FilterKind::NumericIn}};
      case KeyType::Boolean:
        return Invalid{"invalid-boolean",
                       "Not a truth value: expected true, false, 1 or 0.",
                       {FilterKind::Boolean}};
    }
    return {};
  }

  std::optional<Invalid> check_text(const Text& value, bool sign_in_value) const {
    if (value.missing() && !sign_in_value) {
      return Invalid{"filter-must-have-value", "The value of this filter is missing.", {}};
    }
    if (options_.disallow_wildcard && holds_unescaped(value.text, '*')) return wildcard();
    if (!value.quoted && holds_unescaped(value.text, '"')) {
      return Invalid{"must-be-quoted", "A value that holds a quotation mark must be quoted.", {}};
    }
    return {};
  }

  void write_invalid(const std::optional<Invalid>& invalid) {
    if (!invalid) {
      json_.null();
      return;
    }
    json_.begin_object();
    member("type", invalid->code);
    const auto own = options_.invalid_messages.find(invalid->code);
    member("reason", own == options_.invalid_messages.end() ? invalid->reason : own->second);
    if (!invalid->expected.empty()) {
      json_.key("expectedType").begin_array();
      for (const FilterKind kind : invalid->expected) json_.string(filter_kind_name(kind));
      json_.end_array();
    }
    json_.end_object();
  }

  const TokenOptions& options_;
  JsonWriter json_;
};

}  // namespace

Result<std::string> tokens_json(std::string_view query, const TokenOptions& options) {
  CAIRN_TRY_ASSIGN(const auto tokens, tokenize(query, options));
  return Writer(options).write(tokens);
}

}  // namespace cairn::query
