// Alert rules in files: one JSON object, an array of them, or JSON Lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alert/rule.h"
#include "base/result.h"
#include "verbs/files.h"

namespace cairn::verbs {

inline constexpr size_t kMaxRuleFileBytes = 64u << 20;

// Where something stands in a file; both from 1.
struct FilePlace {
  uint64_t line = 1;
  uint64_t column = 1;  // bytes
};

struct RuleText {
  FilePlace place;  // of the rule, or of what is wrong with it
  Result<alert::Rule> rule;
};

// Every rule of the file, each read or refused on its own; never none.
// Errors: as Files::read(); InvalidArgument (there is nothing in it), Exhausted
// (kMaxRuleFileBytes).
Result<std::vector<RuleText>> read_rules(Files& files, const std::string& path, WaitHooks hooks);

// The rule of a file that holds one. InvalidArgument with the place: it is none, or there are
// several.
Result<alert::Rule> read_one_rule(Files& files, const std::string& path, WaitHooks hooks);

}  // namespace cairn::verbs
