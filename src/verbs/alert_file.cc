#include "verbs/alert_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "model/json_tree.h"

namespace cairn::verbs {
namespace {

// A tree's root is an object, so an array is read as the member of one.
constexpr std::string_view kBefore = R"({"rules":)";
constexpr int kKeepDepth = 6;  // that member, a rule, and 4 levels below it
constexpr int kMaxDepth = 10;

constexpr std::string_view kBlanks = " \t\r\n";

Result<std::string> read_text(Files& files, const std::string& path, WaitHooks hooks) {
  CAIRN_TRY(files.check_readable(path));
  CAIRN_TRY_ASSIGN(const auto source, files.read(path, std::move(hooks)));
  std::string text;
  std::array<char, 1u << 16> buffer{};
  for (;;) {
    CAIRN_TRY_ASSIGN(const size_t got, source->read(buffer));
    if (got == 0) break;
    text.append(buffer.data(), got);
    if (text.size() > kMaxRuleFileBytes) {
      return make_error(ErrorCode::Exhausted,
                        fmt::format("{} has more than {} MiB: this is for files of rules; split it",
                                    path, kMaxRuleFileBytes >> 20));
    }
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

// Lines and columns of places in a text. Places that are asked for one behind the other cost what
// lies between them.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}

  FilePlace of(size_t at) {
    at = std::min(at, text_.size());
    const auto [low, high] = std::minmax(at, at_);
    const std::string_view between = text_.substr(low, high - low);
    const auto lines = static_cast<uint64_t>(std::count(between.begin(), between.end(), '\n'));
    line_ += at > at_ ? lines : -lines;
    if (lines > 0) line_begin_ = text_.substr(0, at).rfind('\n') + 1;  // npos + 1 = 0
    at_ = at;
    return {line_, 1 + at - line_begin_};
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
  uint64_t line_ = 1;
  size_t line_begin_ = 0;
};

// `begin`: where the rule's text begins; positions of the error count from `base`.
RuleText rule_text(Places& places, size_t begin, int64_t base, Result<alert::Rule> rule) {
  size_t at = begin;
  if (!rule.ok() && rule.error().position) {
    at = static_cast<size_t>(std::max<int64_t>(base + *rule.error().position, 0));
  }
  return {places.of(at), std::move(rule)};
}

std::vector<RuleText> read_array(std::string_view text) {
  const auto base = -static_cast<int64_t>(kBefore.size());
  model::JsonTree tree;
  const auto parsed = tree.parse(fmt::format("{}{}}}", kBefore, text), kKeepDepth, kMaxDepth);
  std::vector<RuleText> rules;
  Places places(text);
  if (!parsed.ok()) {
    rules.push_back(rule_text(places, 0, base, parsed.error()));
    return rules;
  }
  const model::JsonValue list = tree.root().first().next();
  for (model::JsonValue one = list.first(); one; one = one.next()) {
    const auto begin = static_cast<size_t>(base + one.position());
    rules.push_back(rule_text(places, begin, base, alert::read_rule(one)));
  }
  return rules;
}

// Where lines with something in them begin and end.
struct LineOf {
  size_t begin = 0;
  std::string_view text;
};
std::vector<LineOf> lines_of(std::string_view text) {
  std::vector<LineOf> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const size_t first = line.find_first_not_of(kBlanks);
    if (first != std::string_view::npos) lines.push_back({begin + first, line.substr(first)});
    begin = end + 1;
  }
  return lines;
}

}  // namespace

Result<std::vector<RuleText>> read_rules(Files& files, const std::string& path, WaitHooks hooks) {
  CAIRN_TRY_ASSIGN(const std::string text, read_text(files, path, std::move(hooks)));
  const std::vector<LineOf> lines = lines_of(text);
  std::vector<RuleText> rules;
  Places places(text);
  if (!lines.empty() && lines.front().text.front() == '[') {
    rules = read_array(text);
  } else if (lines.size() > 1 && std::all_of(lines.begin(), lines.end(), [](const LineOf& line) {
               return line.text.front() == '{';
             })) {
    // An object over several lines has one that begins otherwise: its last.
    for (const LineOf& line : lines) {
      rules.push_back(rule_text(places, line.begin, static_cast<int64_t>(line.begin),
                                alert::parse_rule(line.text)));
    }
  } else if (!lines.empty()) {
    rules.push_back(rule_text(places, lines.front().begin, 0, alert::parse_rule(text)));
  }
  if (!rules.empty()) return rules;
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("{} holds no rule: write one JSON object, an array of them, or one "
                                "a line (docs/alerts.md)",
                                path));
}

Result<alert::Rule> read_one_rule(Files& files, const std::string& path, WaitHooks hooks) {
  CAIRN_TRY_ASSIGN(auto rules, read_rules(files, path, std::move(hooks)));
  if (rules.size() != 1) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{} holds {} rules, and this takes one", path, rules.size()));
  }
  RuleText& only = rules.front();
  if (only.rule.ok()) return std::move(only.rule);
  return make_error(only.rule.error().code,
                    fmt::format("{}:{}:{}: {}", path, only.place.line, only.place.column,
                                only.rule.error().message));
}

}  // namespace cairn::verbs
