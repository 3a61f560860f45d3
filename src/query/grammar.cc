#include "query/grammar.h"

#include <boost/fusion/include/adapt_struct.hpp>
#include <boost/spirit/home/x3.hpp>

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "query/field_catalogue.h"

BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Item, separator, value)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::TagKey, name, type, element)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::AggregateKey, function, space_before, arguments,
                          space_after)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::FilterHead, negated, key, op)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::List, items, closed)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Date, date, time, zone)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Quantity, number, unit)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::RelativeDate, sign, number, unit)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Call, function, arguments)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Aggregate, calls, by, every, vs)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Top, count, field)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Histogram, field, buckets)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::PartOfCall, call, part)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Sort, minus, key)
BOOST_FUSION_ADAPT_STRUCT(cairn::query::grammar::Where, key, op, value)

namespace cairn::query::grammar {
namespace {

namespace x3 = boost::spirit::x3;
using x3::char_;
using x3::lit;
using x3::matches;
using x3::repeat;

using Iterator = const char*;

std::string_view view(Iterator first, Iterator last) {
  return {first, static_cast<size_t>(last - first)};
}

// Rule tags: X3 calls on_success with what a rule matched, which is how texts and keys get their
// place in the query.
struct BareTag {
  template <class Context>
  void on_success(Iterator first, Iterator last, Text& out, const Context&) {
    out = Text{view(first, last), view(first, last), false};
  }
};
struct QuotedTag {
  template <class Context>
  void on_success(Iterator first, Iterator last, Text& out, const Context&) {
    out = Text{view(first, last), view(first + 1, last - 1), true};
  }
};
struct CallTag {
  template <class Context>
  void on_success(Iterator first, Iterator last, Call& out, const Context&) {
    out.whole = view(first, last);
  }
};
struct KeyTag {
  template <class Context>
  void on_success(Iterator first, Iterator last, Key& out, const Context&) {
    out.whole = view(first, last);
  }
};

// Names of rules end up in messages: "expected NAME".
template <class Parser>
auto bare(const char* name, Parser parser) {
  return x3::rule<BareTag, Text>{name} = x3::omit[x3::lexeme[parser]];
}

const auto assign = [](auto& context) { x3::_val(context).what = x3::_attr(context); };

// --- characters and words -----------------------------------------------------------------------

const auto name_char = char_("a-zA-Z0-9_.-");
const auto digit = char_('0', '9');
const auto blanks = *lit(' ');

const auto name = bare("a name", +name_char);
const auto quoted = x3::rule<QuotedTag, Text>{"a quoted text"} =
    x3::omit[x3::lexeme['"' >> *(lit("\\\"") | ~char_('"')) >> '"']];
const auto space = bare("blanks", blanks);
const auto no_separator = bare("nothing", x3::eps);
const auto comma = bare("a comma", blanks >> ',' >> blanks);

// --- keys ---------------------------------------------------------------------------------------

const auto tag_name = bare("a tag name", +char_("a-zA-Z0-9_.:-"));
const auto tag_type = bare("a type", lit("string") | lit("number") | lit("boolean") | lit("array"));
const auto quoted_key = x3::rule<QuotedTag, Text>{"a quoted key"} =
    x3::omit[x3::lexeme['"' >> +~char_("\"\n") >> '"']];

const auto tag_key = x3::rule<class TagKeyTag, TagKey>{"tags[NAME]"} =
    x3::lexeme[lit("tags[") >> (quoted_key | tag_name) >> -(lit(',') >> blanks >> tag_type) >>
               ']' >> matches[lit("[*]")]];

const auto tag_argument = bare("tags[NAME]", tag_key);
const auto bare_argument = bare("an argument", +~char_(" \t\n(),\""));
const auto argument = x3::rule<class ArgumentTag, Text>{"an argument"} =
    tag_argument | quoted | bare_argument;
const auto first_argument = x3::rule<class FirstArgumentTag, Item>{"an argument"} =
    no_separator >> -argument;
const auto next_argument = x3::rule<class NextArgumentTag, Item>{"an argument"} =
    comma >> -argument;
const auto arguments = x3::rule<class ArgumentsTag, std::vector<Item>>{"arguments"} =
    first_argument >> *next_argument;
const auto aggregate_key = x3::rule<class AggregateKeyTag, AggregateKey>{"a call"} =
    name >> '(' >> space >> arguments >> space >> ')';

// Rules with actions have no on_success of their own, hence a rule around each.
const auto key_kinds = x3::rule<class KeyKindsTag, Key>{"a key"} =
    aggregate_key[assign] | tag_key[assign] | name[assign] | quoted_key[assign];
const auto field_kinds = x3::rule<class FieldKindsTag, Key>{"a field name"} =
    tag_key[assign] | name[assign] | quoted_key[assign];
const auto key = x3::rule<KeyTag, Key>{"a key"} = key_kinds;
const auto field = x3::rule<KeyTag, Key>{"a field name"} = field_kinds;

// --- filters ------------------------------------------------------------------------------------

constexpr const char* kMark = "\xEF\x80\x8D";  // U+F00D around operator words
const auto marked_op = lit(kMark) >> (lit("Contains") | lit("StartsWith") | lit("EndsWith")) >>
                       lit(kMark);
const auto word_op = marked_op | lit("contains:") | lit("starts_with:") | lit("ends_with:");
const auto sign_op = lit(">=") | lit("<=") | lit('>') | lit('<') | lit('=') | lit("!=");
const auto op = bare("an operator", -(word_op | sign_op));
const auto filter_head = x3::rule<class FilterHeadTag, FilterHead>{"a filter"} =
    matches[lit('!')] >> key >> ':' >> op;

const auto bare_value = bare("a value", *~char_(" \t\n()"));

// A `]` belongs to an item unless the item ends there: [[h]] holds "[h]".
const auto item_end = char_(" \t\n(),") | x3::eoi;
const auto item_char = lit("\\\"") | (lit(']') >> !item_end) | (char_ - char_(" \t\n(),\"]"));
const auto bare_item = bare("a list item", +item_char);
const auto item_value = x3::rule<class ItemValueTag, Text>{"a list item"} = quoted | bare_item;
const auto first_item = x3::rule<class FirstItemTag, Item>{"a list item"} =
    no_separator >> -item_value;
const auto next_item = x3::rule<class NextItemTag, Item>{"a list item"} = comma >> -item_value;
const auto items = x3::rule<class ItemsTag, std::vector<Item>>{"list items"} =
    first_item >> *next_item;
const auto list_end = lit(']') >> &(char_(" \t\n)") | x3::eoi);
const auto list = x3::rule<class ListTag, List>{"a list"} = '[' >> items >> matches[list_end];

// --- typed values -------------------------------------------------------------------------------

const auto two = repeat(2)[digit];
const auto date_part = bare("a day", repeat(4)[digit] >> '-' >> two >> '-' >> two);
const auto time_part =
    bare("a time", two >> ':' >> two >> -(':' >> two >> -('.' >> repeat(1, 6)[digit])));
const auto zone_part = bare("a zone", char_('Z') | (char_("+-") >> two >> ':' >> two));
const auto date = x3::rule<class DateTag, Date>{"a date"} = date_part >> -('T' >> time_part) >>
                                                            -zone_part;

const auto decimal = bare("a number", -lit('-') >> +digit >> -('.' >> +digit));
const auto magnitude = bare("k, m or b", char_("kKmMbB"));
const auto number = x3::rule<class NumberTag, Quantity>{"a number"} = decimal >> -magnitude;
const auto duration_unit = bare(
    "a unit of time", lit("ms") | lit("min") | lit("hr") | lit("day") | lit("wk") | char_("smhdw"));
const auto duration = x3::rule<class DurationTag, Quantity>{"a duration"} =
    decimal >> duration_unit;
const auto sign = bare("+ or -", char_("+-"));
const auto digits = bare("digits", +digit);
const auto relative_unit = bare("w, d, h or m", char_("wdhm"));
const auto relative_date = x3::rule<class RelativeDateTag, RelativeDate>{"a relative date"} =
    sign >> digits >> relative_unit;

// --- pipeline -----------------------------------------------------------------------------------

const auto word_end = !name_char;
const auto by_word = x3::omit[x3::lexeme[char_("bB") >> char_("yY") >> word_end]];
const auto every_word = x3::omit[x3::lexeme[char_("eE") >> char_("vV") >> char_("eE") >>
                                            char_("rR") >> char_("yY") >> word_end]];
const auto vs_word = x3::omit[x3::lexeme[char_("vV") >> char_("sS") >> word_end]];
const auto count = bare("a whole number", +digit >> word_end);
const auto period = bare("a period such as 30m, 1h or 7d", +digit >> char_("smhdw") >> word_end);
const auto compare_op = bare("one of > >= < <= = !=", sign_op);
const auto limit_value = bare("a value such as 10, 2.5 or 1k", !lit('=') >> +~char_(" \t\n|"));
const auto fields = x3::rule<class FieldsTag, std::vector<Key>>{
    "a field name"} = field >> *(lit(',') > field);
const auto close = x3::rule<class CloseTag>{"a field name or \")\""} = lit(')');

const auto call = x3::rule<CallTag, Call>{"a call such as count()"} = (name >> '(') >>
                                                                      (-(field % ',') > close);
const auto aggregate = x3::rule<class AggregateTag, Aggregate>{
    "calls"} = +call >> -(by_word > fields) >> -(every_word > period) >> -(vs_word > period);
const auto row_count = bare("how many rows, as in top 10 url", +digit >> word_end);
const auto top = x3::rule<class TopTag, Top>{"top N FIELD"} = x3::eps > row_count > field;
const auto histogram = x3::rule<class HistogramTag, Histogram>{"histogram FIELD"} =
    x3::eps > field > -count;
const auto part = x3::rule<class PartTag, Text>{"before or change"} =
    x3::lexeme['.' > bare("before or change", (lit("before") | lit("change")) >> word_end)];
const auto part_of_call = x3::rule<class PartOfCallTag, PartOfCall>{"a call such as count()"} =
    call >> -part;
const auto column =
    x3::rule<class ColumnTag, Column>{"a column: a field name or a call such as count()"} =
        part_of_call[assign] | field[assign];
const auto columns = x3::rule<class ColumnsTag, std::vector<Column>>{
    "a column: a field name or a call such as count()"} = x3::eps > column > *(lit(',') > column);
const auto trend = x3::rule<class TrendTag, Text>{"trend LENGTH"} = x3::eps > period;
const auto sort = x3::rule<class SortTag, Sort>{"sort KEY"} = matches[lit('-')] > column;
const auto row_filter = x3::rule<class WhereTag, Where>{"where COLUMN > VALUE"} =
    x3::eps > column > compare_op > limit_value;
const auto limit = x3::rule<class LimitTag, Text>{"limit N"} = x3::eps > count;

template <class Attribute, class Parser>
std::optional<Attribute> match_prefix(std::string_view& at, const Parser& parser) {
  Attribute attribute;
  Iterator first = at.data();
  const Iterator last = first + at.size();
  if (!x3::parse(first, last, parser, attribute)) return std::nullopt;
  at.remove_prefix(static_cast<size_t>(first - at.data()));
  return attribute;
}

template <class Attribute, class Parser>
std::optional<Attribute> match_whole(std::string_view text, const Parser& parser) {
  auto attribute = match_prefix<Attribute>(text, parser);
  return text.empty() ? attribute : std::nullopt;
}

Error expected(std::string_view text, Iterator where, std::string_view what) {
  const auto position = static_cast<uint32_t>(where - text.data());
  std::string found = "the end of the query";
  if (position < text.size()) {
    const std::string_view rest = text.substr(position);
    const size_t length = std::max<size_t>(1, rest.find_first_of(" \t\n|"));
    found = "\"" + std::string(rest.substr(0, std::min<size_t>(length, 40))) + "\"";
  }
  return Error{ErrorCode::InvalidArgument,
               "Found " + found + ", expected " + std::string(what) + ".", position};
}

constexpr const char* kStages =
    "a pipeline stage: calls such as count() uniq(user), then `by FIELD` and `every 1h` if "
    "wanted; top N FIELD; histogram FIELD; fields COLUMN, ...; trend 24h; where COLUMN > VALUE; "
    "sort KEY; limit N";

constexpr std::array<std::string_view, 7> kKeywords = {"top",   "histogram", "fields", "trend",
                                                       "where", "sort",      "limit"};

// A sentence for what other languages write there.
std::string_view place_hint(std::string_view text, Iterator where) {
  const auto position = static_cast<size_t>(where - text.data());
  const std::string_view before = text.substr(0, position);
  const std::string_view rest = text.substr(position);
  if (before.ends_with('(') && rest.starts_with('*')) {
    return " What counts occurrences is count(), without the asterisk.";
  }
  if (rest.starts_with('=')) return " Equality has one =.";
  return "";
}

// Matches one stage and what must follow it, a `|` or the end.
template <class Attribute, class Parser>
Result<Attribute> match_stage(std::string_view text, Iterator& first, const Parser& parser,
                              const char* then) {
  Attribute attribute;
  const Iterator last = text.data() + text.size();
  const auto skipper = char_(" \t");
  try {
    if (!x3::phrase_parse(first, last, parser, skipper, attribute)) {
      return expected(text, first, kStages);
    }
  } catch (const x3::expectation_failure<Iterator>& failure) {
    Iterator where = failure.where();
    x3::parse(where, last, *skipper);
    Error error = expected(text, where, failure.which());
    error.message += place_hint(text, where);
    return error;
  }
  if (first != last && *first != '|') return expected(text, first, then);
  return attribute;
}

}  // namespace

std::optional<FilterHead> match_filter_head(std::string_view& at) {
  return match_prefix<FilterHead>(at, filter_head);
}

std::optional<Key> match_field(std::string_view& at) { return match_prefix<Key>(at, field); }

std::optional<Text> match_quoted(std::string_view& at) { return match_prefix<Text>(at, quoted); }

std::optional<Text> match_quoted_tag(std::string_view& at) {
  if (!at.starts_with("tags[\"")) return std::nullopt;
  auto tag = match_prefix<Text>(at, tag_argument);
  if (tag) tag->quoted = true;
  return tag;
}

Text match_bare(std::string_view& at) { return *match_prefix<Text>(at, bare_value); }

List match_list(std::string_view& at) { return *match_prefix<List>(at, list); }

std::optional<Date> match_date(std::string_view text) { return match_whole<Date>(text, date); }

std::optional<Quantity> match_number(std::string_view text) {
  return match_whole<Quantity>(text, number);
}

std::optional<Quantity> match_duration(std::string_view text) {
  return match_whole<Quantity>(text, duration);
}

std::optional<RelativeDate> match_relative_date(std::string_view text) {
  return match_whole<RelativeDate>(text, relative_date);
}

namespace {

// `first` stands behind the keyword of a stage, or before the first call.
Result<Stage> match_stage_body(std::string_view text, const std::string& keyword, Iterator& first) {
  constexpr const char* kEnd = "\"|\" or the end of the query";
  if (keyword == "top") {
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Top>(text, first, top, kEnd));
    return Stage{std::move(stage), {}};
  }
  if (keyword == "histogram") {
    constexpr const char* kNext = "a number of buckets, \"|\" or the end of the query";
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Histogram>(text, first, histogram, kNext));
    return Stage{std::move(stage), {}};
  }
  if (keyword == "fields") {
    constexpr const char* kNext = "a comma, \"|\" or the end of the query";
    CAIRN_TRY_ASSIGN(auto stage, match_stage<std::vector<Column>>(text, first, columns, kNext));
    return Stage{Fields{std::move(stage)}, {}};
  }
  if (keyword == "trend") {
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Text>(text, first, trend, kEnd));
    return Stage{Trend{stage}, {}};
  }
  if (keyword == "sort") {
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Sort>(text, first, sort, kEnd));
    return Stage{std::move(stage), {}};
  }
  if (keyword == "where") {
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Where>(text, first, row_filter, kEnd));
    return Stage{std::move(stage), {}};
  }
  if (keyword == "limit") {
    CAIRN_TRY_ASSIGN(auto stage, match_stage<Text>(text, first, limit, kEnd));
    return Stage{Limit{stage}, {}};
  }
  constexpr const char* kMore = "another call, `by`, `every`, `vs`, \"|\" or the end of the query";
  CAIRN_TRY_ASSIGN(auto stage, match_stage<Aggregate>(text, first, aggregate, kMore));
  return Stage{std::move(stage), {}};
}

