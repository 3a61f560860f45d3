#include "query/parser.h"

#include <charconv>
#include <utility>

#include "query/token.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

using grammar::AggregateKey;
using grammar::Item;
using grammar::TagKey;
using grammar::Text;

constexpr std::string_view kQuoteHint = " To search for it as text, put it in quotes.";

// Unescapes a value. Of the backslashes right before an asterisk each pair stands for one; an odd
// one makes the asterisk literal. `\"` is a quotation mark; any other backslash is itself.
Value decode(std::string_view typed) {
  Value value;
  std::vector<std::string> runs(1);
  const auto append = [&](size_t count, char c) {
    value.text.append(count, c);
    runs.back().append(count, c);
  };
  for (size_t i = 0; i < typed.size(); ++i) {
    const size_t next = std::min(typed.find_first_not_of('\\', i), typed.size());
    const size_t slashes = next - i;
    i = next;
    const char c = next < typed.size() ? typed[next] : '\0';
    if (c == '*') {
      append(slashes / 2, '\\');
      if (slashes % 2 == 1) {
        append(1, '*');
      } else {
        value.text += '*';
        runs.emplace_back();
      }
      continue;
    }
    append(c == '"' && slashes > 0 ? slashes - 1 : slashes, '\\');
    if (next < typed.size()) append(1, c);
  }
  if (runs.size() > 1) value.pattern = std::move(runs);
  return value;
}

Op op_of(std::string_view typed) {
  if (typed == ">=") return Op::GreaterEqual;
  if (typed == "<=") return Op::LessEqual;
  if (typed == ">") return Op::Greater;
  if (typed == "<") return Op::Less;
  if (typed == "!=") return Op::NotEqual;
  const WordOperator* word = find_word_operator(typed);
  return word != nullptr ? word->op : Op::Equal;
}

// Turns what the grammar saw into the tree's values, with places counted in the query.
class Converter {
 public:
  explicit Converter(std::string_view query) : query_(query) {}

  uint32_t offset(const char* place) const { return static_cast<uint32_t>(place - query_.data()); }
  Span span(std::string_view part) const {
    return {offset(part.data()), offset(part.data() + part.size())};
  }
  Error error(std::string_view where, std::string message) const {
    return Error{ErrorCode::InvalidArgument, std::move(message), offset(where.data())};
  }

  // Where the pipeline seems to be meant to begin when a call opens at `open`: `error|count(`.
  std::optional<std::string_view> glued_pipe(std::string_view open) const {
    const std::string_view before = query_.substr(0, offset(open.data()));
    const size_t pipe = before.find_last_not_of("abcdefghijklmnopqrstuvwxyz_0123456789");
    if (pipe == std::string_view::npos || before[pipe] != '|') return std::nullopt;
    return query_.substr(pipe);
  }

  Key key(const grammar::Key& typed) const {
    Key key;
    key.at = span(typed.whole);
    const Text* name = std::get_if<Text>(&typed.what);
    if (const auto* tag = std::get_if<TagKey>(&typed.what)) {
      key.form = KeyForm::Tag;
      key.tag_type = tag->type.text;
      key.element = tag->element;
      name = &tag->name;
    }
    CAIRN_ASSERT(name != nullptr);  // calls are refused before
    key.name = name->text;
    key.quoted = name->quoted;
    return key;
  }

  Result<Filter> filter(const Token& token) const {
    const FilterParts& parts = *token.filter;
    const grammar::Key& typed = parts.head.key;
    if (std::holds_alternative<AggregateKey>(typed.what)) {
      const std::string call(typed.whole);
      return error(typed.whole, "Found the call \"" + call +
                                    "\" as the key of a filter, expected a field or a tag. "
                                    "Functions stand behind a |, as in | " +
                                    call + " by issue | where " + call + " > 10." +
                                    std::string(kQuoteHint));
    }
    Filter filter;
    filter.negated = parts.head.negated;
    filter.key = key(typed);
    filter.op = op_of(parts.head.op.whole);
    filter.op_at = span(parts.head.op.whole);
    filter.at = span(token.whole);
    if (parts.form == FilterParts::Form::Regex) {
      filter.op = Op::Regex;
      filter.op_at = span(parts.text.whole.substr(0, 2));
      CAIRN_TRY(regex(parts, filter));
      return filter;
    }
    filter.list = parts.form == FilterParts::Form::List;
    if (!filter.list) {
      CAIRN_TRY_ASSIGN(auto single, value(token, parts.text));
      filter.values.push_back(std::move(single));
      return filter;
    }
    for (const Item& item : parts.items) {
      CAIRN_TRY_ASSIGN(auto next, value(token, item.value, &item.separator));
      filter.values.push_back(std::move(next));
    }
    return filter;
  }

