#include "query/ast_print.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "base/ids.h"

namespace cairn::query {
namespace {

// The inverse of what the parser does to a run of a value: an asterisk is escaped, backslashes
// before an asterisk count double, and before a quotation mark stands one more.
void append_run(std::string& out, std::string_view run, bool asterisk_follows) {
  size_t slashes = 0;
  for (const char c : run) {
    if (c == '\\') {
      ++slashes;
      continue;
    }
    if (c == '*') slashes = 2 * slashes + 1;
    if (c == '"') ++slashes;
    out.append(std::exchange(slashes, 0), '\\');
    out += c;
  }
  out.append(asterisk_follows ? 2 * slashes : slashes, '\\');
}

std::string typed(const Value& value) {
  std::string out;
  if (value.pattern.empty()) append_run(out, value.text, false);
  for (size_t i = 0; i < value.pattern.size(); ++i) {
    const bool last = i + 1 == value.pattern.size();
    append_run(out, value.pattern[i], !last);
    if (!last) out += '*';
  }
  return value.quoted ? '"' + out + '"' : out;
}

std::string_view typed(Op op) {
  for (const WordOperator& word : kWordOperators) {
    if (word.op == op) return word.typed;
  }
  return sign_of(op);
}

std::string typed(const Key& key) {
  const std::string name = key.quoted ? '"' + key.name + '"' : key.name;
  if (key.form == KeyForm::Plain) return name;
  std::string out = "tags[" + name;
  if (!key.tag_type.empty()) out += "," + key.tag_type;
  out += ']';
  if (key.element) out += "[*]";
  return out;
}

std::string joined(const std::vector<Key>& keys) {
  std::string out;
  for (const Key& key : keys) {
    if (!out.empty()) out += ", ";
    out += typed(key);
  }
  return out;
}

std::string typed(const Call& call) {
  return call.function + "(" + joined(call.arguments) + ")" +
         (call.part.empty() ? "" : "." + call.part);
}

std::string typed(const ColumnRef& column) {
  return std::visit([](const auto& what) { return typed(what); }, column);
}

std::string period(int64_t us) {
  struct Unit {
    int64_t seconds;
    char letter;
  };
  constexpr std::array kUnits = {Unit{7 * 24 * 3600, 'w'}, Unit{24 * 3600, 'd'}, Unit{3600, 'h'},
                                 Unit{60, 'm'}};
  const int64_t seconds = us / kMicrosPerSecond;
  for (const Unit& unit : kUnits) {
    if (seconds % unit.seconds == 0) return std::to_string(seconds / unit.seconds) + unit.letter;
  }
  return std::to_string(seconds) + "s";
}

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void node(const Node& node) {
    std::visit([this](const auto& what) { (*this)(what); }, node.what);
  }

  void operator()(const Filter& filter) {
    if (filter.negated) out_ += '!';
    out_ += typed(filter.key);
    out_ += ':';
    if (filter.op == Op::Regex) {
      out_ += "//" + filter.values.front().text + "//";
      return;
    }
    // A "=" that was typed belongs to the value of some fields.
    const bool written = filter.op_at.end > filter.op_at.begin;
    if (written || filter.op != Op::Equal) out_ += typed(filter.op);
    if (!filter.list) {
      const Value& value = filter.values.front();
      const bool signs = written || filter.op != Op::Equal;
      if (!signs && !value.quoted && value.text.starts_with("//")) {
        regex_from_ = std::min(regex_from_, out_.size() + 2);
      }
      out_ += typed(value);
      return;
    }
    out_ += '[';
    for (size_t i = 0; i < filter.values.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += typed(filter.values[i]);
    }
    out_ += ']';
  }

  void operator()(const FreeText& text) {
    if (text.negated) out_ += '!';
    out_ += typed(text.value);
  }

  void operator()(const And& all) {
    for (size_t i = 0; i < all.terms.size(); ++i) {
      const Node& term = all.terms[i];
      const bool touching =
          i > 0 && (needs_parenthesis_behind(all.terms[i - 1]) || ends_like_regex());
      if (i > 0 && !touching) {
        // Words beside each other would be one phrase.
        out_ += is_words(term) || is_words(all.terms[i - 1]) ? " AND " : " ";
      }
      const bool compound = holds<And>(term) || holds<Or>(term);
      // A parenthesis that touches words is text unless something else begins a word in it, and
      // behind a further parenthesis nothing does.
      const bool apart = touching && is_words(all.terms[i - 1]);
      enclosed(term, compound || touching || encloses_list(term), apart);
    }
  }

  void operator()(const Or& any) {
    for (size_t i = 0; i < any.terms.size(); ++i) {
      if (i > 0) out_ += " OR ";
      enclosed(any.terms[i], holds<Or>(any.terms[i]) || encloses_list(any.terms[i]));
    }
  }

