// The dictionary's memory: (field, value) -> id for values that are new and for as many known ones
// as a limit allows. Open addressing; a hash finds the candidate, the text decides.
//
// Texts lie in chunks, in order of arrival. When the limit is passed the oldest chunk goes: what
// was asked for since it came is taken along, the rest is forgotten. Work and memory of that are
// those of one chunk at a time, so that no call is held up by a large clean-up.
//
// A copy shares the chunks: texts do not change, and new ones take room that the other does not
// look at. So only one of the two may be added to from then on.
//
// Thread: as Dictionary. Texts that are pinned may be read by another thread meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace cairn::storage {

// One value, followed by its bytes.
struct ValueText {
  uint32_t id = 0;
  uint32_t bytes = 0;
  uint16_t field = 0;
  bool asked = false;  // since it came into its chunk

  std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), bytes}; }
};

// Where a value lies among hashes, here and on disk: fields that share values do not share places.
constexpr uint64_t value_key(FieldId field, uint64_t hash) {
  return hash ^ (raw(field) * 0x9E3779B97F4A7C15u);
}

class ValueTable {
 public:
  ValueTable();

  // nullptr when unknown. `key` is value_key(field, hash64(value)).
  ValueText* find(uint64_t key, FieldId field, std::string_view value) const {
    for (size_t i = home(key);; i = (i + 1) & mask_) {
      const Cell& cell = cells_[i];
      if (cell.text == nullptr) return nullptr;
      if (cell.key == key && cell.text->field == raw(field) && cell.text->view() == value) {
        return cell.text;
      }
    }
  }
  // Hints for a find() to come: first the cell, then the text.
  void prefetch(uint64_t key) const { __builtin_prefetch(&cells_[home(key)]); }
  void prefetch_text(uint64_t key) const { __builtin_prefetch(cells_[home(key)].text); }

  // Precondition: unknown until now. What it returns stays until it is forgotten.
  ValueText* add(uint64_t key, FieldId field, std::string_view value, ValueId id);

  // Texts added from now on may not be forgotten before unpin(); a mark to give back there.
  using Mark = uint64_t;
  Mark mark() const { return first_chunk_ + chunks_.size() - (chunks_.empty() ? 0 : 1); }
  // What was added before the mark may be forgotten.
  void unpin(Mark mark) { unpinned_ = mark; }

  void limit(uint64_t bytes) { limit_ = bytes; }
  uint64_t memory_bytes() const { return chunk_bytes_ + cells_.size() * sizeof(Cell); }

 private:
  struct Cell {
    uint64_t key = 0;
    ValueText* text = nullptr;
  };
  struct Chunk {
    std::shared_ptr<std::byte[]> bytes;
    size_t size = 0;
    size_t used = 0;
  };

  size_t home(uint64_t key) const { return key >> shift_; }
  void insert(uint64_t key, ValueText* text);
  void erase(uint64_t key, const ValueText* text);
  void grow();
  ValueText* store(FieldId field, std::string_view value, ValueId id);
  void forget_oldest();

  std::vector<Cell> cells_;
  size_t mask_ = 0;
  unsigned shift_ = 0;
  size_t size_ = 0;
  std::deque<Chunk> chunks_;
  uint64_t first_chunk_ = 0;  // number of the oldest, counted from the first there was
  uint64_t chunk_bytes_ = 0;
  uint64_t unpinned_ = 0;
  uint64_t limit_ = 0;
};

}  // namespace cairn::storage