// A sentence for who knows another language, or left the parentheses of a call out.
std::string stage_hint(std::string_view word) {
  struct Hint {
    std::string_view word;
    std::string_view write;
  };
  constexpr std::array kHints = {
      Hint{"having", "where COLUMN > VALUE"},
      Hint{"filter", "where COLUMN > VALUE"},
      Hint{"order", "sort -COLUMN"},
      Hint{"orderby", "sort -COLUMN"},
      Hint{"group", "count() by FIELD"},
      Hint{"by", "count() by FIELD"},
      Hint{"stats", "count() by FIELD"},
      Hint{"summarize", "count() by FIELD"},
      Hint{"every", "count() every 1h"},
      Hint{"timechart", "count() every 1h"},
      Hint{"head", "limit N"},
      Hint{"take", "limit N"},
      Hint{"distinct", "uniq(FIELD)"},
      Hint{"dcount", "uniq(FIELD)"},
      Hint{"count", "count()"},
      Hint{"uniq", "uniq(FIELD)"},
  };
  for (const Hint& hint : kHints) {
    if (hint.word == word) return " Here that is \"" + std::string(hint.write) + "\".";
  }
  std::string near = suggestion(word, kKeywords);
  if (near == ".") return "";
  return near.replace(0, 3, " D");
}

}  // namespace

