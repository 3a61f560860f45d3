#include "query/token.h"

#include <algorithm>
#include <utility>

#include "query/parser.h"

namespace cairn::query {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

Error error_at(size_t position, std::string message) {
  return Error{ErrorCode::InvalidArgument, std::move(message), static_cast<uint32_t>(position)};
}

// One pass from left to right. All looking ahead is bounded by what it later consumes, or
// remembered, so that the whole takes time linear in the query (times the depth of parentheses).
class Tokenizer {
 public:
  Tokenizer(std::string_view query, const TokenOptions& options)
      : query_(query), options_(options) {}

  Result<std::vector<Token>> run() {
    push_spaces();
    while (pos_ < query_.size()) {
      CAIRN_TRY(push_term());
      push_spaces();
    }
    return std::move(tokens_);
  }

 private:
  static constexpr size_t kNone = std::string_view::npos;

  char at(size_t pos) const { return pos < query_.size() ? query_[pos] : '\0'; }

  void push(TokenKind kind, size_t length) {
    Token token;
    token.kind = kind;
    token.whole = query_.substr(pos_, length);
    tokens_.push_back(std::move(token));
    pos_ += length;
  }

  void push_spaces() {
    const size_t end = std::min(query_.find_first_not_of(' ', pos_), query_.size());
    push(TokenKind::Spaces, end - pos_);
  }

  Result<void> push_term() {
    const char c = at(pos_);
    if (is_pipe(pos_)) {
      push(TokenKind::Pipeline, query_.size() - pos_);
    } else if (c == '(') {
      if (++depth_ > kMaxQueryDepth) {
        return error_at(
            pos_, "Parentheses nest deeper than " + std::to_string(kMaxQueryDepth) + " levels.");
      }
      push(TokenKind::LeftParen, 1);
    } else if (c == ')') {
      depth_ = std::max(0, depth_ - 1);
      push(TokenKind::RightParen, 1);
    } else if (const auto word = operator_word(pos_)) {
      push(word->first, word->second);
    } else if (find_filter(pos_)) {
      CAIRN_TRY(std::exchange(failure_, Result<void>()));
      push_filter();
    } else if (is_negation(pos_)) {
      push(TokenKind::Not, 1);
    } else if (c == '"') {
      return push_quoted();
    } else if (c == '\n') {
      return error_at(pos_,
                      "Found a line break outside quotes, expected the query on one line. Join "
                      "the lines with a blank, or quote the text.");
    } else {
      push(TokenKind::FreeText, phrase_end() - pos_);
    }
    return {};
  }

  Result<void> push_quoted() {
    std::string_view rest = query_.substr(pos_);
    const auto quoted = grammar::match_quoted(rest);
    if (!quoted) return unclosed_quote(pos_);
    push(TokenKind::FreeText, quoted->whole.size());
    tokens_.back().quoted = true;
    return {};
  }

  void push_filter() {
    push(TokenKind::Filter, filter_end_ - filter_begin_);
    tokens_.back().filter = std::make_unique<FilterParts>(std::move(filter_));
    filter_begin_ = kNone;
  }

  static Error unclosed_quote(size_t pos) {
    return error_at(pos,
                    "This quotation mark is never closed: expected another \". To search for a "
                    "quotation mark write \\\".");
  }

  // A `|` that begins a word, unless it is doubled: `a || b` is text.
  bool is_pipe(size_t pos) const { return at(pos) == '|' && at(pos + 1) != '|'; }

  // `!` before a group or a quoted text; before a key it belongs to the filter.
  bool is_negation(size_t pos) const {
    return at(pos) == '!' && (at(pos + 1) == '(' || at(pos + 1) == '"');
  }

