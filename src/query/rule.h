// Rules of merge experiments and sweeps: which issues become one, told as text.
//
//   merge where QUERY by KEY, ... [into QUERY]   issues with a match, alike in every key, become
//   one merge by KEY, ... [into QUERY]               the same of all issues merge ISSUE ISSUE...
//   the first shows the others unmerge where QUERY                          groups with a match
//   leave what shows them unmerge ISSUE [ISSUE...]                     the others, or all it shows,
//   leave the first
//
// docs/query-language.md, "Rules", says what a key may be and what an issue's value of one is.
// parse_rule() is pure, any thread; evaluate() borrows the view for the call, and reads no event.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/experiment.h"
#include "query/ast.h"
#include "query/field_catalogue.h"
#include "query/view.h"

namespace cairn::query {

inline constexpr size_t kMaxRuleKeys = 4;
inline constexpr size_t kMaxRuleIssues = 10'000;  // named one by one
// Different (issue, value) pairs that one key of a rule may meet; 16 bytes each and more.
inline constexpr size_t kMaxRulePairs = 1u << 24;

struct RuleKey {
  enum class Kind : uint8_t {
    Event,    // a field of the occurrences
    Decider,  // the fingerprint that decided them: fingerprint[1]
    Group,    // a property of the issue
  };
  Kind kind = Kind::Event;
  EventField event;
  GroupField group{};
  std::string name;  // as written
};

struct RuleIssue {
  std::string reference;
  Span at;
};

struct Rule {
  std::string source;
  bool unmerge = false;
  std::optional<Query> where;  // nullopt: `issues`
  std::vector<RuleKey> keys;
  std::optional<Query> into;
  std::vector<RuleIssue> issues;
};

// Errors: InvalidArgument with position.
Result<Rule> parse_rule(std::string_view text);

struct RuleFindings {
  model::Regrouping links;   // fit the view's forest, one by one
  uint64_t issues = 0;       // visible ones that the rule's conditions found
  uint64_t without_key = 0;  // of these: without a value, so that they stay alone
  uint64_t views = 0;        // that will show more, or less
  uint64_t occurrences = 0;  // that will be shown by another issue
};

// What the rule finds in a view. Largest issues, then lowest numbers, become the views.
// Errors: InvalidArgument and NotFound with position; Exhausted (kMaxRulePairs); Corruption, Io.
Result<RuleFindings> evaluate(const View& view, const Rule& rule, TimeUs now);

}  // namespace cairn::query
