// Errors for a person: where in the query, with a caret.
#include <algorithm>

#include "query/parser.h"

namespace cairn::query {
namespace {

constexpr size_t kMaxCharacters = 72;  // of the query shown; the rest of a terminal is indent
constexpr std::string_view kIndent = "  ";
constexpr std::string_view kCut = "...";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Steps over up to `count` whole characters.
size_t forward(std::string_view text, size_t at, size_t count) {
  for (; count > 0 && at < text.size(); --count) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return at;
}

size_t backward(std::string_view text, size_t at, size_t count) {
  for (; count > 0 && at > 0; --count) {
    --at;
    while (at > 0 && continues(text[at])) --at;
  }
  return at;
}

}  // namespace

std::string explain_error(std::string_view query, const Error& error) {
  std::string out = error.message;
  if (!error.position) return out;
  size_t at = std::min<size_t>(*error.position, query.size());
  while (at > 0 && at < query.size() && continues(query[at])) --at;

  const size_t line_begin = at == 0 ? 0 : query.rfind('\n', at - 1) + 1;  // npos + 1 = 0
  const size_t line_end = std::min(query.find('\n', at), query.size());
  const std::string_view line = query.substr(line_begin, line_end - line_begin);
  at -= line_begin;

  size_t begin = backward(line, at, kMaxCharacters / 2);
  const size_t end = forward(line, begin, kMaxCharacters);
  if (end == line.size()) begin = std::min(begin, backward(line, end, kMaxCharacters));

  std::string text(kIndent);
  std::string marker(kIndent);
  if (begin > 0) {
    text += kCut;
    marker.append(kCut.size(), ' ');
  }
  text += line.substr(begin, end - begin);
  if (end < line.size()) text += kCut;
  for (const char c : line.substr(begin, at - begin)) {
    if (!continues(c)) marker += c == '\t' ? '\t' : ' ';
  }
  return out + "\n" + text + "\n" + marker + "^";
}

}  // namespace cairn::query
