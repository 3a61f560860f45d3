#include "client/repl_text.h"

#include <algorithm>

#include "query/token.h"

namespace cairn::client {
namespace {

using verbs::Style;

constexpr std::string_view kBlanks = " \t";

std::string_view without_blanks_behind(std::string_view text) {
  const size_t last = text.find_last_not_of(kBlanks);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

// From after an opening quote to after the closing one; npos: there is none.
size_t end_of_quote(std::string_view text, size_t at, char quote) {
  for (; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

bool begins_word(std::string_view text, size_t at) {
  return at == 0 || kBlanks.find(text[at - 1]) != std::string_view::npos;
}

// The value of key://...//, which may hold anything: past its end; npos: it has none.
size_t end_of_regex(std::string_view text, size_t at) {
  const size_t end = text.find("//", at);
  return end == std::string_view::npos ? end : end + 2;
}

}  // namespace

bool wants_more(std::string_view text) {
  const std::string_view whole = without_blanks_behind(text);
  if (whole.ends_with('\\') || whole.ends_with('|')) return true;
  int open = 0;
  for (size_t at = 0; at < whole.size();) {
    const char c = whole[at];
    if (c == '"' || (c == '\'' && begins_word(whole, at))) {
      at = end_of_quote(whole, at + 1, c);
      if (at == std::string_view::npos) return true;
      continue;
    }
    if (c == '\\') {
      at += 2;
      continue;
    }
    if (whole.substr(at).starts_with("://")) {
      const size_t end = end_of_regex(whole, at + 3);
      at = end == std::string_view::npos ? at + 3 : end;
      continue;
    }
    if (c == '(' || c == '[') ++open;
    if ((c == ')' || c == ']') && open > 0) --open;
    ++at;
  }
  return open > 0;
}

void add_line(std::string& text, std::string_view line) {
  if (text.empty()) {
    text = line;
    return;
  }
  text = without_blanks_behind(text);
  if (text.ends_with('\\')) text = without_blanks_behind(text.substr(0, text.size() - 1));
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  text.append(" ").append(line);
}

Result<std::vector<std::string>> split_words(std::string_view line, bool keeps_double_quotes) {
  std::vector<std::string> words;
  size_t at = line.find_first_not_of(kBlanks);
  while (at != std::string_view::npos && at < line.size()) {
    std::string word;
    while (at < line.size() && kBlanks.find(line[at]) == std::string_view::npos) {
      const char c = line[at];
      const bool quotes = c == '"' || (c == '\'' && word.empty());
      if (!quotes) {
        word.push_back(c);
        ++at;
        continue;
      }
      const size_t end = end_of_quote(line, at + 1, c);
      if (end == std::string_view::npos) {
        Error error = make_error(ErrorCode::InvalidArgument, "this quotation mark is not closed");
        error.position = static_cast<uint32_t>(at);
        return error;
      }
      const bool keep = c == '"' && (keeps_double_quotes || !word.empty());
      word.append(keep ? line.substr(at, end - at) : line.substr(at + 1, end - at - 2));
      at = end;
    }
    words.push_back(std::move(word));
    at = line.find_first_not_of(kBlanks, at);
  }
  return words;
}

std::string coloured_query(const verbs::Terminal& terminal, std::string_view query) {
  const auto tokens = query::tokenize(query);
  if (!terminal.color || !tokens) return std::string(query);
  std::string out;
  for (const query::Token& token : *tokens) {
    const std::string_view whole = token.whole;
    switch (token.kind) {
      case query::TokenKind::Filter: {
        const size_t colon = whole.find(':');
        const size_t end = colon == std::string_view::npos ? 0 : colon + 1;
        out += styled(terminal, Style::Cyan, whole.substr(0, end));
        out += whole.substr(end);
        break;
      }
      case query::TokenKind::FreeText:
        out += token.quoted ? styled(terminal, Style::Green, whole) : std::string(whole);
        break;
      case query::TokenKind::And:
      case query::TokenKind::Or:
      case query::TokenKind::Not:
      case query::TokenKind::LeftParen:
      case query::TokenKind::RightParen:
        out += styled(terminal, Style::Bold, whole);
        break;
      case query::TokenKind::Pipeline:
        out += styled(terminal, Style::Yellow, whole);
        break;
      case query::TokenKind::Spaces:
        out += whole;
        break;
    }
  }
  return out;
}

std::string coloured_error(const verbs::Terminal& terminal, std::string_view text) {
  constexpr std::string_view kBegin = "cairn: ";
  if (!terminal.color || !text.starts_with(kBegin)) return std::string(text);
  std::string out;
  bool first = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const size_t mark = line.find_first_not_of(' ');
    const bool points = mark != std::string_view::npos && line.substr(mark).starts_with('^');
    out += first || points ? styled(terminal, Style::Red, line) : std::string(line);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
    first = false;
  }
  return out;
}

}  // namespace cairn::client
