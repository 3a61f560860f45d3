// Tests of one text value: equality, wildcards, regular expressions, numbers, versions. Values;
// thread: any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/ast.h"
#include "query/substring.h"
#include "storage/dictionary.h"

namespace re2 {
class RE2;
}

namespace cairn::query {

inline constexpr size_t kMaxRegexBytes = 256;

// What a release's name says (model/release_order.h). Package and build may be missing; of a name
// that is no version everything is.
enum class ReleasePart : uint8_t { Whole, Package, Version, Build };

class TextMatch {
 public:
  static TextMatch any();  // every value
  static TextMatch equal(std::string text);
  // Literal runs between wildcards, two or more ("a*b" -> {"a","b"}). `fold_case` ignores the case
  // of ASCII letters.
  static TextMatch pattern(std::vector<std::string> runs, bool fold_case);
  // The value read as a number (text that is none never matches).
  static TextMatch number(Op op, double number);
  // A version of `package` ("" = of any) that compares so.
  static TextMatch version(Op op, std::string version, std::string package);
  // Somewhere in the value; RE2's syntax (https://github.com/google/re2/wiki/Syntax), in time
  // linear in the value. Errors: InvalidArgument without position: no expression, or too large.
  static Result<TextMatch> regex(const std::string& expression);
  // What `value` means after `op`: Contains, StartsWith and EndsWith become patterns.
  static TextMatch of(const Value& value, Op op, bool fold_case);

  bool matches(std::string_view text) const;
  // Those of the block's values that match, in order of their ids, until fn(ValueId) returns false.
  // Where every match holds some text, the values without it are not looked at one by one.
  template <class F>
  void for_each_match(const storage::ValueBlock& block, F&& fn) const {
    if (!needle_) {
      for (uint32_t i = 0; i < block.count(); ++i) {
        if (matches(block.value(i)) && !fn(block.id(i))) return;
      }
      return;
    }
    uint32_t index = 0;
    for (size_t at = needle_->find(block.text()); at != std::string_view::npos;) {
      index = value_at(block, index, at);
      const size_t end = block.end(index);
      if (at + needle_->size() <= end) {
        if (matches(block.value(index)) && !fn(block.id(index))) return;
        at = end;
      } else {
        ++at;  // one value's end and the next one's beginning
      }
      at = needle_->find(block.text(), at);
    }
  }
  bool is_any() const { return kind_ == Kind::Any && part_ == ReleasePart::Whole; }
  // The only text that matches, when there is just one; nullptr otherwise.
  const std::string* exact() const {
    return kind_ == Kind::Equal && part_ == ReleasePart::Whole ? &runs_[0] : nullptr;
  }
  // Whether it is the same test, told by how it was made.
  bool operator==(const TextMatch& other) const;
  // Appends bytes that are the same for equal tests only, and that no other bytes can be taken for
  // together with what follows them.
  void append_identity(std::string& out) const;
  // The same test of texts that all begin with `prefix`, applied to what follows it.
  TextMatch after_prefix(std::string_view prefix) const;
  // The same test of a part of what the value says as the name of a release.
  TextMatch of_part(ReleasePart part) const;

 private:
  // The value that the byte `at` of the block belongs to, at or behind `from`.
  static uint32_t value_at(const storage::ValueBlock& block, uint32_t from, size_t at);

  enum class Kind : uint8_t { Any, Equal, Pattern, Number, Version, Regex };

  Kind kind_ = Kind::Any;
  ReleasePart part_ = ReleasePart::Whole;
  bool fold_case_ = false;
  Op op_ = Op::Equal;
  double number_ = 0;
  std::string prefix_;
  std::vector<std::string> runs_;  // Version: the version and the package
  std::shared_ptr<const re2::RE2> regex_;
  std::shared_ptr<const Substring> needle_;  // of a pattern: its longest run
};

}  // namespace cairn::query