  // AND, OR and NOT, with their length.
  std::optional<std::pair<TokenKind, size_t>> operator_word(size_t pos) {
    const auto spelled = [&](std::string_view word) {
      const std::string_view typed = query_.substr(pos, word.size());
      return std::equal(typed.begin(), typed.end(), word.begin(), word.end(),
                        [](char a, char b) {
                          return a == b || (a >= 'a' && a <= 'z' && a - 'a' + 'A' == b);
                        }) &&
             ends_word(pos + word.size());
    };
    if (spelled("AND")) return std::pair{TokenKind::And, size_t{3}};
    if (spelled("OR")) return std::pair{TokenKind::Or, size_t{2}};
    if (query_.substr(pos, 3) != "NOT" || !is_blank(at(pos + 3))) return std::nullopt;
    // "NOT NULL constraint failed" is text: NOT negates only what cannot be a word.
    const size_t next = query_.find_first_not_of(" \t", pos + 3);
    if (next == kNone) return std::nullopt;
    const bool negates =
        at(next) == '(' || at(next) == '"' || is_negation(next) || find_filter(next);
    if (!negates) return std::nullopt;
    return std::pair{TokenKind::Not, size_t{3}};
  }

  bool ends_word(size_t pos) const {
    const char c = at(pos);
    return pos >= query_.size() || is_blank(c) || c == '\n' || c == ')';
  }

  // Whether a filter begins at `pos`; keeps it for push_filter.
  bool find_filter(size_t pos) {
    if (pos == filter_begin_) return true;
    std::string_view rest = query_.substr(pos);
    auto head = grammar::match_filter_head(rest);
    if (options_.work != nullptr) ++options_.work->looks;
    if (!head) return false;
    FilterParts filter;
    filter.head = std::move(*head);
    failure_ = {};
    filter_begin_ = kNone;
    const size_t begin = query_.size() - rest.size();
    const size_t end = match_value(begin, filter);
    count(end - pos);
    filter.value = query_.substr(begin, end - begin);
    if (failure_.ok() && classify(filter) == FilterKind::None) return false;
    filter_ = std::move(filter);
    filter_begin_ = pos;
    filter_end_ = end;
    return true;
  }

  void count(size_t bytes) const {
    if (options_.work != nullptr) options_.work->bytes += bytes;
  }

  // Returns where the value ends.
  size_t match_value(size_t begin, FilterParts& filter) {
    std::string_view rest = query_.substr(begin);
    const auto end = [&] { return query_.size() - rest.size(); };
    // A call is compared with one plain value; to look for the end of anything longer would be in
    // vain, at every word again.
    const bool call = std::holds_alternative<grammar::AggregateKey>(filter.head.key.what);
    if (options_.allow_regex && !call && filter.head.op.missing() && rest.starts_with("//")) {
      if (const size_t close = regex_close(begin + 2); close != kNone) {
        filter.form = FilterParts::Form::Regex;
        const std::string_view pattern = query_.substr(begin + 2, close - begin - 2);
        filter.text = {query_.substr(begin, close + 2 - begin), pattern, false};
        return close + 2;
      }
    }
    if (rest.starts_with('"')) {
      if (auto quoted = grammar::match_quoted(rest)) {
        filter.text = *quoted;
      } else {
        failure_ = unclosed_quote(begin);
      }
      return end();
    }
    if (rest.starts_with('[') && !call && match_list(rest, filter)) return end();
    if (names_field(filter.head) && match_tag(rest, filter)) return end();
    filter.text = grammar::match_bare(rest);
    return end();
  }

  // has:
  static bool names_field(const grammar::FilterHead& head) {
    const auto* key = std::get_if<grammar::Text>(&head.key.what);
    return key != nullptr && !key->quoted && key->text == "has" && head.op.missing();
  }

  bool match_tag(std::string_view& rest, FilterParts& filter) const {
    std::string_view behind = rest;
    const auto tag = grammar::match_quoted_tag(behind);
    if (!tag || !ends_word(query_.size() - behind.size())) return false;
    filter.text = *tag;
    rest = behind;
    return true;
  }

