// Tests of one text value: equality, wildcards, numbers. Values; thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/ast.h"

namespace cairn::query {

class TextMatch {
 public:
  static TextMatch any();  // every value
  static TextMatch equal(std::string text);
  // Literal runs between wildcards, two or more ("a*b" -> {"a","b"}). `fold_case` ignores the case
  // of ASCII letters.
  static TextMatch pattern(std::vector<std::string> runs, bool fold_case);
  // The value read as a number (text that is none never matches).
  static TextMatch number(Op op, double number);
  // What `value` means after `op`: Contains, StartsWith and EndsWith become patterns.
  static TextMatch of(const Value& value, Op op, bool fold_case);

  bool matches(std::string_view text) const;
  bool is_any() const { return kind_ == Kind::Any; }
  // The only text that matches, when there is just one; nullptr otherwise.
  const std::string* exact() const { return kind_ == Kind::Equal ? &runs_[0] : nullptr; }
  // The same test of texts that all begin with `prefix`, applied to what follows it.
  TextMatch after_prefix(std::string_view prefix) const;

 private:
  enum class Kind : uint8_t { Any, Equal, Pattern, Number };

  Kind kind_ = Kind::Any;
  bool fold_case_ = false;
  Op op_ = Op::Equal;
  double number_ = 0;
  std::string prefix_;
  std::vector<std::string> runs_;
};

}  // namespace cairn::query
