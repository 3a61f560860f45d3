#include "query/substring.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/ascii.h"
#include "base/assert.h"

namespace cairn::query {
namespace {

// Or-ed to a byte this makes both cases of a letter the same and leaves other comparisons as they
// are.
unsigned char fold_bit(char c, bool fold_case) {
  return fold_case && c >= 'a' && c <= 'z' ? 0x20 : 0;
}

}  // namespace

Substring::Substring(std::string needle, bool fold_case)
    : needle_(std::move(needle)), fold_case_(fold_case) {
  CAIRN_ASSERT(!needle_.empty());
  if (fold_case_) needle_ = lower_ascii(needle_);
  // The last byte that differs from the first: more telling than a repetition.
  second_ = needle_.size() - 1;
  while (second_ > 0 && needle_[second_] == needle_[0]) --second_;
  if (second_ == 0) second_ = needle_.size() - 1;
  first_byte_ = static_cast<unsigned char>(needle_[0]);
  first_fold_ = fold_bit(needle_[0], fold_case_);
  second_byte_ = static_cast<unsigned char>(needle_[second_]);
  second_fold_ = fold_bit(needle_[second_], fold_case_);
}

bool Substring::is_at(const char* place) const {
  if (!fold_case_) return std::memcmp(place, needle_.data(), needle_.size()) == 0;
  for (size_t i = 0; i < needle_.size(); ++i) {
    if (lower_ascii(place[i]) != needle_[i]) return false;
  }
  return true;
}

size_t Substring::find(std::string_view text, size_t from) const {
  if (text.size() < needle_.size()) return std::string_view::npos;
  const size_t end = text.size() - needle_.size() + 1;  // of the places where it can begin
  const char* const data = text.data();
  size_t at = from;
#ifdef __SSE2__
  constexpr size_t kStep = 16;
  const __m128i first = _mm_set1_epi8(static_cast<char>(first_byte_));
  const __m128i first_fold = _mm_set1_epi8(static_cast<char>(first_fold_));
  const __m128i second = _mm_set1_epi8(static_cast<char>(second_byte_));
  const __m128i second_fold = _mm_set1_epi8(static_cast<char>(second_fold_));
  const auto load = [](const char* place) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(place));
  };
  // The second byte lies within the needle: what is read is text wherever it can begin.
  for (; at + kStep <= end; at += kStep) {
    const __m128i a = _mm_cmpeq_epi8(_mm_or_si128(load(data + at), first_fold), first);
    const __m128i b = _mm_cmpeq_epi8(_mm_or_si128(load(data + at + second_), second_fold), second);
    auto places = static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(a, b)));
    for (; places != 0; places &= places - 1) {
      const size_t place = at + static_cast<size_t>(std::countr_zero(places));
      if (is_at(data + place)) return place;
    }
  }
#endif
  for (; at < end; ++at) {
    const auto byte = static_cast<unsigned char>(data[at]);
    if ((byte | first_fold_) == first_byte_ && is_at(data + at)) return at;
  }
  return std::string_view::npos;
}

}  // namespace cairn::query
