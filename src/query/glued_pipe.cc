#include "query/glued_pipe.h"

#include <algorithm>
#include <string_view>
#include <variant>

namespace cairn::query {
namespace {

constexpr auto kNone = std::string_view::npos;

// "error|count(": where a call would begin a pipeline.
bool holds_call(std::string_view word) {
  for (size_t pipe = word.find('|'); pipe != kNone; pipe = word.find('|', pipe + 1)) {
    const size_t end = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789", pipe + 1);
    if (pipe > 0 && end != kNone && end > pipe + 1 && word[end] == '(') return true;
  }
  return false;
}

// `a ||` stays what it is: text.
bool ends_in_pipe(std::string_view word) {
  return word.size() > 1 && word.ends_with('|') && !word.ends_with("||");
}

class Finder {
 public:
  Finder(std::string_view source, std::vector<std::string>& warnings)
      : source_(source), warnings_(warnings) {}

  void look(const Node& node) {
    if (const auto* filter = std::get_if<Filter>(&node.what)) {
      const bool bare = !filter->list && filter->op != Op::Regex;
      if (bare) look(filter->values.front());
    } else if (const auto* text = std::get_if<FreeText>(&node.what)) {
      look(text->value);
    } else if (const auto* all = std::get_if<And>(&node.what)) {
      for (const Node& term : all->terms) look(term);
    } else if (const auto* any = std::get_if<Or>(&node.what)) {
      for (const Node& term : any->terms) look(term);
    } else {
      look(*std::get<Not>(node.what).term);
    }
  }

 private:
  void look(const Value& value) {
    if (value.quoted || value.at.end > source_.size()) return;
    // A parenthesis ends a value, and tells of a call.
    const bool opens = value.at.end < source_.size() && source_[value.at.end] == '(';
    const std::string_view typed =
        source_.substr(value.at.begin, value.at.end - value.at.begin + (opens ? 1 : 0));
    for (size_t begin = 0; begin < typed.size();) {
      const size_t end = std::min(typed.find_first_of(" \t", begin), typed.size());
      const std::string_view word = typed.substr(begin, end - begin);
      if (ends_in_pipe(word) || holds_call(word)) return warn(word);
      begin = end + 1;
    }
  }

  void warn(std::string_view word) {
    warnings_.push_back("\"" + std::string(word) +
                        "\" is searched for as it stands: write a blank before | to begin the "
                        "pipeline, or put it in quotes.");
  }

  std::string_view source_;
  std::vector<std::string>& warnings_;
};

}  // namespace

void warn_of_glued_pipes(const Query& query, std::vector<std::string>& warnings) {
  if (query.filter) Finder(query.source, warnings).look(*query.filter);
}

}  // namespace cairn::query