Result<std::vector<Stage>> match_pipeline(std::string_view text) {
  std::vector<Stage> stages;
  Iterator first = text.data();
  const Iterator last = first + text.size();
  const auto skip = [&] { x3::parse(first, last, *char_(" \t")); };
  while (true) {
    skip();
    const Iterator begin = first;
    std::string_view word = view(first, last);
    Iterator behind_word = first;
    if (const auto found = match_prefix<Text>(word, name)) {
      behind_word += found->whole.size();
      word = found->whole;
    } else {
      return expected(text, first, kStages);
    }
    first = behind_word;
    skip();
    const bool calls = first != last && *first == '(';
    const std::string keyword = calls ? "" : lower_ascii(word);
    if (!calls && std::find(kKeywords.begin(), kKeywords.end(), keyword) == kKeywords.end()) {
      Error error = expected(text, begin, kStages);
      error.message += stage_hint(keyword);
      return error;
    }
    if (calls) first = begin;
    CAIRN_TRY_ASSIGN(Stage stage, match_stage_body(text, keyword, first));
    stage.whole = view(begin, first);
    while (stage.whole.ends_with(' ') || stage.whole.ends_with('\t')) stage.whole.remove_suffix(1);
    stages.push_back(std::move(stage));
    if (first == last) return stages;
    ++first;  // the `|`
  }
}

}  // namespace cairn::query::grammar
