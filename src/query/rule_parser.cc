// Rule text -> Rule. Words of a rule are those outside of quotes, lists, filters and parentheses,
// as the tokens of queries tell them.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "model/field.h"
#include "query/grammar.h"
#include "query/parser.h"
#include "query/rule.h"
#include "query/token.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

constexpr std::string_view kForms =
    "a rule: merge where QUERY by KEY, merge ISSUE ISSUE..., unmerge where QUERY or unmerge ISSUE";
constexpr std::array kGroupKeys = {GroupField::Status,  GroupField::Priority,
                                   GroupField::Type,    GroupField::Assigned,
                                   GroupField::Project, GroupField::Substatus};

struct Word {
  std::string_view text;
  uint32_t begin = 0;
  uint32_t end() const { return begin + static_cast<uint32_t>(text.size()); }
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

Error expected_at(std::string_view text, uint32_t at, std::string_view what) {
  const std::string_view rest = text.substr(at);
  const std::string found =
      rest.empty()
          ? "the end of the rule"
          : "\"" + std::string(rest.substr(0, std::min<size_t>(rest.find(' '), 40))) + "\"";
  return Error{ErrorCode::InvalidArgument,
               "Found " + found + ", expected " + std::string(what) + ".", at};
}

// Position of an error counted from the beginning of the rule.
Error shifted(Error error, uint32_t by) {
  if (error.position) *error.position += by;
  return error;
}

Word next_word(std::string_view text, uint32_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  uint32_t end = at;
  while (end < text.size() && !is_blank(text[end])) ++end;
  return {text.substr(at, end - at), at};
}

// A query that stands at [begin, end) of the rule. Blanks in front keep positions those of the
// rule.
Result<Query> parse_part(std::string_view text, uint32_t begin, uint32_t end) {
  std::string padded(begin, ' ');
  padded += text.substr(begin, end - begin);
  CAIRN_TRY_ASSIGN(Query query, parse(padded));
  if (!query.stages.empty()) {
    return Error{ErrorCode::InvalidArgument, "A rule has conditions only, no | and what follows.",
                 static_cast<uint32_t>(std::min<size_t>(padded.find('|'), end))};
  }
  return query;
}

// Bare words of free text outside parentheses, from `begin` on.
Result<std::vector<Word>> free_words(std::string_view text, uint32_t begin) {
  const std::string_view rest = text.substr(begin);
  auto tokens = tokenize(rest);
  if (!tokens.ok()) return shifted(std::move(tokens).error(), begin);
  std::vector<Word> words;
  int depth = 0;
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::LeftParen) ++depth;
    if (token.kind == TokenKind::RightParen) --depth;
    if (token.kind != TokenKind::FreeText || token.quoted || depth > 0) continue;
    const auto at = static_cast<uint32_t>(token.whole.data() - text.data());
    const std::string_view part = text.substr(0, at + token.whole.size());
    for (Word word = next_word(part, at); !word.text.empty(); word = next_word(part, word.end())) {
      words.push_back(word);
    }
  }
  return words;
}

