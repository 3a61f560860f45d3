#include "storage/value_table.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/hash.h"

namespace cairn::storage {
namespace {

constexpr uint64_t kDefaultLimit = 128u << 20;
constexpr size_t kChunkBytes = 64u << 10;
constexpr unsigned kFirstBits = 10;

size_t room_of(size_t value_bytes) {
  constexpr size_t kAlign = alignof(ValueText);
  return (sizeof(ValueText) + value_bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

ValueTable::ValueTable()
    : cells_(size_t{1} << kFirstBits),
      mask_(cells_.size() - 1),
      shift_(64 - kFirstBits),
      limit_(kDefaultLimit) {}

ValueText* ValueTable::add(uint64_t key, FieldId field, std::string_view value, ValueId id) {
  const size_t chunks = chunks_.size();
  ValueText* const text = store(field, value, id);
  // Two for one, so that what is taken along does not make the rest grow.
  for (int i = 0; chunks_.size() > chunks && i < 2; ++i) {
    if (memory_bytes() > limit_ && first_chunk_ < unpinned_) forget_oldest();
  }
  if ((size_ + 1) * 3 > cells_.size() * 2) grow();
  insert(key, text);
  ++size_;
  return text;
}

void ValueTable::insert(uint64_t key, ValueText* text) {
  size_t i = home(key);
  while (cells_[i].text != nullptr) i = (i + 1) & mask_;
  cells_[i] = {key, text};
}

// The cells behind move up, so that no search ends at the gap.
void ValueTable::erase(uint64_t key, const ValueText* text) {
  size_t gap = home(key);
  while (cells_[gap].text != text) gap = (gap + 1) & mask_;
  for (size_t i = (gap + 1) & mask_; cells_[i].text != nullptr; i = (i + 1) & mask_) {
    const size_t wanted = home(cells_[i].key);
    // Its way from home to here does not lead over the gap: it stays.
    if (((i - wanted) & mask_) < ((i - gap) & mask_)) continue;
    cells_[gap] = cells_[i];
    gap = i;
  }
  cells_[gap] = {};
  --size_;
}

void ValueTable::grow() {
  std::vector<Cell> old(cells_.size() * 2);
  old.swap(cells_);
  mask_ = cells_.size() - 1;
  --shift_;
  for (const Cell& cell : old) {
    if (cell.text != nullptr) insert(cell.key, cell.text);
  }
}

ValueText* ValueTable::store(FieldId field, std::string_view value, ValueId id) {
  const size_t room = room_of(value.size());
  if (chunks_.empty() || chunks_.back().size - chunks_.back().used < room) {
    const size_t size = std::max(room, kChunkBytes);
    chunks_.push_back({std::shared_ptr<std::byte[]>(new std::byte[size]), size, 0});
    chunk_bytes_ += size;
  }
  Chunk& chunk = chunks_.back();
  auto* const text = new (chunk.bytes.get() + chunk.used)
      ValueText{raw(id), static_cast<uint32_t>(value.size()), raw(field), false};
  if (!value.empty()) std::memcpy(text + 1, value.data(), value.size());
  chunk.used += room;
  return text;
}

void ValueTable::forget_oldest() {
  const Chunk oldest = std::move(chunks_.front());
  chunks_.pop_front();
  ++first_chunk_;
  chunk_bytes_ -= oldest.size;
  // When all was asked for there is no use in keeping it: then the oldest goes all the same.
  const bool take_along = memory_bytes() < limit_ + limit_ / 8;
  for (size_t at = 0; at < oldest.used;) {
    const auto* text = reinterpret_cast<const ValueText*>(oldest.bytes.get() + at);
    at += room_of(text->bytes);
    const FieldId field{text->field};
    const uint64_t key = value_key(field, hash64(text->view()));
    erase(key, text);
    if (!text->asked || !take_along) continue;
    insert(key, store(field, text->view(), ValueId{text->id}));
    ++size_;
  }
}

}  // namespace cairn::storage