  // No deeper than what was parsed: there is a limit to parentheses.
  void operator()(const Not& negation) {
    const auto* text = std::get_if<FreeText>(&negation.term->what);
    const bool alone =
        holds<Filter>(*negation.term) || (text != nullptr && text->value.quoted && !text->negated);
    out_ += alone ? "NOT " : "!";
    enclosed(*negation.term, !alone || encloses_list(*negation.term));
  }

  void operator()(const AggregateStage& stage) {
    for (size_t i = 0; i < stage.calls.size(); ++i) {
      if (i > 0) out_ += ' ';
      out_ += typed(stage.calls[i]);
    }
    if (!stage.by.empty()) out_ += " by " + joined(stage.by);
    if (stage.every_us) out_ += " every " + period(*stage.every_us);
    if (stage.vs_us) out_ += " vs " + period(*stage.vs_us);
  }

  void operator()(const TopStage& stage) {
    out_ += "top " + std::to_string(stage.count) + " " + typed(stage.field);
  }

  void operator()(const HistogramStage& stage) {
    out_ += "histogram " + typed(stage.field);
    if (stage.buckets) out_ += " " + std::to_string(*stage.buckets);
  }

  void operator()(const FieldsStage& stage) {
    const char* separator = "fields ";
    for (const ColumnRef& column : stage.columns) {
      out_ += std::exchange(separator, ", ") + typed(column);
    }
  }

  void operator()(const TrendStage& stage) { out_ += "trend " + period(stage.length_us); }

  void operator()(const WhereStage& stage) {
    out_ += "where " + typed(stage.key) + " ";
    out_ += typed(stage.op);
    out_ += " " + stage.value.text;
  }

  void operator()(const SortStage& stage) {
    out_ += stage.descending ? "sort -" : "sort ";
    out_ += typed(stage.key);
  }

  void operator()(const LimitStage& stage) { out_ += "limit " + std::to_string(stage.count); }

  void stage(const Stage& stage) {
    out_ += out_.empty() ? "| " : " | ";
    std::visit([this](const auto& what) { (*this)(what); }, stage);
  }

 private:
  template <class What>
  static bool holds(const Node& node) {
    return std::holds_alternative<What>(node.what);
  }
  static bool is_words(const Node& node) {
    const auto* text = std::get_if<FreeText>(&node.what);
    return text != nullptr && !text->value.quoted;
  }

  // Words that end in AND or OR: with a blank behind, that would be an operator.
  static bool ends_in_operator(const Node& node) {
    if (!is_words(node)) return false;
    const std::string& text = std::get<FreeText>(node.what).value.text;
    const std::string word = lower_ascii(text.substr(text.find_last_of(" \t") + 1));
    return word == "and" || word == "or";
  }

  // The plain value that the filter has, if it has one that begins as a list does.
  static const Value* like_list(const Node& node) {
    const auto* filter = std::get_if<Filter>(&node.what);
    if (filter == nullptr || filter->list || filter->op == Op::Regex) return nullptr;
    const Value& value = filter->values.front();
    return !value.quoted && value.text.starts_with('[') ? &value : nullptr;
  }
  // What comes behind must not end the list.
  static bool opens_list(const Node& node) {
    const Value* value = like_list(node);
    return value != nullptr && !value->text.ends_with(']');
  }
  // It is no list, and these words end in no operator, because a parenthesis follows at once. An
  // empty list is none anyway.
  static bool needs_parenthesis_behind(const Node& node) {
    if (const auto* negation = std::get_if<Not>(&node.what)) {
      return needs_parenthesis_behind(*negation->term);
    }
    const Value* value = like_list(node);
    const bool closed = value != nullptr && value->text.ends_with(']') && value->text != "[]";
    return closed || ends_in_operator(node);
  }

  // A plain value that begins with "//" is a regular expression if later a "//" stands before a
  // blank, a ")" or the end; so a parenthesis must follow every other "//".
  bool ends_like_regex() const { return out_.ends_with("//") && out_.size() - 2 >= regex_from_; }

  // A value that opens a list and must have an opening parenthesis behind it needs no other.
  bool encloses_list(const Node& node) const {
    const bool like_regex = regex_from_ != std::string::npos;
    return opens_list(node) && !(like_regex && like_list(node)->text.ends_with("//"));
  }

  void enclosed(const Node& term, bool in_parentheses, bool apart = false) {
    const bool outside = std::exchange(apart_, apart_ || apart);
    if (in_parentheses) out_ += apart_ ? "( " : "(";
    node(term);
    if (in_parentheses) out_ += ')';
    apart_ = outside;
  }

  std::string out_;
  bool apart_ = false;  // within a parenthesis that touches words
  // Behind the first "//" that begins a plain value.
  size_t regex_from_ = std::string::npos;
};

}  // namespace

std::string print(const Query& query) {
  Printer printer;
  if (query.filter) printer.node(*query.filter);
  for (const Stage& stage : query.stages) printer.stage(stage);
  return printer.take();
}

}  // namespace cairn::query