  FreeText free_text(const Token& token) const {
    std::string_view text = token.whole;
    if (token.quoted) {
      text = text.substr(1, text.size() - 2);
    } else {
      text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
      while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    }
    FreeText free;
    free.value = decode(text);
    free.value.quoted = token.quoted;
    free.at = free.value.at = span(token.quoted ? token.whole : text);
    return free;
  }

 private:
  Result<void> regex(const FilterParts& parts, Filter& filter) const {
    if (parts.text.text.empty()) {
      return error(parts.text.text,
                   "Found an empty regular expression, expected a pattern "
                   "between the slashes: //PATTERN//.");
    }
    Value value;
    value.text = parts.text.text;
    value.at = span(parts.text.whole);
    filter.values.push_back(std::move(value));
    return {};
  }

  // `separator` stands before the slot of a list.
  Result<Value> value(const Token& token, const Text& typed,
                      const Text* separator = nullptr) const {
    if (typed.missing()) {
      if (separator != nullptr) {
        const std::string_view before = separator->whole;
        return error({before.data() + before.size(), 0},
                     "Found an empty place in a list, expected a value. Remove the extra comma, "
                     "or write \"\" for the empty value.");
      }
      return error({token.whole.data() + token.whole.size(), 0},
                   "Found no value after \"" + std::string(token.whole) +
                       "\", expected one: KEY:VALUE, or KEY:\"\" for the empty value." +
                       std::string(kQuoteHint));
    }
    if (!typed.quoted) CAIRN_TRY(check_quotes(typed.whole));
    Value value = decode(typed.text);
    value.quoted = typed.quoted;
    value.at = span(typed.whole);
    return value;
  }

  Result<void> check_quotes(std::string_view text) const {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '"' || (i > 0 && text[i - 1] == '\\')) continue;
      return error(text.substr(i),
                   "Found a quotation mark inside a value, expected the whole value in quotes, "
                   "as in KEY:\"a \\\"b\\\" c\".");
    }
    return {};
  }

  std::string_view query_;
};

// Builds the tree over terms, with an explicit stack of open parentheses.
class TreeBuilder {
 public:
  explicit TreeBuilder(const Converter& convert) : convert_(convert) { frames_.emplace_back(); }

  Result<void> add(const Token& token) {
    const bool term = token.kind == TokenKind::FreeText || token.kind == TokenKind::Filter;
    if (term && ++terms_ > kMaxQueryTerms) {
      return convert_.error(token.whole, "The query has more than " +
                                             std::to_string(kMaxQueryTerms) +
                                             " terms. Values of one field can be one term: "
                                             "KEY:[a, b].");
    }
    switch (token.kind) {
      case TokenKind::Spaces:
        return {};
      case TokenKind::FreeText:
        return add_free_text(token);
      case TokenKind::Filter: {
        CAIRN_TRY_ASSIGN(auto filter, convert_.filter(token));
        const Span at = filter.at;
        add_term(Node{std::move(filter), at});
        return {};
      }
      case TokenKind::And:
      case TokenKind::Or:
        return add_operator(token);
      case TokenKind::Not:
        top().nots.push_back(token.whole);
        return {};
      case TokenKind::LeftParen:
        frames_.emplace_back();
        top().open = token.whole;
        return {};
      case TokenKind::RightParen:
        return close(token);
      case TokenKind::Pipeline:
        return {};
    }
    return {};
  }

  // The whole filter; nullopt when there were no terms. The tokens end here.
  Result<std::optional<Node>> finish() {
    if (frames_.size() > 1) {
      return convert_.error(top().open, "This parenthesis is never closed: expected \")\"." +
                                            std::string(kQuoteHint));
    }
    CAIRN_TRY(check_complete());
    if (top().all.empty()) return std::optional<Node>();
    return std::optional<Node>(fold(top()));
  }

