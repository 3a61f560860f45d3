// A set of ordinals. The only header that knows CRoaring exists (and which version): the rest of
// cairn uses this class. Packaged CRoaring 0.2.66 up to 5.x all work (docs/decisions).
//
// Resource: moves, does not copy (use clone()). Owns its memory, except one made by view(), which
// borrows the bytes it was made over: those must outlive it and every const use of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace cairn::storage {

class Bitmap {
 public:
  Bitmap();  // empty
  ~Bitmap();
  Bitmap(Bitmap&&) noexcept;
  Bitmap& operator=(Bitmap&&) noexcept;

  static Bitmap from_sorted(std::span<const Ordinal> ordinals);  // ascending, no repeats
  static Bitmap range(Ordinal begin, Ordinal end);               // [begin, end)
  // Ordinal o is bit o % 64 of word o / 64.
  static Bitmap from_bits(std::span<const uint64_t> words);
  Bitmap clone() const;

  void add(Ordinal ordinal);
  void add_range(Ordinal begin, Ordinal end);
  void optimize();  // chooses run containers where they are smaller

  // In place; `other` is not changed.
  void and_with(const Bitmap& other);
  void or_with(const Bitmap& other);
  void and_not(const Bitmap& other);
  // Complement within [0, size).
  void flip(Ordinal size);
  static Bitmap or_many(std::span<const Bitmap* const> bitmaps);

  uint64_t cardinality() const;
  uint64_t and_cardinality(const Bitmap& other) const;
  uint64_t range_cardinality(Ordinal begin, Ordinal end) const;  // [begin, end)
  bool contains(Ordinal ordinal) const;
  bool empty() const;
  Ordinal maximum() const;  // precondition: !empty()
  // The ordinal with `rank` smaller ones before it. Precondition: rank < cardinality().
  Ordinal select(uint64_t rank) const;
  std::vector<Ordinal> to_vector() const;

  // Calls fn(Ordinal) ascending over [begin, end) until it returns false.
  template <class F>
  void for_each_in(Ordinal begin, Ordinal end, F&& fn) const {
    for_each_impl(begin, end, &fn, [](void* f, Ordinal o) {
      return static_cast<bool>((*static_cast<std::remove_reference_t<F>*>(f))(o));
    });
  }
  template <class F>
  void for_each(F&& fn) const {
    for_each_in(0, UINT32_MAX, [&](Ordinal o) {
      fn(o);
      return true;
    });
  }

  // The same in blocks: fn(std::span<const Ordinal>), each of at most kBlock, none empty, until it
  // returns false (or void, never). What is done to many ordinals at a time (columns) is several
  // times faster than one by one.
  static constexpr uint32_t kBlock = 1024;
  template <class F>
  void for_each_block_in(Ordinal begin, Ordinal end, F&& fn) const {
    for_each_block_impl(begin, end, &fn, [](void* f, std::span<const Ordinal> block) {
      auto& call = *static_cast<std::remove_reference_t<F>*>(f);
      if constexpr (std::is_void_v<decltype(call(block))>) {
        call(block);
        return true;
      } else {
        return call(block);
      }
    });
  }
  template <class F>
  void for_each_block(F&& fn) const {
    for_each_block_in(0, UINT32_MAX, fn);
  }

  // Frozen form: bytes that can be used in place where they lie at a 32-byte aligned address.
  size_t frozen_bytes() const;
  void write_frozen(std::span<std::byte> out) const;  // out.size() == frozen_bytes()
  // Borrows `bytes` when aligned, copies them otherwise. Corruption when they are no bitmap: all of
  // it is checked, as CRoaring trusts what it views.
  static Result<Bitmap> view(std::span<const std::byte> bytes);

  bool operator==(const Bitmap& other) const;

 private:
  // A roaring_bitmap_t. Its name moved between versions, so it cannot be declared here.
  struct Roaring;
  explicit Bitmap(Roaring* owned);
  void for_each_impl(Ordinal begin, Ordinal end, void* fn, bool (*call)(void*, Ordinal)) const;
  void for_each_block_impl(Ordinal begin, Ordinal end, void* fn,
                           bool (*call)(void*, std::span<const Ordinal>)) const;
  Roaring* writable();

  Roaring* bitmap_ = nullptr;          // null after a move
  bool borrowed_ = false;              // a view of frozen bytes: copied before the first change
  std::unique_ptr<std::byte[]> copy_;  // bytes behind a view that had to be copied
};

}  // namespace cairn::storage
