// A JSON text checked from its first byte to its last, with an index of its upper levels that
// points back into the text. Values are found, not converted: big numbers, odd escapes and blanks
// stay as they were written. The only user of simdjson (why: docs/decisions/003-json.md).
//
// Ownership: a tree owns a copy of the text; JsonValue borrows the tree until its next parse().
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn::model {

enum class JsonKind : uint8_t { Null, Boolean, Number, String, Array, Object };
std::string_view json_kind_name(JsonKind kind);  // with its article: "a number"

class JsonTree;

// One value or member name, by its place in the tree. Walk the children of an array with
//   for (JsonValue e = array.first(); e; e = e.next())
// and those of an object, where name and value alternate, with
//   for (JsonValue name = object.first(); name; name = name.next().next())
class JsonValue {
 public:
  JsonValue() = default;
  explicit operator bool() const { return index_ < end_; }

  // Preconditions of all below: bool(*this).
  JsonKind kind() const;
  uint32_t position() const;         // byte offset in the text
  std::string_view raw() const;      // as written, from first to last byte
  std::string_view content() const;  // of a string: between the quotes, escapes as written
  bool escaped() const;              // of a string: holds at least one backslash
  JsonValue first() const;           // false when empty, or below the kept depth
  JsonValue next() const;

 private:
  friend class JsonTree;
  JsonValue(const JsonTree* tree, uint32_t index, uint32_t end)
      : tree_(tree), index_(index), end_(end) {}

  const JsonTree* tree_ = nullptr;
  uint32_t index_ = 0;
  uint32_t end_ = 0;
};

class JsonTree {
 public:
  JsonTree();
  ~JsonTree();
  JsonTree(const JsonTree&) = delete;
  JsonTree& operator=(const JsonTree&) = delete;

  // Checks that `text` is one JSON object in valid UTF-8, nested at most `max_depth` deep, and
  // indexes values down to `keep_depth` (members of the root object are at depth 1).
  // Errors: InvalidArgument, with the byte position where it can be told.
  Result<void> parse(std::string_view text, int keep_depth, int max_depth);

  // Precondition: the last parse() returned ok.
  JsonValue root() const { return {this, 0, 1}; }

 private:
  friend class JsonValue;
  struct Node {
    uint32_t begin;  // byte offsets; strings with their quotes
    uint32_t end;
    uint32_t next;  // index after the subtree
    JsonKind kind;
    bool escaped;
  };
  struct Parser;  // hides simdjson
  class Walker;

  void reserve(size_t bytes);

  std::unique_ptr<Parser> parser_;
  std::vector<char> text_;  // with the padding simdjson reads past the end
  std::vector<Node> nodes_;
};

inline JsonKind JsonValue::kind() const { return tree_->nodes_[index_].kind; }
inline uint32_t JsonValue::position() const { return tree_->nodes_[index_].begin; }
inline bool JsonValue::escaped() const { return tree_->nodes_[index_].escaped; }
inline std::string_view JsonValue::raw() const {
  const JsonTree::Node& node = tree_->nodes_[index_];
  return {tree_->text_.data() + node.begin, node.end - node.begin};
}
inline std::string_view JsonValue::content() const {
  const JsonTree::Node& node = tree_->nodes_[index_];
  return {tree_->text_.data() + node.begin + 1, node.end - node.begin - 2};
}
inline JsonValue JsonValue::first() const {
  return {tree_, index_ + 1, tree_->nodes_[index_].next};
}
inline JsonValue JsonValue::next() const { return {tree_, tree_->nodes_[index_].next, end_}; }

}  // namespace cairn::model