 private:
  struct Frame {
    std::string_view open;               // the parenthesis; empty for the whole query
    std::vector<Node> any;               // finished operands of OR
    std::vector<Node> all;               // operands of AND since the last OR
    std::string_view pending;            // an AND or OR that waits for its right side
    std::vector<std::string_view> nots;  // before the next term
  };

  Frame& top() { return frames_.back(); }

  void add_term(Node node) {
    Frame& frame = top();
    for (; !frame.nots.empty(); frame.nots.pop_back()) {
      const Span at{convert_.span(frame.nots.back()).begin, node.at.end};
      node = Node{Not{std::make_unique<Node>(std::move(node))}, at};
    }
    frame.pending = {};
    frame.all.push_back(std::move(node));
  }

  Result<void> add_free_text(const Token& token) {
    FreeText text = convert_.free_text(token);
    if (text.at.begin == text.at.end) return {};  // nothing but tabs
    Frame& frame = top();
    if (!frame.nots.empty() && frame.nots.back() == "!") {
      text.negated = true;
      text.at.begin = convert_.span(frame.nots.back()).begin;
      frame.nots.pop_back();
    }
    const Span at = text.at;
    add_term(Node{std::move(text), at});
    return {};
  }

  Result<void> add_operator(const Token& token) {
    Frame& frame = top();
    const std::string word(token.whole);
    if (frame.all.empty() || !frame.pending.empty() || !frame.nots.empty()) {
      return convert_.error(token.whole, "Found \"" + word + "\", expected a term before it." +
                                             std::string(kQuoteHint));
    }
    frame.pending = token.whole;
    if (token.kind == TokenKind::Or) frame.any.push_back(fold_all(frame));
    return {};
  }

  Result<void> check_complete() {
    const Frame& frame = top();
    const std::string_view open = frame.nots.empty() ? frame.pending : frame.nots.back();
    if (open.empty()) return {};
    return convert_.error({open.data() + open.size(), 0},
                          "Found no term after \"" + std::string(open) + "\", expected one." +
                              std::string(kQuoteHint));
  }

  Result<void> close(const Token& token) {
    if (frames_.size() == 1) {
      return convert_.error(
          token.whole, "Found \")\" without an opening parenthesis." + std::string(kQuoteHint));
    }
    CAIRN_TRY(check_complete());
    if (top().all.empty()) {
      if (const auto pipe = convert_.glued_pipe(top().open)) {
        return convert_.error(
            *pipe, "Found \"|\" within a word: write a blank before | to begin the pipeline." +
                       std::string(kQuoteHint));
      }
      return convert_.error(top().open, "Found empty parentheses, expected terms between them." +
                                            std::string(kQuoteHint));
    }
    Node node = fold(top());
    node.at = {convert_.span(top().open).begin, convert_.span(token.whole).end};
    frames_.pop_back();
    add_term(std::move(node));
    return {};
  }

  static Node fold_all(Frame& frame) {
    std::vector<Node> terms = std::exchange(frame.all, {});
    if (terms.size() == 1) return std::move(terms.front());
    const Span at{terms.front().at.begin, terms.back().at.end};
    return Node{And{std::move(terms)}, at};
  }

  static Node fold(Frame& frame) {
    Node last = fold_all(frame);
    if (frame.any.empty()) return last;
    std::vector<Node> terms = std::exchange(frame.any, {});
    terms.push_back(std::move(last));
    const Span at{terms.front().at.begin, terms.back().at.end};
    return Node{Or{std::move(terms)}, at};
  }

  const Converter& convert_;
  std::vector<Frame> frames_;
  size_t terms_ = 0;
};

// --- pipeline -----------------------------------------------------------------------------------

class StageConverter {
 public:
  explicit StageConverter(const Converter& convert) : convert_(convert) {}

