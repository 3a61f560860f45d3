#include "model/term_batch.h"

#include "base/hash.h"

namespace cairn::model {

void TermBatch::add(const Term& term) {
  BatchTerm& added = terms_.emplace_back();
  added.hash_ = hash64(term.value);
  added.value_ = texts_.store(term.value).data();
  added.value_bytes_ = static_cast<uint32_t>(term.value.size());
  added.name_ = term.id != FieldId{} ? raw(term.id) : BatchTerm::kFirstTag + tag_number(term.tag);
}

void TermBatch::append(const TermBatch& from, size_t index) {
  for (const BatchTerm& term : from.terms(index)) {
    BatchTerm& added = terms_.emplace_back(term);
    added.value_ = texts_.store(term.value()).data();
    if (term.is_tag()) added.name_ = BatchTerm::kFirstTag + tag_number(from.tags_[term.tag()]);
  }
  end();
}

void TermBatch::clear() {
  terms_.clear();
  ends_.clear();
  tags_.clear();
  following_.clear();
  tag_numbers_.clear();
  last_tag_ = 0;
  texts_.clear();
}

uint64_t TermBatch::memory_bytes() const {
  return terms_.capacity() * sizeof(BatchTerm) + ends_.capacity() * sizeof(size_t) +
         texts_.memory_bytes();
}

// Events of one sender have the same tags in the same order: the tag expected next is tried first.
uint32_t TermBatch::tag_number(std::string_view key) {
  if (tags_.empty()) {
    last_tag_ = 0;
  } else if (const uint32_t expected = following_[last_tag_]; tags_[expected] == key) {
    return last_tag_ = expected;
  }
  const auto known = tag_numbers_.find(key);
  uint32_t number = 0;
  if (known != tag_numbers_.end()) {
    number = known->second;
  } else {
    number = static_cast<uint32_t>(tags_.size());
    const std::string_view stored = texts_.store(key);
    tags_.push_back(stored);
    tag_numbers_.emplace(stored, number);
    following_.push_back(0);
  }
  following_[last_tag_] = number;
  return last_tag_ = number;
}

}  // namespace cairn::model