class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) { rule_.source = text; }

  Result<Rule> run() {
    const Word verb = next_word(text_, 0);
    if (verb.text != "merge" && verb.text != "unmerge")
      return expected_at(text_, verb.begin, kForms);
    rule_.unmerge = verb.text == "unmerge";
    const Word second = next_word(text_, verb.end());
    if (second.text == "where") {
      CAIRN_TRY(rule_.unmerge ? unmerge_where(second.end()) : merge_where(second.end(), true));
    } else if (second.text == "by" && !rule_.unmerge) {
      CAIRN_TRY(merge_where(verb.end(), false));
    } else {
      CAIRN_TRY(issues(second));
    }
    return std::move(rule_);
  }

 private:
  Result<void> unmerge_where(uint32_t begin) {
    if (next_word(text_, begin).text.empty()) return expected_at(text_, size(), "a query");
    CAIRN_TRY_ASSIGN(rule_.where, parse_part(text_, begin, size()));
    return {};
  }

  // `with_query`: something must stand before `by`.
  Result<void> merge_where(uint32_t begin, bool with_query) {
    CAIRN_TRY_ASSIGN(const auto words, free_words(text_, begin));
    const auto last = [&](std::string_view name) {
      const auto found = std::find_if(words.rbegin(), words.rend(),
                                      [&](const Word& word) { return word.text == name; });
      return found == words.rend() ? nullptr : &*found;
    };
    const Word* by = last("by");
    if (by == nullptr) {
      CAIRN_TRY(parse_part(text_, begin, size()));  // may know better what is wrong
      return expected_at(text_, size(), "`by KEY`, such as by fingerprint[2]");
    }
    if (with_query && next_word(text_, begin).begin == by->begin) {
      return expected_at(text_, by->begin, "a query, or `merge by KEY` for all issues");
    }
    CAIRN_TRY_ASSIGN(rule_.where, parse_part(text_, begin, by->begin));
    uint32_t end = size();
    const Word* into = last("into");
    if (into != nullptr && into->begin > by->begin) {
      end = into->begin;
      if (next_word(text_, into->end()).text.empty()) return expected_at(text_, size(), "a query");
      CAIRN_TRY_ASSIGN(rule_.into, parse_part(text_, into->end(), size()));
    }
    return keys(by->end(), end);
  }

  Result<void> keys(uint32_t begin, uint32_t end) {
    uint32_t at = begin;
    const auto skip = [&] {
      while (at < end && is_blank(text_[at])) ++at;
    };
    while (true) {
      skip();
      CAIRN_TRY_ASSIGN(RuleKey key, this->key(at, end));
      rule_.keys.push_back(std::move(key));
      if (rule_.keys.size() > kMaxRuleKeys) {
        return Error{ErrorCode::InvalidArgument,
                     "A rule has at most " + std::to_string(kMaxRuleKeys) + " keys.", begin};
      }
      skip();
      if (at == end) return {};
      if (text_[at] != ',') {
        return expected_at(text_, at,
                           "a comma and another key, `into QUERY` or the end of the rule");
      }
      ++at;
    }
  }

  // Advances `at` behind it.
  Result<RuleKey> key(uint32_t& at, uint32_t end) {
    constexpr std::string_view kKey =
        "a key: fingerprint[2], title, culprit, type, level, a field or a tag";
    const uint32_t begin = at;
    std::string_view rest = text_.substr(at, end - at);
    const auto field = grammar::match_field(rest);
    if (!field) return expected_at(text_, at, kKey);
    at += static_cast<uint32_t>(field->whole.size());
    if (field->whole == "fingerprint") {
      if (!rest.starts_with('[')) {
        return invalid_at({begin, at},
                          "Say which entry of the list: fingerprint[2] is the second, "
                          "the first coarser one.");
      }
      return level(begin, at, end);
    }
    Key name;
    if (const auto* tag = std::get_if<grammar::TagKey>(&field->what)) {
      name.form = KeyForm::Tag;
      name.name = tag->name.text;
    } else {
      name.name = std::get<grammar::Text>(field->what).text;
    }
    name.at = {begin, at};
    return bind(name, field->whole);
  }

  Result<RuleKey> level(uint32_t begin, uint32_t& at, uint32_t end) {
    const auto close = static_cast<uint32_t>(std::min<size_t>(text_.find(']', at), end));
    const std::string_view digits = text_.substr(at + 1, close == end ? 0 : close - at - 1);
    constexpr unsigned kLevels =
        raw(model::field::kFingerprint5) - raw(model::field::kFingerprint2) + 2;
    unsigned level = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), level);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || level < 1 ||
        level > kLevels) {
      return invalid_at({begin, at},
                        "Fingerprint levels are numbered from 1, the one that decides, "
                        "to " +
                            std::to_string(kLevels) + ": write fingerprint[2].");
    }
    at = close + 1;
    RuleKey key;
    key.name = text_.substr(begin, at - begin);
    key.kind = level == 1 ? RuleKey::Kind::Decider : RuleKey::Kind::Event;
    key.event.id = FieldId{static_cast<uint16_t>(raw(model::field::kFingerprint2) + level - 2)};
    return key;
  }

  static Result<RuleKey> bind(const Key& name, std::string_view written) {
    const FieldRef ref = find_field(name);
    RuleKey key;
    key.name = written;
    key.event = ref.event;
    key.group = ref.group;
    if (ref.scope == Scope::Group) {
      key.kind = RuleKey::Kind::Group;
      if (std::find(kGroupKeys.begin(), kGroupKeys.end(), ref.group) != kGroupKeys.end())
        return key;
    } else if (ref.scope == Scope::Event) {
      if (ref.event.prefix.empty()) return key;
      return invalid_at(name.at, "Users have one name each here: write user instead.");
    }
    return invalid_at(name.at,
                      "\"" + name.name +
                          "\" is no key: issues are not alike by it. Use "
                          "fingerprint[2], title, culprit, type, level, a field or a tag.");
  }

  Result<void> issues(Word word) {
    if (word.text.empty()) return expected_at(text_, size(), kForms.substr(kForms.find(':') + 2));
    for (; !word.text.empty(); word = next_word(text_, word.end())) {
      rule_.issues.push_back({std::string(word.text), {word.begin, word.end()}});
    }
    if (!rule_.unmerge && rule_.issues.size() < 2) {
      return expected_at(text_, size(), "another issue, which the first one shall show");
    }
    if (rule_.issues.size() <= kMaxRuleIssues) return {};
    return Error{ErrorCode::InvalidArgument,
                 "A rule names at most " + std::to_string(kMaxRuleIssues) + " issues.", 0};
  }

  uint32_t size() const { return static_cast<uint32_t>(text_.size()); }

  std::string_view text_;
  Rule rule_;
};

}  // namespace

Result<Rule> parse_rule(std::string_view text) {
  if (text.size() > kMaxQueryBytes) {
    return make_error(ErrorCode::InvalidArgument,
                      "A rule is at most " + std::to_string(kMaxQueryBytes) + " bytes long.");
  }
  return RuleParser(text).run();
}

}  // namespace cairn::query