  bool match_list(std::string_view& rest, FilterParts& filter) {
    // A list that begins inside one that could not be closed fails at the same place.
    const size_t begin = query_.size() - rest.size();
    if (begin > list_begin_ && begin + 1 < list_stuck_) return false;
    std::string_view behind = rest;
    grammar::List list = grammar::match_list(behind);
    count(rest.size() - behind.size());
    if (!list.closed) {
      list_begin_ = begin;
      list_stuck_ = query_.size() - behind.size();
    }
    const bool empty = list.items.size() == 1 && list.items.front().value.missing();
    if (!list.closed || empty) return false;  // [] is text
    rest = behind;
    filter.form = FilterParts::Form::List;
    filter.items = std::move(list.items);
    return true;
  }

  // The first `//` at or behind `pos` that ends a value.
  size_t regex_close(size_t pos) {
    if (pos >= regex_unclosed_) return kNone;
    for (size_t found = query_.find("//", pos); found != kNone;
         found = query_.find("//", found + 1)) {
      if (ends_word(found + 2)) return found;
    }
    count(query_.size() - pos);
    regex_unclosed_ = pos;
    return kNone;
  }

  // Where the phrase beginning at pos_ ends. Parentheses glued to a word are text if they are
  // balanced and hold nothing but text: `main(int, char)`, but not `x(a:b)`.
  size_t phrase_end() {
    size_t pos = pos_;
    size_t open = 0;     // text parentheses
    size_t open_at = 0;  // the outermost of them
    while (pos < query_.size()) {
      const char c = at(pos);
      const bool word_start = pos > pos_ && is_blank(at(pos - 1)) && !is_blank(c);
      if (c == '\n' || (word_start && stops_phrase(pos, open > 0))) {
        blocked_ = pos;
        return open > 0 ? open_at : pos;
      }
      if (c == '(') {
        if (open == 0) {
          if (!is_text_paren(pos)) return pos;
          open_at = pos;
        }
        ++open;
      } else if (c == ')') {
        if (open == 0) return pos;
        --open;
      }
      ++pos;
    }
    return open > 0 ? open_at : pos;
  }

  bool stops_phrase(size_t pos, bool inside_parens) {
    const char c = at(pos);
    if (c == '(') return !inside_parens;
    return c == '"' || is_pipe(pos) || is_negation(pos) || operator_word(pos) || find_filter(pos);
  }

  bool is_text_paren(size_t pos) {
    const size_t close = closing(pos);
    if (close == kNone) return false;
    // Something that is no text lies between: seen before, so the words are not read again.
    return !(blocked_ != kNone && pos < blocked_ && blocked_ < close);
  }

  // The parenthesis that closes the one at `pos`, quotes not regarded.
  size_t closing(size_t pos) {
    if (closing_.empty()) {
      closing_.assign(query_.size(), kNone);
      std::vector<size_t> open;
      for (size_t i = 0; i < query_.size(); ++i) {
        if (query_[i] == '(') open.push_back(i);
        if (query_[i] != ')' || open.empty()) continue;
        closing_[open.back()] = i;
        open.pop_back();
      }
    }
    return closing_[pos];
  }

  std::string_view query_;
  const TokenOptions& options_;
  size_t pos_ = 0;
  int depth_ = 0;
  std::vector<Token> tokens_;

  // The filter find_filter saw last.
  FilterParts filter_;
  size_t filter_begin_ = kNone;
  size_t filter_end_ = 0;
  Result<void> failure_;  // of that filter

  // What looking ahead has found out.
  size_t list_begin_ = 0;
  size_t list_stuck_ = 0;
  size_t regex_unclosed_ = kNone;
  size_t blocked_ = kNone;
  std::vector<size_t> closing_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view query, const TokenOptions& options) {
  if (query.size() > kMaxQueryBytes) {
    return error_at(kMaxQueryBytes, "The query has " + std::to_string(query.size()) +
                                        " bytes, expected at most " +
                                        std::to_string(kMaxQueryBytes) + ".");
  }
  return Tokenizer(query, options).run();
}

}  // namespace cairn::query
