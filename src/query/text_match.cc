#include "query/text_match.h"

#include <re2/re2.h>

#include <algorithm>
#include <bit>

#include "base/ascii.h"
#include "base/assert.h"
#include "model/release_order.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

// `run` is lower case already when folding.
bool equal_run(std::string_view text, std::string_view run, bool fold_case) {
  if (!fold_case) return text == run;
  return std::equal(text.begin(), text.end(), run.begin(), run.end(),
                    [](char t, char r) { return lower_ascii(t) == r; });
}

size_t find_run(std::string_view text, std::string_view run, bool fold_case) {
  if (!fold_case) return text.find(run);
  const auto found = std::search(text.begin(), text.end(), run.begin(), run.end(),
                                 [](char t, char r) { return lower_ascii(t) == r; });
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

std::optional<std::string_view> part_of(std::string_view name, ReleasePart part) {
  if (part == ReleasePart::Whole) return name;
  const auto release = model::parse_release(name);
  if (!release) return std::nullopt;
  if (part == ReleasePart::Package || part == ReleasePart::Build) {
    const std::string_view found = part == ReleasePart::Package ? release->package : release->build;
    return found.empty() ? std::nullopt : std::optional(found);
  }
  while (name.ends_with(' ')) name.remove_suffix(1);
  if (!release->build.empty()) name.remove_suffix(release->build.size() + 1);
  const size_t at = name.rfind('@');
  name.remove_prefix(at == std::string_view::npos ? name.find_first_not_of(' ') : at + 1);
  return name;
}

bool compare_versions(std::string_view name, Op op, const std::vector<std::string>& wanted) {
  const auto release = model::parse_release(name);
  const auto version = model::parse_version(wanted[0]);
  CAIRN_ASSERT(version.has_value());
  if (!release || (!wanted[1].empty() && release->package != wanted[1])) return false;
  const std::weak_ordering order = model::compare(*release, *version);
  return compare(order < 0 ? -1 : order > 0 ? 1 : 0, op, 0);
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
    for (std::string& run : runs) run = lower_ascii(run);
  }
  const auto longest = std::max_element(
      runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  // A single letter is in too many values to be looked for in all at once.
  if (longest->size() > 1) match.needle_ = std::make_shared<const Substring>(*longest, fold_case);
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

TextMatch TextMatch::version(Op op, std::string version, std::string package) {
  TextMatch match;
  match.kind_ = Kind::Version;
  match.op_ = op;
  match.runs_ = {std::move(version), std::move(package)};
  return match;
}

Result<TextMatch> TextMatch::regex(const std::string& expression) {
  // Programs larger than that are refused; typical ones take a hundredth of it.
  constexpr int64_t kMaxProgramBytes = 1 << 20;
  if (expression.size() > kMaxRegexBytes) {
    return make_error(ErrorCode::InvalidArgument,
                      "A regular expression has at most " + std::to_string(kMaxRegexBytes) +
                          " bytes; this one has " + std::to_string(expression.size()) + ".");
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kMaxProgramBytes);
  options.set_never_capture(true);
  TextMatch match;
  match.kind_ = Kind::Regex;
  auto compiled = std::make_shared<re2::RE2>(expression, options);
  if (!compiled->ok()) {
    return make_error(ErrorCode::InvalidArgument,
                      "This is no regular expression that can be "
                      "searched with: " +
                          compiled->error() + ".");
  }
  match.regex_ = std::move(compiled);
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

uint32_t TextMatch::value_at(const storage::ValueBlock& block, uint32_t from, size_t at) {
  uint32_t step = 1;
  uint32_t low = from;  // not behind it
  while (low + step < block.count() && block.end(low + step - 1) <= at) {
    low += step;
    step *= 2;
  }
  uint32_t high = std::min(low + step, block.count() - 1);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (block.end(middle) <= at) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool TextMatch::matches(std::string_view text) const {
  if (!prefix_.empty()) {
    if (!text.starts_with(prefix_)) return false;
    text.remove_prefix(prefix_.size());
  }
  const auto part = part_of(text, part_);
  if (!part) return false;
  text = *part;
  switch (kind_) {
    case Kind::Any:
      return true;
    case Kind::Equal:
      return text == runs_[0];
    case Kind::Pattern:
      return matches_runs(text, runs_, fold_case_);
    case Kind::Number: {
      const auto parsed = parse_quantity(text);
      return parsed && compare(*parsed, op_, number_);
    }
    case Kind::Version:
      return compare_versions(text, op_, runs_);
    case Kind::Regex:
      return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex_);
  }
  return false;
}

bool TextMatch::operator==(const TextMatch& other) const {
  const auto same_regex = [&] {
    if (regex_ == other.regex_) return true;
    return regex_ && other.regex_ && regex_->pattern() == other.regex_->pattern();
  };
  return kind_ == other.kind_ && part_ == other.part_ && fold_case_ == other.fold_case_ &&
         op_ == other.op_ && number_ == other.number_ && prefix_ == other.prefix_ &&
         runs_ == other.runs_ && same_regex();
}

void TextMatch::append_identity(std::string& out) const {
  const auto text = [&](std::string_view bytes) {
    out += std::to_string(bytes.size()) + ":";
    out += bytes;
  };
  const auto letter = [&](auto choice) {
    out += static_cast<char>('a' + static_cast<int>(choice));
  };
  letter(kind_);
  letter(part_);
  letter(fold_case_);
  if (kind_ == Kind::Number || kind_ == Kind::Version) letter(op_);
  if (kind_ == Kind::Number) text(std::to_string(std::bit_cast<uint64_t>(number_ + 0.0)));
  text(prefix_);
  out += std::to_string(runs_.size()) + ";";
  for (const std::string& run : runs_) text(run);
  if (regex_) text(regex_->pattern());
}

TextMatch TextMatch::of_part(ReleasePart part) const {
  TextMatch match = *this;
  match.part_ = part;
  return match;
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
