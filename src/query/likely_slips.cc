#include "query/likely_slips.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "base/ascii.h"
#include "model/field.h"
#include "model/occurrence.h"
#include "query/field_catalogue.h"

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

// The signs of programming languages for AND and OR.
std::string_view word_for(std::string_view word) {
  if (word == "&&" || word == "&") return "terms beside each other must all be true already.";
  if (word == "||") return "write OR for one of two terms.";
  return "";
}

// Whether the word is like `level=error`, with the name of a field.
bool compares_field(std::string_view word) {
  const size_t sign = word.find_first_of("=<>!");
  if (sign == kNone || sign == 0 || sign + 1 == word.size()) return false;
  const FieldRef field = find_field(word.substr(0, sign));
  return field.scope != Scope::Event || field.event.id != FieldId{0};
}

constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "fatal"};

class Finder {
 public:
  Finder(std::string_view source, std::vector<std::string>& warnings)
      : source_(source), warnings_(warnings) {}

  void look(const Node& node) {
    if (const auto* filter = std::get_if<Filter>(&node.what)) {
      look_at_level(*filter);
      const bool bare = !filter->list && filter->op != Op::Regex;
      if (bare) look(filter->values.front(), false);
    } else if (const auto* text = std::get_if<FreeText>(&node.what)) {
      look(text->value, true);
    } else if (const auto* all = std::get_if<And>(&node.what)) {
      for (const Node& term : all->terms) look(term);
    } else if (const auto* any = std::get_if<Or>(&node.what)) {
      for (const Node& term : any->terms) look(term);
    } else {
      look(*std::get<Not>(node.what).term);
    }
  }

 private:
  void look(const Value& value, bool free_text) {
    if (value.quoted || value.at.end > source_.size()) return;
    // A parenthesis ends a value, and tells of a call.
    const bool opens = value.at.end < source_.size() && source_[value.at.end] == '(';
    const std::string_view typed =
        source_.substr(value.at.begin, value.at.end - value.at.begin + (opens ? 1 : 0));
    for (size_t begin = 0; begin < typed.size();) {
      const size_t end = std::min(typed.find_first_of(" \t", begin), typed.size());
      const std::string_view word = typed.substr(begin, end - begin);
      if (ends_in_pipe(word) || holds_call(word)) return warn_of_pipe(word);
      if (free_text) look(word);
      begin = end + 1;
    }
  }

  // Levels are few and known, other values are whatever occurrences bring.
  void look_at_level(const Filter& filter) {
    const FieldRef field = find_field(filter.key);
    if (field.scope != Scope::Event || field.event.id != model::field::kLevel) return;
    if (filter.op != Op::Equal && filter.op != Op::NotEqual) return;
    for (const Value& value : filter.values) {
      // A pipe is looked for beside this.
      const bool word = !value.text.empty() && value.text.find('|') == kNone;
      if (!word || !value.pattern.empty() || model::parse_level(value.text)) continue;
      const std::string hint = suggestion(lower_ascii(value.text), kLevels);
      warnings_.push_back("\"" + value.text + "\" is no level" + hint + " Known are " +
                          enumerate(kLevels) + ".");
    }
  }

  void look(std::string_view word) {
    const std::string_view sign = word_for(word);
    if (!sign.empty()) return warn(word, sign);
    if (!compares_field(word)) return;
    const size_t behind_name = word.find_first_of("=<>!");
    const size_t behind_equal =
        word[behind_name] == '=' ? word.find_first_not_of('=', behind_name) : behind_name;
    if (behind_equal == kNone) return;
    warn(word, "for the field write " + std::string(word.substr(0, behind_name)) + ":" +
                   std::string(word.substr(behind_equal)) + ", or put it in quotes.");
  }

  void warn_of_pipe(std::string_view word) {
    warn(word, "write a blank before | to begin the pipeline, or put it in quotes.");
  }

  void warn(std::string_view word, std::string_view instead) {
    warnings_.push_back("\"" + std::string(word) +
                        "\" is searched for as it stands: " + std::string(instead));
  }

  std::string_view source_;
  std::vector<std::string>& warnings_;
};

}  // namespace

void warn_of_likely_slips(const Query& query, std::vector<std::string>& warnings) {
  if (query.filter) Finder(query.source, warnings).look(*query.filter);
}

}  // namespace cairn::query
