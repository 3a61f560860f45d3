// The terms of many occurrences in one piece of memory, with the hash of each value: made where a
// line is parsed, used where its values become ids, with no allocation for an occurrence.
//
// Tag keys are numbered within the batch, so that who looks them up does so once a batch.
//
// Ownership: holds copies of all texts; views live until clear() or the end of the batch, moved or
// not. Thread: one at a time; may be handed to another thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/text_arena.h"
#include "model/field.h"

namespace cairn::model {

class BatchTerm {
 public:
  // hash64(value).
  uint64_t hash() const { return hash_; }
  std::string_view value() const { return {value_, value_bytes_}; }
  bool is_tag() const { return name_ >= kFirstTag; }
  // Precondition: !is_tag().
  FieldId field() const { return static_cast<FieldId>(name_); }
  // Precondition: is_tag(). Index into TermBatch::tags().
  uint32_t tag() const { return name_ - kFirstTag; }

 private:
  friend class TermBatch;
  static constexpr uint32_t kFirstTag = 1u << 16;  // behind all field ids
  uint64_t hash_ = 0;
  const char* value_ = nullptr;
  uint32_t value_bytes_ = 0;
  uint32_t name_ = 0;
};

class TermBatch {
 public:
  // Spans given so far: one for every message parsed or occurrence extracted.
  size_t size() const { return ends_.size(); }
  // In the order of TermExtractor. Empty for messages that are no occurrence.
  std::span<const BatchTerm> terms(size_t index) const {
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {terms_.data() + begin, ends_[index] - begin};
  }
  // The different tag keys, by number.
  std::span<const std::string_view> tags() const { return tags_; }
  uint64_t memory_bytes() const;

  // Adds to the span that end() will close.
  void add(const Term& term);
  void end() { ends_.push_back(terms_.size()); }
  // A copy of a span of another batch, closed.
  void append(const TermBatch& from, size_t index);
  // Empty again, with most of its memory kept.
  void clear();

 private:
  uint32_t tag_number(std::string_view key);

  std::vector<BatchTerm> terms_;
  std::vector<size_t> ends_;
  std::vector<std::string_view> tags_;
  std::vector<uint32_t> following_;  // by tag: the one that came after it last time
  std::unordered_map<std::string_view, uint32_t> tag_numbers_;
  uint32_t last_tag_ = 0;

  TextArena texts_;
};

}  // namespace cairn::model