  Result<Stage> operator()(const grammar::Aggregate& typed, Span at) const {
    AggregateStage stage;
    for (const grammar::Call& call : typed.calls) stage.calls.push_back(make_call(call));
    for (const grammar::Key& key : typed.by) stage.by.push_back(convert_.key(key));
    if (!typed.every.missing()) {
      CAIRN_TRY_ASSIGN(stage.every_us, period(typed.every.whole));
    }
    if (!typed.vs.missing()) {
      CAIRN_TRY_ASSIGN(stage.vs_us, period(typed.vs.whole));
      stage.vs_at = convert_.span(typed.vs.whole);
    }
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Top& typed, Span at) const {
    TopStage stage;
    CAIRN_TRY_ASSIGN(stage.count, count(typed.count.whole));
    stage.count_at = convert_.span(typed.count.whole);
    stage.field = convert_.key(typed.field);
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Histogram& typed, Span at) const {
    HistogramStage stage;
    stage.field = convert_.key(typed.field);
    if (!typed.buckets.missing()) {
      CAIRN_TRY_ASSIGN(stage.buckets, count(typed.buckets.whole));
      stage.buckets_at = convert_.span(typed.buckets.whole);
    }
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Fields& typed, Span at) const {
    FieldsStage stage;
    for (const grammar::Column& each : typed.columns) stage.columns.push_back(column(each));
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Trend& typed, Span at) const {
    TrendStage stage;
    CAIRN_TRY_ASSIGN(stage.length_us, period(typed.length.whole));
    stage.at = at;
    return Stage{stage};
  }

  Result<Stage> operator()(const grammar::Sort& typed, Span at) const {
    SortStage stage;
    stage.key = column(typed.key);
    stage.descending = typed.minus;
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Where& typed, Span at) const {
    WhereStage stage;
    stage.key = column(typed.key);
    stage.op = op_of(typed.op.whole);
    stage.value.text = typed.value.whole;
    stage.value.at = convert_.span(typed.value.whole);
    stage.at = at;
    return Stage{std::move(stage)};
  }

  Result<Stage> operator()(const grammar::Limit& typed, Span at) const {
    LimitStage stage;
    CAIRN_TRY_ASSIGN(stage.count, count(typed.count.whole));
    stage.count_at = convert_.span(typed.count.whole);
    stage.at = at;
    return Stage{stage};
  }

 private:
  ColumnRef column(const grammar::Column& typed) const {
    if (const auto* part = std::get_if<grammar::PartOfCall>(&typed.what)) {
      Call call = make_call(part->call);
      call.part = part->part.text;
      return call;
    }
    return convert_.key(std::get<grammar::Key>(typed.what));
  }

  Call make_call(const grammar::Call& typed) const {
    Call call;
    call.function = typed.function.text;
    for (const grammar::Key& key : typed.arguments) call.arguments.push_back(convert_.key(key));
    call.at = convert_.span(typed.whole);
    return call;
  }

  Result<uint32_t> count(std::string_view digits) const {
    uint32_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec == std::errc() && value > 0) return value;
    return convert_.error(digits, "Found \"" + std::string(digits) +
                                      "\", expected a whole number from 1 to 4294967295.");
  }

  Result<int64_t> period(std::string_view typed) const {
    if (const auto us = parse_period(typed)) return *us;
    return convert_.error(
        typed, "Found \"" + std::string(typed) + "\", expected a period from 1s to 100 years.");
  }

  const Converter& convert_;
};

// `pipeline` begins with the first `|`.
Result<std::vector<Stage>> convert_pipeline(std::string_view pipeline, const Converter& convert) {
  auto stages = grammar::match_pipeline(pipeline.substr(1));
  if (!stages) {
    Error error = std::move(stages).error();
    error.position = convert.offset(pipeline.data()) + 1 + error.position.value_or(0);
    return error;
  }
  std::vector<Stage> result;
  for (const grammar::Stage& typed : *stages) {
    const Span at = convert.span(typed.whole);
    const StageConverter converter(convert);
    CAIRN_TRY_ASSIGN(auto stage,
                     std::visit([&](const auto& what) { return converter(what, at); }, typed.what));
    result.push_back(std::move(stage));
  }
  return result;
}

}  // namespace

Result<Query> parse(std::string_view text) {
  TokenOptions options;
  options.allow_regex = true;
  CAIRN_TRY_ASSIGN(const auto tokens, tokenize(text, options));
  const Converter convert(text);
  TreeBuilder tree(convert);
  Query query;
  query.source = text;
  for (const Token& token : tokens) {
    CAIRN_TRY(tree.add(token));
  }
  CAIRN_TRY_ASSIGN(query.filter, tree.finish());
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::Pipeline) continue;
    CAIRN_TRY_ASSIGN(query.stages, convert_pipeline(token.whole, convert));
  }
  return query;
}

}  // namespace cairn::query
