#include "query/text_match.h"

#include <algorithm>

#include "base/assert.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `run` is lower case already when folding.
bool equal_run(std::string_view text, std::string_view run, bool fold_case) {
  if (!fold_case) return text == run;
  return std::equal(text.begin(), text.end(), run.begin(), run.end(),
                    [](char t, char r) { return folded(t) == r; });
}

size_t find_run(std::string_view text, std::string_view run, bool fold_case) {
  if (!fold_case) return text.find(run);
  const auto found = std::search(text.begin(), text.end(), run.begin(), run.end(),
                                 [](char t, char r) { return folded(t) == r; });
  if (found == text.end() && !run.empty()) return std::string_view::npos;
  return static_cast<size_t>(found - text.begin());
}

// The first run at the front, the last at the back, the others in between, leftmost first.
bool matches_runs(std::string_view text, const std::vector<std::string>& runs, bool fold_case) {
  const std::string& front = runs.front();
  const std::string& back = runs.back();
  if (text.size() < front.size() + back.size()) return false;
  if (!equal_run(text.substr(0, front.size()), front, fold_case)) return false;
  if (!equal_run(text.substr(text.size() - back.size()), back, fold_case)) return false;
  text = text.substr(front.size(), text.size() - front.size() - back.size());
  for (size_t i = 1; i + 1 < runs.size(); ++i) {
    const size_t at = find_run(text, runs[i], fold_case);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + runs[i].size());
  }
  return true;
}

}  // namespace

TextMatch TextMatch::any() { return TextMatch{}; }

TextMatch TextMatch::equal(std::string text) {
  TextMatch match;
  match.kind_ = Kind::Equal;
  match.runs_.push_back(std::move(text));
  return match;
}

TextMatch TextMatch::pattern(std::vector<std::string> runs, bool fold_case) {
  CAIRN_ASSERT(runs.size() >= 2);
  TextMatch match;
  if (std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run.empty(); })) {
    return match;
  }
  match.kind_ = Kind::Pattern;
  match.fold_case_ = fold_case;
  if (fold_case) {
    for (std::string& run : runs) std::transform(run.begin(), run.end(), run.begin(), folded);
  }
  match.runs_ = std::move(runs);
  return match;
}

TextMatch TextMatch::number(Op op, double number) {
  TextMatch match;
  match.kind_ = Kind::Number;
  match.op_ = op;
  match.number_ = number;
  return match;
}

TextMatch TextMatch::of(const Value& value, Op op, bool fold_case) {
  std::vector<std::string> runs = value.pattern;
  if (runs.empty()) runs.push_back(value.text);
  if (op == Op::Contains || op == Op::EndsWith) runs.insert(runs.begin(), "");
  if (op == Op::Contains || op == Op::StartsWith) runs.push_back("");
  if (runs.size() == 1) return equal(std::move(runs[0]));
  return pattern(std::move(runs), fold_case);
}

bool TextMatch::matches(std::string_view text) const {
  if (!prefix_.empty()) {
    if (!text.starts_with(prefix_)) return false;
    text.remove_prefix(prefix_.size());
  }
  switch (kind_) {
    case Kind::Any:
      return true;
    case Kind::Equal:
      return text == runs_[0];
    case Kind::Pattern:
      return matches_runs(text, runs_, fold_case_);
    case Kind::Number: {
      const auto parsed = parse_number(text);
      return parsed && compare(*parsed, op_, number_);
    }
  }
  return false;
}

TextMatch TextMatch::after_prefix(std::string_view prefix) const {
  TextMatch match = *this;
  if (kind_ == Kind::Equal) {
    match.runs_[0].insert(0, prefix);
  } else if (kind_ == Kind::Any) {
    return pattern({std::string(prefix), ""}, false);
  } else {
    match.prefix_ = prefix;
  }
  return match;
}

}  // namespace cairn::query
