// Ids in order, in eight bytes while there is one at most: what nearly every group has of children
// and fingerprints. Id: an enum over uint32_t (base/ids.h).
//
// Value type. Thread: const functions are safe to call concurrently.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

namespace cairn {

template <class Id>
class IdList {
  static_assert(std::is_same_v<std::underlying_type_t<Id>, uint32_t>);

 public:
  IdList() = default;
  IdList(std::initializer_list<Id> ids) {
    for (const Id id : ids) push_back(id);
  }
  IdList(const IdList& other) : words_(other.words_) {
    if (!other.is_many()) return;
    const size_t size = other.size();
    Id* const copy = make_block(size);
    std::copy_n(other.begin(), size, copy + 1);
    set_block(copy);
  }
  IdList(IdList&& other) noexcept : words_(std::exchange(other.words_, {})) {}
  IdList& operator=(IdList other) noexcept {
    std::swap(words_, other.words_);
    return *this;
  }
  ~IdList() { clear(); }

  const Id* begin() const { return is_many() ? block() + 1 : &words_[1]; }
  const Id* end() const { return begin() + size(); }
  Id* begin() { return is_many() ? block() + 1 : &words_[1]; }
  Id* end() { return begin() + size(); }
  size_t size() const { return static_cast<uint32_t>(is_many() ? block()[0] : words_[0]); }
  bool empty() const { return size() == 0; }
  Id operator[](size_t i) const { return begin()[i]; }
  Id& operator[](size_t i) { return begin()[i]; }

  void push_back(Id id) {
    const size_t size = this->size();
    if (size == 0) {
      words_ = {kOne, id};
      return;
    }
    // A block has room for the next power of two.
    if (std::has_single_bit(size)) {
      Id* const larger = make_block(size + 1);
      std::copy_n(begin(), size, larger + 1);
      clear();
      set_block(larger);
    }
    block()[size + 1] = id;
    block()[0] = Id{static_cast<uint32_t>(size + 1)};
  }

  // Those for which it holds go, the rest keeps its order.
  template <class Predicate>
  void erase_if(Predicate&& predicate) {
    IdList kept;
    for (const Id id : *this) {
      if (!predicate(id)) kept.push_back(id);
    }
    *this = std::move(kept);
  }

  void clear() {
    if (is_many()) delete[] block();
    words_ = {};
  }

  bool operator==(const IdList& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  // Either how many there are, 0 or 1, and the one; or the address of a block of their number and
  // the ids, kMany added to it, which leaves no address below kMany * 2.
  static constexpr Id kOne{1};
  static constexpr uint64_t kMany = 2;

  bool is_many() const { return (std::bit_cast<uint64_t>(words_) & kMany) != 0; }
  Id* block() const { return reinterpret_cast<Id*>(std::bit_cast<uint64_t>(words_) - kMany); }
  void set_block(Id* block) {
    words_ = std::bit_cast<Words>(reinterpret_cast<uint64_t>(block) + kMany);
  }
  static Id* make_block(size_t size) {
    Id* const block = new Id[std::bit_ceil(size) + 1];
    block[0] = Id{static_cast<uint32_t>(size)};
    return block;
  }

  using Words = std::array<Id, 2>;
  static_assert(std::endian::native == std::endian::little && sizeof(Id*) == sizeof(Words));
  alignas(uint64_t) Words words_{};
};

}  // namespace cairn
