// Texts of an occurrence's terms: those of its JSON as they are, where they need no decoding, else
// kept here.
//
// Ownership: views live until clear() and as long as the tree they came from. Thread: one at a
// time.
#pragma once

#include <string>
#include <string_view>

#include "base/text_arena.h"
#include "model/field_reader.h"
#include "model/json_scalar.h"
#include "model/json_tree.h"

namespace cairn::model {

class TermTexts {
 public:
  void clear() { arena_.clear(); }

  // Of a string or a member's name.
  std::string_view text(JsonValue string) {
    if (!string.escaped()) return string.content();
    scratch_.clear();
    append_unescaped(scratch_, string.content());
    return arena_.store(scratch_);
  }

  // Strings decoded; numbers and booleans as written; the others have no text.
  std::string_view scalar(JsonValue value) {
    switch (value.kind()) {
      case JsonKind::String:
        return text(value);
      case JsonKind::Number:
      case JsonKind::Boolean:
        return value.raw();
      default:
        return {};
    }
  }

  // "" when it is absent, no scalar, or `object` is none.
  std::string_view member(JsonValue object, std::string_view name) {
    const JsonValue value = child(object, name);
    return value ? scalar(value) : std::string_view();
  }

  // The member itself, or false.
  static JsonValue child(JsonValue object, std::string_view name) {
    if (!object || object.kind() != JsonKind::Object) return {};
    return find_member(object, name);
  }

  std::string_view joined(std::string_view first, std::string_view second,
                          std::string_view third = {}) {
    scratch_.assign(first).append(second).append(third);
    return arena_.store(scratch_);
  }

 private:
  TextArena arena_;
  std::string scratch_;
};

}  // namespace cairn::model
